"""Who is measured. Each has a module in `peers`, and what it needs in `requirements`."""

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1]
TREE = FOLDER.parent


@dataclass(frozen=True)
class Spec:
    name: str
    title: str
    python: str | None = None
    """The version that it needs an environment of; without one it runs on the tree's own."""
    floor: bool = False

    @property
    def requirements(self) -> Path:
        return FOLDER / "requirements" / f"{self.name}.txt"


SPECS = (
    Spec("sealbuf", "Sealbuf"),
    Spec("sealbuf_uids", "Sealbuf, own uids"),
    Spec("sealbuf_java", "Sealbuf, Java to Python"),
    Spec("floor_memcpy", "memcpy", floor=True),
    Spec("floor_dict", "dict and slice", floor=True),
    Spec("floor_echo", "C echo", floor=True),
    Spec("floor_wakeup", "wake-up by socket", floor=True),
    Spec("plasma", "Arrow Plasma", "3.11"),
    Spec("ray", "Ray", "3.12"),
    Spec("vineyard", "vineyard", "3.11"),
    Spec("shm", "shared_memory", "3.13"),
    Spec("lmdb", "LMDB", "3.12"),
    Spec("redis", "Redis", "3.12"),
    Spec("memcached", "memcached", "3.12"),
    Spec("iceoryx2", "iceoryx2", "3.12"),
    Spec("pipe", "pipe and pickle"),
)
