"""The session: requests and replies, descriptors that must not be mixed up, deadlines, ends."""

import os
import random
import resource
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

import sealbuf
from helpers.peer import Peer
from sealbuf import _dial as dial
from sealbuf import _frames as frames
from sealbuf._deadline import Deadline

PONG = {"reply": "pong", "seq": 1}
OVER = "the connection to the daemon is over: socket=peer why="


def lent(seq: int, buffer: int = 1) -> dict[str, Any]:
    place = {"nbytes": 1, "segment": 1, "segment_bytes": 4096}
    return {"reply": "lent", "seq": seq, "name": "a", "buffer": buffer} | place


def mapped(seq: int) -> dict[str, Any]:
    return {"reply": "mapped", "seq": seq, "segment": 1, "segment_bytes": 4096}


@pytest.fixture
def peer() -> Iterator[Peer]:
    made = Peer()
    yield made
    made.close()


@pytest.fixture
def files() -> Iterator[list[int]]:
    """Descriptors of memfds that can be told apart by their contents."""
    found = []
    for number in range(4):
        fd = os.memfd_create(f"file {number}", os.MFD_CLOEXEC)
        os.write(fd, bytes([number]))
        found.append(fd)
    yield found
    for fd in found:
        os.close(fd)


@pytest.fixture(autouse=True)
def no_descriptor_is_left(peer: Peer, files: list[int]) -> Iterator[None]:
    assert files, "they are open before the first count and closed after the last"
    before = open_files()
    yield
    peer.close()
    left = open_files() - before
    assert not left


def open_files() -> set[str]:
    return {entry.name for entry in Path("/proc/self/fd").iterdir() if entry.exists()}


def contents(reply: Any) -> list[int]:
    found = [os.pread(each.fileno(), 1, 0)[0] for each in reply.descriptors]
    reply.close()
    return found


def refused(peer: Peer, op: str = "ping", **fields: Any) -> str:
    """The message of the ProtocolError of a request, behind which the session is over."""
    with pytest.raises(sealbuf.ProtocolError) as caught:
        peer.connection.request(op, **fields)
    message = caught.value.message
    with pytest.raises(sealbuf.Disconnected) as later:
        peer.connection.request("ping")
    assert later.value.message == OVER + message
    assert peer.connection.state == "disconnected"
    return message


def test_a_request_is_written_as_the_document_says(peer: Peer) -> None:
    peer.reply({"reply": "published", "seq": 1, "name": "a", "buffer": 1, "version": 1,
                "created": 1, "slab": 2, "slab_bytes": 2097152, "record": 0})  # fmt: skip
    peer.connection.request("put", payload=b"hello", name=None)
    (frame,) = peer.requests()
    assert (frame.head, frame.payload) == ({"op": "put", "seq": 1}, b"hello")


def test_a_payload_of_any_format_is_sent_as_its_bytes(peer: Peer) -> None:
    peer.error(1, "store_full", "no room: capacity=1")
    payload: Any = memoryview(bytes(range(48))).cast("d", (2, 3))
    with pytest.raises(sealbuf.StoreFull, match=r"^no room: capacity=1; "):
        peer.connection.request("put", payload=payload, name="a")
    (frame,) = peer.requests()
    assert frame.payload == bytes(range(48))


@pytest.mark.parametrize("code", [c for c, kind in sealbuf._errors.BY_CODE.items()])
def test_an_error_reply_is_raised_as_its_class(peer: Peer, code: str) -> None:
    peer.error(1, code, "rule: evidence=1")
    with pytest.raises(sealbuf.Error) as caught:
        peer.connection.request("ping")
    assert caught.value.code == code
    assert caught.value.message == "rule: evidence=1"
    peer.reply({"reply": "pong", "seq": 2})
    peer.connection.request("ping")


def test_a_code_that_only_a_newer_daemon_knows_is_a_plain_error(peer: Peer) -> None:
    peer.error(1, "too_late", "the train has left: minutes=3")
    with pytest.raises(sealbuf.Error) as caught:
        peer.connection.request("ping")
    assert type(caught.value) is sealbuf.Error
    assert caught.value.message == "the train has left: minutes=3: code=too_late"


