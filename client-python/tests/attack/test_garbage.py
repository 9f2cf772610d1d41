"""Whatever a client sends, the daemon answers or hangs up, and nobody waits longer for it.

Invariant: a frame that is in step is answered once, however bad it is; one that is not ends its
own connection. The daemon logs no fault, its event loop is at nobody's mercy for longer than
STALL_MAX of its own CPU time, and its memory is what it was.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from harness.daemon import Daemon
from harness.loop import LoopClock
from harness.raw import PREFIX, RawClient, frame
from harness.stalls import before_all_others, pings_until_heard
from harness.uids import Uid
from harness.workers import Channel, worker

pytestmark = [
    pytest.mark.one_version,
    pytest.mark.timeout(600),
    pytest.mark.usefixtures("undisturbed"),
]

FRAMES = 1_000_000
IN_STEP = 49
"""Frames of a connection before the one that is out of step."""

STALL_MAX = 0.100
LAST_WORDS = {"protocol", "wrong_version"}
HELLO = frame({"op": "hello", "seq": 1, "namespace": "default", "client": "sealbuf-raw/1"})

VALID = [
    frame({"op": "ping", "seq": 7}),
    frame({"op": "open", "seq": 7, "name": "garbage"}),
    frame({"op": "put", "seq": 7, "name": "garbage", "ttl": 60}, b"taken the second time"),
    frame({"op": "put", "seq": 7, "name": "garbage", "replace": True, "metadata_bytes": 2}, b"ab"),
    frame({"op": "put", "seq": 7, "name": "garbage", "format": "<i", "shape": [2], "strides": [4]},
          bytes(8)),
    frame({"op": "put_many", "seq": 7, "count": 1, "index_bytes": 15}, b'[["garbage",3]]abc'),
    frame({"op": "create", "seq": 7, "name": "garbage/2", "nbytes": 4096}),
    frame({"op": "abort", "seq": 7, "buffer": 9}),
    frame({"op": "seal", "seq": 7, "buffer": 9, "nbytes": 1}),
    frame({"op": "hold", "seq": 7, "name": "garbage", "buffer": 1}),
    frame({"op": "take", "seq": 7, "name": "garbage/3"}),
    frame({"op": "delete", "seq": 7, "name": "garbage"}),
    frame({"op": "delete_many", "seq": 7, "count": 1}, b'["garbage"]'),
    frame({"op": "list", "seq": 7, "prefix": "garbage", "limit": 5, "cursor": 0}),
    frame({"op": "holders", "seq": 7, "cursor": 0}),
    frame({"op": "stat", "seq": 7}),
]  # fmt: skip
"""None whose answer waits for something, and none that brings events."""

Kind = Callable[[random.Random], tuple[list[bytes], bytes]]
"""Makes what one connection sends: frames in step, and what comes last."""


def random_bytes(rng: random.Random) -> tuple[list[bytes], bytes]:
    in_step = [
        frame(rng.randbytes(rng.randint(1, 200)), rng.randbytes(rng.randint(0, 100)))
        for _ in range(IN_STEP)
    ]
    return in_step, rng.randbytes(rng.randint(1, 300))


def flipped(valid: bytes, rng: random.Random, start: int, end: int) -> bytes:
    data = bytearray(valid)
    for _ in range(rng.randint(1, 3)):
        data[rng.randrange(start, end)] ^= 1 << rng.randrange(8)
    return bytes(data)


def flipped_bits(rng: random.Random) -> tuple[list[bytes], bytes]:
    in_step = [
        flipped(valid, rng, PREFIX.size, len(valid)) for valid in rng.choices(VALID, k=IN_STEP)
    ]
    return in_step, flipped(rng.choice(VALID), rng, 0, PREFIX.size)


def attack(path: str, kind: Kind, connections: int, seed: str, channel: Channel) -> None:
    """Says at the end how many frames were answered how."""
    rng = random.Random(seed)
    answers: Counter[str] = Counter()
    for _ in range(connections):
        in_step, last = kind(rng)
        told = conversation(path, b"".join([HELLO, *in_step, last]))
        assert len(told) >= 1 + IN_STEP, f"not every frame was answered: {told}"
        assert told[0] == "welcome"
        answers.update(told[1:])
    channel.say(answers)


def conversation(path: str, said: bytes) -> list[str]:
    """What is answered, in any order, to a client that hangs up when it has said all this."""
    client = RawClient.connect_here(path)
    try:
        client.send(said)
        return list(kinds(client))
    finally:
        client.close()


def kinds(client: RawClient) -> Iterator[str]:
    """At least the frames in step; then the end is asked for, so that half a frame ends too."""
    for _ in range(1 + IN_STEP):
        reply = client.read()
        reply.close()
        yield reply.kind
    client.hang_up()
    for reply in client.read_to_end():
        reply.close()
        yield reply.kind


@pytest.mark.parametrize("kind", [random_bytes, flipped_bits])
def test_a_million_bad_frames_hold_nobody_up(
    daemon: Daemon,
    kind: Kind,
    rounds: Callable[..., int],
    pytestconfig: pytest.Config,
    measured: Callable[[str], None],
) -> None:
    connections = rounds(FRAMES) // (1 + IN_STEP)
    loop = LoopClock(daemon.pid)
    logged = len(daemon.log)
    work = partial(attack, daemon.path, kind, connections, str(pytestconfig.option.seed))
    with worker(work, Uid.ATTACKER) as attacker, daemon.open(Uid.READER) as pinger:
        with before_all_others():
            stalls = sorted(pings_until_heard(attacker, pinger, loop))
        answers = attacker.hear()
        attacker.finish()
    measured(
        f"{connections * (1 + IN_STEP)} frames, {len(stalls)} pings, "
        f"p99={stalls[len(stalls) * 99 // 100] * 1e3:.2f} ms longest={stalls[-1] * 1e3:.2f} ms, "
        f"answers={answers}"
    )
    forget_all(daemon)
    log = daemon.log[logged:]
    assert "not planned for" not in log
    assert "Exception" not in log
    assert stalls[-1] <= STALL_MAX
    if kind is random_bytes:
        assert set(answers) <= {"invalid_request"} | LAST_WORDS
    else:
        assert {"pong", "published", "invalid_request"} <= set(answers)
    assert LAST_WORDS & set(answers)


def forget_all(daemon: Daemon) -> None:
    """What flipped bits have published, under whatever name."""
    with daemon.open(Uid.ATTACKER) as client:
        for entry in client.entries(""):
            client.ask("delete", name=entry["name"]).close()
