"""The peers of a run: started on the same cores, asked in turn, let go when they fail.

Everything that a peer does happens through `attempt`, which keeps the reason when it does not. What
a peer is unable to do it is not asked again; what failed is not tried again at that size.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from sealbench.child import Child, Failed, Unable
from sealbench.environments import Missing, python_of
from sealbench.peers import Spec
from sealbench.results import Collector, Key, Results

Samples = Iterable[float]
NEEDS = {
    "check": "fill", "clear": "fill", "get": "fill", "read": "fill", "first_get": "fill",
    "readers": "fill", "sustained": "put", "first_put": "put", "puts": "put",
}  # fmt: skip
"""Who cannot do the one cannot do the other."""


class Cast:
    def __init__(
        self, specs: Sequence[Spec], results: Results, collector: Collector, cores: list[int]
    ) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self._results = results
        self._cores = cores
        self._collector = collector
        self._owners: dict[str, Child] = {}
        self._addresses: dict[str, str] = {}
        self._logs = Path(tempfile.mkdtemp(prefix="sealbuf-bench-logs-"))

    def __enter__(self) -> "Cast":
        """Starts all that can be started; of the others, keeps why not."""
        for spec in self._specs.values():
            if "skipped" not in self._results.peers.get(spec.name, {}):
                self._start(spec)
        return self

    def __exit__(self, *_: object) -> None:
        for owner in self._owners.values():
            owner.close()
        shutil.rmtree(self._logs)

    @property
    def names(self) -> list[str]:
        """Those that are there, in the order of the list."""
        return list(self._owners)

    def owner(self, peer: str) -> Child:
        """The process that started the peer's server."""
        return self._owners[peer]

    def attempt(self, work: str, peer: str, nbytes: int, act: Callable[[], None]) -> None:
        """One turn of a peer, unless it said before that it cannot."""
        if peer not in self._owners or not self.able(peer, work, nbytes):
            return
        said = self._results.unable.setdefault(peer, {})
        try:
            act()
        except Unable as reason:
            said[work] = last_line(reason)
        except Failed as reason:
            said[of_size(work, nbytes)] = last_line(reason)
            print(f"  {peer}: {work} of {nbytes} failed: {reason}", flush=True)
            print((self._logs / f"{peer}.log").read_text(errors="replace")[-2000:], flush=True)
            self._start_again(peer)

    def able(self, peer: str, work: str, nbytes: int) -> bool:
        """Unless it said that it is not, or failed before."""
        needed = {work, NEEDS.get(work, work)}
        said = self._results.unable.get(peer, {}).keys()
        return said.isdisjoint(needed | {of_size(verb, nbytes) for verb in needed})

    def copies(self, peer: str) -> bool:
        """Whether each get of it takes memory of its own."""
        copies: bool = self._results.peers[peer]["copies"]
        return copies

    def omit(self, peer: str, work: str, reason: str) -> None:
        """Keeps why a part of a work is not done."""
        self._results.unable.setdefault(peer, {})[work] = reason

    def measure(
        self, work: str, nbytes: int, act: Callable[[str], Samples], processes: int = 1,
        unit: str = "ns",
    ) -> None:  # fmt: skip
        """One turn of each peer; the samples go to a row."""
        for peer in self.names:
            self.turn(Key(work, peer, nbytes, processes, unit), partial(act, peer))

    def turn(self, key: Key, ask: Callable[[], Samples]) -> None:
        """One turn of one peer; the samples go to a row."""
        self.attempt(key.work, key.peer, key.bytes, lambda: self.add(key, ask()))

    def add(self, key: Key, samples: Samples) -> None:
        self._collector.add(key, samples)

    @contextmanager
    def guests(self, peer: str, count: int = 1) -> Iterator[list[Child]]:
        """New processes of that peer, connected to its server."""
        children: list[Child] = []
        try:
            self._invite(peer, 1, children)
            self._invite(peer, count - 1, children)  # not at all if the first one was unable
            yield children
        finally:
            for child in children:
                child.close()

    def _invite(self, peer: str, count: int, children: list[Child]) -> None:
        new = [self._child(self._specs[peer]) for _ in range(count)]
        children += new
        for child in new:
            child.send("connect", address=self._addresses[peer], cores=self._cores)
        for child in new:
            child.receive()

    def _start(self, spec: Spec) -> None:
        about = self._results.peers.setdefault(
            spec.name, {"title": spec.title, "floor": spec.floor}
        )
        child = None
        try:
            child = self._child(spec)
            answer = child.ask("start", cores=self._cores)
        except (Missing, Unable, Failed) as reason:
            if child is not None:
                child.close()
            about["skipped"] = last_line(reason)
            print(f"  {spec.name}: skipped: {last_line(reason)}", flush=True)
            return
        self._owners[spec.name] = child
        self._addresses[spec.name] = answer["address"]
        about |= {name: answer[name] for name in ("versions", "settings", "copies")}
        if answer["serves"]:
            work = "start" if len(self._cores) == 1 else "start_on_all"
            self.add(Key(work, spec.name, 0), [answer["start_ns"]])

    def _start_again(self, peer: str) -> None:
        """After a failure nothing is known of the peer's state; it goes on empty."""
        self._owners.pop(peer).close()
        self._start(self._specs[peer])

    def _child(self, spec: Spec) -> Child:
        return Child(spec.name, python_of(spec), self._logs / f"{spec.name}.log")


def of_size(work: str, nbytes: int) -> str:
    return f"{work}/{nbytes}"


def last_line(reason: Exception) -> str:
    lines = str(reason).strip().splitlines()
    return lines[-1] if lines else type(reason).__name__