def test_an_error_that_answers_no_request_ends_the_session(peer: Peer) -> None:
    peer.error(0, "not_permitted", "this uid may not connect: uid=7")
    with pytest.raises(sealbuf.NotPermitted, match=r"^this uid may not connect: uid=7; "):
        peer.connection.request("ping")
    with pytest.raises(sealbuf.Disconnected) as later:
        peer.connection.request("ping")
    assert later.value.message == OVER + "this uid may not connect: uid=7"


def test_the_daemons_last_word_is_heard_when_it_closed_before_the_request(peer: Peer) -> None:
    peer.error(0, "try_again", "too many sessions: sessions=9 max=9")
    peer.socket.close()
    with pytest.raises(sealbuf.TryAgain, match=r"^too many sessions: sessions=9 max=9; "):
        peer.connection.request("ping")


def test_the_end_of_the_stream_is_disconnected(peer: Peer) -> None:
    peer.socket.close()
    for _ in range(2):
        with pytest.raises(sealbuf.Disconnected) as caught:
            peer.connection.request("ping")
        assert caught.value.message == OVER + "the daemon closed it"


def test_a_frame_that_ends_in_the_middle_is_disconnected(peer: Peer) -> None:
    peer.send(frames.encode_frame(PONG)[:-3])
    peer.socket.shutdown(socket.SHUT_WR)
    with pytest.raises(sealbuf.Disconnected) as caught:
        peer.connection.request("ping")
    assert caught.value.message == OVER + "the daemon closed it"


def test_descriptors_arrive_with_their_frame(peer: Peer, files: list[int]) -> None:
    peer.reply(lent(1), files[:2])
    assert contents(peer.connection.request("create", nbytes=1, name="a")) == [0, 1]


@pytest.mark.shows(16)
def test_descriptors_keep_to_their_frames_when_frames_are_cut(peer: Peer, files: list[int]) -> None:
    """The kernel hands out descriptors with the first byte of their message, however it is cut."""
    data = frames.encode_frame(mapped(1), 0, 1)
    peer.send(data[:1], files[:1])

    def send_the_rest() -> None:
        for byte in data[1:]:
            peer.send(bytes([byte]))

    sender = threading.Thread(target=send_the_rest)
    sender.start()
    assert contents(peer.connection.request("map", segment=1)) == [0]
    sender.join()


def test_a_frame_that_is_glued_behind_another_keeps_its_descriptors(
    peer: Peer, files: list[int]
) -> None:
    peer.connection.timeout = 0.05
    with pytest.raises(sealbuf.Timeout):
        peer.connection.request("ping")
    peer.connection.timeout = 5.0
    peer.reply({"reply": "pong", "seq": 1})
    peer.reply(mapped(2), files[2:3])
    assert contents(peer.connection.request("map", segment=1)) == [2]


MAPPED = "reply=mapped"


@pytest.mark.parametrize(
    ("carried", "stated", "message"),
    [
        (0, 1, "descriptors are missing: reply=mapped stated=1 arrived=0"),
        (0, 0, "reply with another number of descriptors: reply=mapped descriptors=0"),
        (1, 0, "reply with another number of descriptors: reply=mapped descriptors=0"),
        (1, 2, "reply with another number of descriptors: reply=mapped descriptors=2"),
        (2, 1, "descriptors without a frame: left=1"),
        (2, 2, "reply with another number of descriptors: reply=mapped descriptors=2"),
        (3, 1, "descriptors were lost on the way: more than stated, or no room"),
        (4, 1, "descriptors were lost on the way: more than stated, or no room"),
        (253, 1, "descriptors were lost on the way: more than stated, or no room"),
        (0, 3, "too many descriptors: descriptors=3 max=2"),
        (3, 3, "descriptors were lost on the way: more than stated, or no room"),
    ],
)
@pytest.mark.shows(16)
def test_another_number_of_descriptors_ends_the_session(
    peer: Peer, files: list[int], carried: int, stated: int, message: str
) -> None:
    peer.reply(mapped(1), (files * 64)[:carried], stated=stated)
    assert refused(peer, "map", segment=1) == message


@pytest.mark.parametrize(
    ("mix", "message"),
    [
        ([(0, 1), (1, 0)], "descriptors are missing: reply=mapped stated=1 arrived=0"),
        ([(2, 1), (0, 1)], "descriptors without a frame: left=1"),
        ([(1, 1), (1, 0)], "reply with another number of descriptors: reply=mapped descriptors=0"),
    ],
)
@pytest.mark.shows(16)
def test_pipelined_replies_never_lend_each_other_descriptors(
    peer: Peer, files: list[int], mix: list[tuple[int, int]], message: str
) -> None:
    """Each reply in a message of its own, read one by one: what is amiss is seen at the first."""
    for seq, (carried, stated) in enumerate(mix, 1):
        peer.reply(mapped(seq), files[:carried], stated=stated)
        if (carried, stated) == (1, 1):
            assert contents(peer.connection.request("map", segment=1)) == [0]
        else:
            assert refused(peer, "map", segment=1) == message
            return


