"""How much is measured: sizes, rounds and the time of one peer's turn."""

from dataclasses import dataclass

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


@dataclass(frozen=True)
class Plan:
    name: str
    get_sizes: tuple[int, ...]
    put_sizes: tuple[int, ...]
    rounds: int
    turn_seconds: float
    """At least; a peer has as long as a few samples take."""
    first_rounds: int
    """Rounds of new processes: for what happens once in a process."""
    first_names: int
    hand_off_sizes: tuple[int, ...]
    hand_offs: int
    reader_bytes: int
    readers: tuple[int, ...]
    many_seconds: float
    """Readers and clients stop after the round in which this is over."""
    clients: tuple[int, ...]
    starts: int
    """More than one, for what is measured by starting."""
    idle_seconds: float


SIZES = (64, KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB, 16 * MIB, 64 * MIB, 256 * MIB)

FULL = Plan(
    name="full", get_sizes=SIZES, put_sizes=SIZES,
    rounds=5, turn_seconds=0.1, first_rounds=5, first_names=50,
    hand_off_sizes=(64, 64 * KIB, MIB, 16 * MIB), hand_offs=50,
    reader_bytes=GIB, readers=(1, 2, 8), many_seconds=15.0,
    clients=(1, 4, 16), starts=3, idle_seconds=60.0,
)  # fmt: skip

QUICK = Plan(
    name="quick",
    get_sizes=(64, 64 * KIB, MIB, 16 * MIB),
    put_sizes=(KIB, 64 * KIB, MIB, 16 * MIB),
    rounds=3, turn_seconds=0.03, first_rounds=2, first_names=20,
    hand_off_sizes=(64, MIB), hand_offs=20,
    reader_bytes=64 * MIB, readers=(1, 2, 8), many_seconds=1.0,
    clients=(1, 4), starts=1, idle_seconds=2.0,
)  # fmt: skip

TINY = Plan(
    name="tiny",
    get_sizes=(64, 64 * KIB), put_sizes=(64, 64 * KIB),
    rounds=2, turn_seconds=0.002, first_rounds=1, first_names=2,
    hand_off_sizes=(64, MIB), hand_offs=3,
    reader_bytes=MIB, readers=(1, 2), many_seconds=1.0,
    clients=(1, 2), starts=1, idle_seconds=0.1,
)  # fmt: skip

PLANS = {plan.name: plan for plan in (FULL, QUICK, TINY)}
