"""The works by name: what each measures, in a line, and how its columns are told apart."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Work:
    title: str
    says: str
    by: str = "bytes"
    """Which field of a row changes from column to column: `bytes` or `processes`."""


WORKS = {
    "ping": Work("ping", "The shortest round trip."),
    "get": Work(
        "get",
        "Get and slice a buffer that this process got before, uniformly random over up to 10 000 "
        "names. A sample is one get, or the mean of 100 where a get takes less than 20 us.",
    ),
    "read": Work("read", "Get a buffer and touch every byte (NumPy adds them up)."),
    "first_get": Work(
        "first get",
        "In a new process that has connected: get a name for the first time and touch every page.",
    ),
    "first_put": Work("first put", "The first put of that size by a new process."),
    "put": Work(
        "put",
        "Put under a free name, then delete it, untimed; from 64 KiB on with a rest of twice as "
        "long.",
    ),
    "sustained": Work("put, sustained", "Put and delete without a rest, from one to the next."),
    "batch": Work("batch", "1 000 buffers of 1 KiB at once: time for each of them."),
    "hand_off": Work(
        "hand-off",
        "From publishing a buffer that is filled (or from the put, where there is no such step) to "
        "the first bytes seen by another process that was waiting, on the same core.",
    ),
    "readers": Work(
        "readers",
        "Processes that get one buffer at once, on all cores, and touch every byte: from the "
        "first's beginning to the last's end.",
        by="processes",
    ),
    "readers_pss": Work(
        "memory of readers",
        "How much the readers' shares of memory (Pss) grow in sum when all of them hold the "
        "buffer.",
        by="processes",
    ),
    "puts": Work(
        "puts", "Puts of 1 KiB a second, client processes at once, all cores.", "processes"
    ),
    "start": Work("start", "From starting the server to its first answer, on one core."),
    "start_on_all": Work("start, all cores", "The same on all cores."),
    "idle_rss": Work("idle: memory", "Anonymous and file pages of the server after all of that."),
    "idle_cpu": Work("idle: processor", "Time used by the server while nobody asks."),
}


def described(name: str) -> Work:
    """Of others too, whose rows come from elsewhere."""
    return WORKS.get(name, Work(name.replace("_", " "), ""))