@pytest.mark.shows(16)
def test_whatever_is_mixed_no_reply_gets_a_descriptor_of_another(
    peer: Peer, files: list[int], rng: random.Random, rounds: Callable[[int], int]
) -> None:
    """Stated and carried numbers at random, messages cut at random."""
    for _ in range(rounds(10_000)):
        other = Peer()
        for seq in range(1, 5):
            carried, stated = rng.choice((0, 1, 1, 1, 1, 2, 3, 253)), rng.choice((0, 1, 1, 1, 2))
            data = frames.encode_frame(mapped(seq), 0, stated)
            cut = rng.randrange(1, len(data) + 1)
            other.send(data[:cut], ([files[seq - 1]] * carried))
            if data[cut:]:
                other.send(data[cut:])
            if (carried, stated) != (1, 1):
                refused(other, "map", segment=1)
                break
            assert contents(other.connection.request("map", segment=1)) == [seq - 1]
        other.close()
    assert peer.connection.state == "open"


@pytest.mark.shows(16)
def test_descriptors_between_frames_end_the_session(peer: Peer, files: list[int]) -> None:
    peer.reply(PONG, files[:1], stated=0)
    assert refused(peer) == "descriptors without a frame: left=1"


@pytest.mark.shows(17)
def test_no_room_for_descriptors_in_this_process_ends_the_session(
    peer: Peer, files: list[int]
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    peer.reply(lent(1), files[:2])
    # opened before the limit is set: below the highest number there may be no free one at all
    spare = os.dup(files[0])
    highest = max(int(name) for name in open_files())
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, hard))
    fillers: list[int] = []
    try:
        with pytest.raises(OSError, match="Too many open files"):
            fillers.extend(os.dup(files[0]) for _ in range(highest + 2))
        os.close(spare)
        with pytest.raises(sealbuf.ProtocolError) as caught:
            peer.connection.request("create", nbytes=1, name="a")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for filler in fillers:
            os.close(filler)
    assert caught.value.message == (
        "descriptors were lost on the way: more than stated, or no room"
    )
    assert peer.connection.state == "disconnected"


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ({"reply": "pong", "seq": 2}, "unexpected reply: reply=pong seq=2 last=1"),
        ({"reply": "pong", "seq": 0}, "unexpected reply: reply=pong seq=0 last=1"),
        (
            {"reply": "aborted", "seq": 1, "buffer": 1},
            "unexpected reply: reply=aborted seq=1 last=1",
        ),
    ],
)
def test_a_reply_to_nothing_that_was_asked_ends_the_session(
    peer: Peer, head: dict[str, Any], message: str
) -> None:
    peer.reply(head)
    assert refused(peer) == message


def test_a_silent_daemon_is_a_timeout_and_the_session_goes_on(peer: Peer) -> None:
    peer.connection.timeout = 0.05
    start = monotonic()
    with pytest.raises(sealbuf.Timeout) as caught:
        peer.connection.request("ping")
    assert 0.05 <= monotonic() - start < 5
    assert caught.value.message == "no answer within the deadline: op=ping timeout=0.05"
    peer.connection.timeout = 5.0
    peer.reply(PONG)
    peer.reply({"reply": "pong", "seq": 2})
    assert peer.connection.request("ping")["seq"] == 2


def test_a_daemon_that_drips_does_not_outlive_the_deadline(peer: Peer) -> None:
    peer.connection.timeout = 0.2
    stop = threading.Event()

    def drip() -> None:
        for byte in frames.encode_frame(PONG | {"filler": "x" * 1000}):
            if stop.wait(0.01):
                return
            peer.send(bytes([byte]))

    dripper = threading.Thread(target=drip)
    dripper.start()
    with pytest.raises(sealbuf.Timeout):
        peer.connection.request("ping")
    stop.set()
    dripper.join()


