"""How much CPU time the daemon's event loop used: what one client's requests cost all others.

Elapsed time on a loaded machine says who else was running; this clock only runs while the loop
does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOOP = "sealbuf-loop"


class LoopClock:
    def __init__(self, pid: int) -> None:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        (self._task,) = [task for task in tasks if (task / "comm").read_text().strip() == LOOP]

    def seconds(self) -> float:
        """On a CPU since its start."""
        return int((self._task / "schedstat").read_text().split()[0]) / 1e9

    @contextmanager
    def spent(self) -> Iterator[list[float]]:
        """At the end the list has the seconds that were spent meanwhile."""
        spent: list[float] = []
        start = self.seconds()
        yield spent
        spent.append(self.seconds() - start)
