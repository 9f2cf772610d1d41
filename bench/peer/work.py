"""The work, the same for every peer. Each method returns samples in nanoseconds.

What is timed is between two looks at the clock and nothing else: numbering the payload, deleting
and checking what was read happen outside. `put` rests twice as long as it worked, as a producer
that computes its data does; `sustained` never rests, and its deletes count.
"""

from peer.clock import now, repeat, rest
from peer.contract import Delegating, Store
from peer.payload import Payload, names, shuffled, touch_bytes, touch_pages

GROUP = 100
"""Gets between two looks at the clock, which costs as much as a get from memory does."""
SLOW_NS = 20_000
"""Gets that take longer are timed one by one."""

BATCH = 1000
BATCH_BYTES = 1024
RESTED_FROM = 1 << 16
"""Below, a rest would measure how fast a process wakes up."""


class Work:
    def __init__(self, store: Store, session: str) -> None:
        """`session` keeps the names of two processes apart."""
        self._store = store
        self._session = session
        self._serial = 0
        self._payloads: dict[int, Payload] = {}
        self._held: memoryview | None = None
        self._groups: dict[int, int] = {}

    def fill(self, nbytes: int) -> list[int]:
        """Publishes what the gets look for."""
        payload = self._payload(nbytes)
        known = enumerate(names(nbytes))
        self._store.put_all((name, payload.numbered(number)) for number, name in known)
        return []

    def clear(self, nbytes: int) -> list[int]:
        for name in names(nbytes):
            self._store.delete(name)
        self._payloads.pop(nbytes, None)
        return []

    def check(self, nbytes: int) -> list[int]:
        """Compares every byte of some names; AssertionError if one is wrong."""
        known = names(nbytes)
        for name in known[:: max(1, len(known) // 16)]:
            number = int(name.rpartition("/")[2])
            self._payload(nbytes).check(number, self._store.get(name))
        return []

    def ping(self, seconds: float) -> list[int]:
        return repeat(seconds, lambda _: self._timed_ping())

    def get(self, nbytes: int, seconds: float, seed: int) -> list[int]:
        """Samples of `group` names each, in nanoseconds a name; all of them were got before."""
        group = self._group(nbytes)
        known = shuffled(nbytes, GROUP * 500, seed)

        def step(number: int) -> int:
            start = number * group % len(known)
            chosen = known[start : start + group]
            begin = now()
            self._store.look(chosen)
            return (now() - begin) // group

        return repeat(seconds, step)

    def read(self, nbytes: int, seconds: float, seed: int) -> list[int]:
        """Get and touch every byte."""
        known = shuffled(nbytes, 1000, seed)

        def step(number: int) -> int:
            begin = now()
            touch_bytes(self._store.get(known[number % len(known)]))
            return now() - begin

        return repeat(seconds, step)

    def first_get(self, nbytes: int, most: int) -> list[int]:
        """Get and touch every page, of names that this process sees for the first time."""
        samples = []
        for name in names(nbytes)[:most]:
            begin = now()
            touch_pages(self._store.get(name))
            samples.append(now() - begin)
        return samples

    def first_put(self, nbytes: int) -> list[int]:
        """The first put of this size by this process."""
        return [self._put_and_delete(nbytes)]

    def put(self, nbytes: int, seconds: float) -> list[int]:
        def step(_: int) -> int:
            took = self._put_and_delete(nbytes)
            if nbytes >= RESTED_FROM:
                rest(2 * took)
            return took

        return repeat(seconds, step)

    def sustained(self, nbytes: int, seconds: float) -> list[int]:
        """Put after put with the deletes between: nanoseconds from one put to the next."""
        payload = self._payload(nbytes)

        def step(_: int) -> int:
            begin = now()
            name = self._new_name()
            self._store.put(name, payload.view)
            self._store.delete(name)
            return now() - begin

        return repeat(seconds, step)

    def batch(self, seconds: float) -> list[int]:
        """BATCH buffers of BATCH_BYTES at once: nanoseconds for each of them."""
        payload = self._payload(BATCH_BYTES)

        def step(_: int) -> int:
            items = {self._new_name(): payload.view for _ in range(BATCH)}
            begin = now()
            self._store.put_many(items)
            took = now() - begin
            for name in items:
                self._store.delete(name)
            return took // BATCH

        return repeat(seconds, step)

    def rate(self, nbytes: int, seconds: float) -> list[int]:
        """How many puts this process got done in that time, and how long that took."""
        payload = self._payload(nbytes)
        done = []
        begin = now()
        end = begin + int(seconds * 1e9)
        while now() < end:
            done.append(self._new_name())
            self._store.put(done[-1], payload.view)
        took = now() - begin
        for name in done:
            self._store.delete(name)
        return [len(done), took]

    def scan(self, nbytes: int) -> list[int]:
        """Get one buffer and touch every byte: when it began and ended."""
        begin = now()
        touch_bytes(self._store.get(names(nbytes)[0]))
        return [begin, now()]

    def hold(self, nbytes: int) -> list[int]:
        """Get one buffer, touch every byte, and keep it."""
        self._held = self._store.get(names(nbytes)[0])
        touch_bytes(self._held)
        return []

    def let_go(self) -> list[int]:
        self._held = None
        return []

    def produce(self, nbytes: int, names_prefix: str, count: int, pause: float) -> list[int]:
        """Publishes for one who waits: when each was published."""
        self._store.expect()
        if isinstance(self._store, Delegating):
            return self._store.produce(names_prefix, nbytes, count, int(pause * 1e9))
        payload = self._payload(nbytes)
        begins = []
        for number in range(count):
            publish = self._store.prepare(f"{names_prefix}/{number}", payload.numbered(number))
            rest(int(pause * 1e9))
            begins.append(now())
            publish()
        return begins

    def consume(self, names_prefix: str, count: int) -> list[int]:
        """Waits for each: when it was there to be read."""
        ends = []
        for number in range(count):
            view = self._store.wait(f"{names_prefix}/{number}")
            head = bytes(view[:8])
            ends.append(now())
            if int.from_bytes(head, "little") != number:
                raise AssertionError(f"wrong bytes: number={number} head={head!r}")
        return ends

    def forget(self, names_prefix: str, count: int) -> list[int]:
        for number in range(count):
            self._store.forget(f"{names_prefix}/{number}")
        return []

    def _group(self, nbytes: int) -> int:
        """How many gets a sample has; the first time, gets every name once."""
        if nbytes not in self._groups:
            known = names(nbytes)
            self._store.look(known)
            begin = now()
            self._store.look(known[:GROUP])
            slow = now() - begin > SLOW_NS * len(known[:GROUP])
            self._groups[nbytes] = 1 if slow else GROUP
        return self._groups[nbytes]

    def _put_and_delete(self, nbytes: int) -> int:
        name = self._new_name()
        view = self._payload(nbytes).numbered(self._serial)
        begin = now()
        self._store.put(name, view)
        took = now() - begin
        self._store.delete(name)
        return took

    def _timed_ping(self) -> int:
        begin = now()
        self._store.ping()
        return now() - begin

    def _new_name(self) -> str:
        self._serial += 1
        return f"w/{self._session}/{self._serial}"

    def _payload(self, nbytes: int) -> Payload:
        if nbytes not in self._payloads:
            self._payloads[nbytes] = Payload(nbytes)
        return self._payloads[nbytes]