def test_a_daemon_that_does_not_read_is_a_timeout(peer: Peer) -> None:
    peer.connection.timeout = 0.05
    for seq in range(1, 30):
        peer.error(seq, "store_full", "no")

    def put_for_ever() -> None:
        while True:
            with suppress(sealbuf.StoreFull):
                peer.connection.request("put", payload=bytes(100_000), name="a")

    with pytest.raises(sealbuf.Timeout) as caught:
        put_for_ever()
    assert caught.value.message == "no answer within the deadline: op=put timeout=0.05"
    with pytest.raises(sealbuf.Disconnected) as later:
        peer.connection.request("ping")
    assert later.value.message == OVER + "a request could not be sent whole"


def test_a_late_reply_is_passed_over_and_its_descriptors_closed(
    peer: Peer, files: list[int]
) -> None:
    peer.connection.timeout = 0.05
    with pytest.raises(sealbuf.Timeout):
        peer.connection.request("map", segment=1)
    peer.connection.timeout = 5.0
    before = open_files()
    peer.reply(mapped(1), files[:1])
    peer.reply({"reply": "pong", "seq": 2})
    peer.connection.request("ping")
    assert open_files() == before


def test_a_segment_that_was_lent_too_late_is_given_back(peer: Peer, files: list[int]) -> None:
    peer.connection.timeout = 0.05
    with pytest.raises(sealbuf.Timeout):
        peer.connection.request("create", nbytes=1, name="a")
    peer.connection.timeout = 5.0
    peer.reply(lent(1, buffer=77), files[:2])
    peer.reply({"reply": "pong", "seq": 2})
    peer.connection.request("ping")
    peer.requests()
    peer.reply({"reply": "aborted", "seq": 3, "buffer": 77})
    peer.reply({"reply": "pong", "seq": 4})
    peer.connection.request("ping")
    heads = [frame.head for frame in peer.requests()]
    assert heads == [{"op": "abort", "seq": 3, "buffer": 77}, {"op": "ping", "seq": 4}]


def test_a_request_waits_for_its_turn_within_its_deadline(peer: Peer) -> None:
    peer.connection.timeout = 0.05
    outcome: list[str] = []

    def ask() -> None:
        with pytest.raises(sealbuf.Timeout) as caught:
            peer.connection.request("ping")
        outcome.append(caught.value.message)

    with peer.connection._turn:
        other = threading.Thread(target=ask)
        other.start()
        other.join()
    assert outcome == ["no answer within the deadline: op=ping timeout=0.05"]


def test_an_interrupt_right_behind_the_lock_gives_the_turn_back(peer: Peer) -> None:
    class Interrupted:
        """The lock, and Ctrl-C at the moment when it was acquired."""

        def acquire(self, timeout: float) -> bool:
            lock.acquire(timeout=timeout)
            raise KeyboardInterrupt

        def release(self) -> None:
            lock.release()

    lock = peer.connection._turn
    peer.connection._turn = Interrupted()  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        peer.connection.request("ping")
    peer.connection._turn = lock
    peer.reply(PONG)
    other = threading.Thread(target=peer.connection.request, args=["ping"])
    other.start()
    other.join()
    assert peer.connection.state == "open"
    assert [frame.head["op"] for frame in peer.requests()] == ["ping"]


def test_a_signal_handler_cannot_ask_in_the_middle_of_a_request(peer: Peer) -> None:
    said: list[str] = []

    def handler(*_: object) -> None:
        with pytest.raises(sealbuf.InvalidRequest) as caught:
            peer.connection.request("stat")
        said.append(caught.value.message)
        peer.reply(PONG)

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        peer.connection.request("ping")
    finally:
        signal.signal(signal.SIGALRM, before)
    assert said == ["a signal handler asks in the middle of a request: op=stat"]


def test_threads_get_their_own_replies(peer: Peer) -> None:
    connection = peer.connection  # made once: a cached property has no lock since Python 3.12
    answers: dict[int, int] = {}

    def serve() -> None:
        decoder = frames.Decoder()
        while data := peer.socket.recv(1 << 16):
            for frame in decoder.feed(data):
                place = {"segment": 1, "segment_bytes": 1, "slab_bytes": 1, "record": 1}
                reply = {"reply": "opened", "seq": frame.head["seq"], "slab": frame.head["slab"]}
                peer.reply(reply | place)

    def ask(number: int) -> None:
        answers[number] = connection.request("open", name="a", slab=number)["slab"]

    server = threading.Thread(target=serve)
    server.start()
    clients = [threading.Thread(target=ask, args=[number]) for number in range(50)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    connection.close()
    server.join()
    assert answers == {number: number for number in range(50)}


def test_an_interrupt_of_the_wait_leaves_the_session_usable(peer: Peer) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(KeyboardInterrupt):
            peer.connection.request("ping")
    finally:
        signal.signal(signal.SIGALRM, before)
    assert not peer.connection.in_step
    peer.reply(PONG)
    peer.reply({"reply": "pong", "seq": 2})
    assert peer.connection.request("ping")["seq"] == 2
    assert peer.connection.in_step


def test_signals_do_not_put_a_deadline_off(peer: Peer) -> None:
    peer.connection.timeout = 0.5
    before = signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
    start = monotonic()
    try:
        with pytest.raises(sealbuf.Timeout):
            peer.connection.request("ping")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert 0.5 <= monotonic() - start < 10


def test_a_closed_connection_says_so(peer: Peer) -> None:
    peer.connection.close()
    with pytest.raises(sealbuf.Closed, match=r"^store is closed: socket=peer; "):
        peer.connection.request("ping")
    peer.connection.close()


def test_without_a_deadline_a_call_waits(peer: Peer) -> None:
    peer.connection.timeout = None
    timer = threading.Timer(0.1, lambda: peer.reply(PONG))
    timer.start()
    assert peer.connection.request("ping").kind == "pong"
    timer.join()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", sealbuf.WrongVersion),
        (b"SB\x02\x00" + bytes(12), sealbuf.WrongVersion),
        (frames.PREFIX.pack(b"SB", 1, 0, 2**31, 0), sealbuf.ProtocolError),
        (frames.encode_frame({"reply": "party", "seq": 1}), sealbuf.ProtocolError),
    ],
)
def test_a_stream_that_cannot_be_trusted_ends(
    peer: Peer, data: bytes, kind: type[sealbuf.Error]
) -> None:
    peer.send(data)
    with pytest.raises(kind):
        peer.connection.request("ping")
    assert peer.connection.state == "disconnected"


def accept_one(listener: socket.socket) -> None:
    listener.accept()[0].close()


class TestConnecting:
    def listening(self, path: Path, backlog: int) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(path))
        listener.listen(backlog)
        return listener

    @pytest.mark.parametrize("name", ["absent", "absent/absent"])
    def test_nobody_there_is_no_daemon(self, tmp_path: Path, name: str) -> None:
        path = tmp_path / name
        with pytest.raises(sealbuf.NoDaemon) as caught:
            sealbuf.connect(path)
        assert caught.value.message == (
            f"nobody listens at the socket: socket={path} error=No such file or directory"
        )

    def test_a_stale_socket_and_other_files_are_no_daemon(self, tmp_path: Path) -> None:
        stale, file = tmp_path / "stale", tmp_path / "file"
        self.listening(stale, 1).close()
        file.touch()
        for path in (stale, file, tmp_path):
            with pytest.raises(sealbuf.NoDaemon) as caught:
                sealbuf.connect(path)
            assert caught.value.message == (
                f"nobody listens at the socket: socket={path} error=Connection refused"
            )

    def test_a_full_backlog_is_waited_for(self, tmp_path: Path) -> None:
        path = tmp_path / "s"
        with self.listening(path, 0) as listener, socket.socket(socket.AF_UNIX) as first:
            first.connect(str(path))
            with pytest.raises(sealbuf.Timeout) as caught:
                dial.connect(str(path), Deadline(0.05))
            assert caught.value.message == "no answer within the deadline: op=connect timeout=0.05"
            timer = threading.Timer(0.1, accept_one, [listener])
            timer.start()
            dial.connect(str(path), Deadline(5.0)).close()
            timer.join()

    @pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
    def test_a_deadline_is_a_number_of_seconds(self, tmp_path: Path, timeout: float) -> None:
        with pytest.raises(sealbuf.InvalidRequest) as caught:
            sealbuf.connect(tmp_path / "s", timeout=timeout)
        assert caught.value.message == (
            f"timeout out of bounds: timeout={timeout} above=0 max={threading.TIMEOUT_MAX}"
        )


def test_fixtures_make_files_that_differ(files: Sequence[int]) -> None:
    assert [os.pread(fd, 1, 0)[0] for fd in files] == [0, 1, 2, 3]
