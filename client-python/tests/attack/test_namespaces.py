"""A namespace is a store of its own; who has no right in it does not learn that it is there.

Invariant: what a uid may do is what the lists of the namespace give to it and to the groups that it
connected with; what is done in one namespace, be it to fill it up, shows in no other.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.daemon import Daemon, running
from harness.public import folder_for
from harness.raw import CLIENT, ClosedByDaemonError, RawClient, Reply
from harness.uids import GROUP, Uid

pytestmark = [
    pytest.mark.one_version,
    pytest.mark.several_uids,
    pytest.mark.timeout(180),
]

MIB = 1 << 20
SLAB = 2 * MIB
QUOTA_BYTES = 8 * MIB
QUOTA_BUFFERS = 10
OVERFLOW_UID = 65534
SPARK = 20100
"""A group that some uid is a member of besides that of the socket."""

CONFIGURATION = f"""
capacity: 256MiB
namespaces:
  default:
    quota_bytes: {QUOTA_BYTES}
    quota_buffers: {QUOTA_BUFFERS}
  training:
    capacity: 64MiB
    read: [uid:{Uid.READER}]
    publish: [uid:{Uid.PRODUCER}, gid:{SPARK}]
    administer: nobody
  admin:
    capacity: 16MiB
    read: nobody
    publish: nobody
    administer: uid:{Uid.READER}
  unmapped:
    capacity: 16MiB
    publish: uid:{OVERFLOW_UID}
"""


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    file = folder_for(Uid.DAEMON, "config") / "sealbuf.yaml"
    Path(file).write_text(CONFIGURATION)
    file.chmod(0o644)
    with running(capacity=None, options=["--config", str(file)]) as started:
        yield started


def opened(daemon: Daemon, uid: int, namespace: str) -> RawClient:
    return RawClient.open(daemon.path, uid, namespace=namespace)


def refused(client: RawClient, namespace: str) -> str:
    """What a client is told that may not enter; it is the last that it hears."""
    with client:
        reply = client.ask("hello", namespace=namespace, client=CLIENT)
        assert reply.kind == "not_permitted", reply.head
        with pytest.raises(ClosedByDaemonError):
            client.read()
        return str(reply["message"])


def test_who_has_no_right_cannot_tell_whether_a_namespace_is_there(daemon: Daemon) -> None:
    told = [
        refused(RawClient.connect(daemon.path, Uid.ATTACKER), name).replace(name, "NAME")
        for name in ("training", "admin", "training2", "admin-not-there")
    ]
    assert set(told) == {
        f"no such namespace, or not open to this uid: namespace=NAME uid={Uid.ATTACKER}"
    }


@pytest.mark.shows(45)
def test_groups_count_that_were_there_at_connect(daemon: Daemon) -> None:
    member = RawClient.connect(daemon.path, Uid.ATTACKER, groups=(GROUP, SPARK))
    with member:
        assert member.hello("training").kind == "welcome"
        assert member.ask("put", b"1", name="of-a-member").kind == "published"
        assert member.ask("delete", name="of-a-member").kind == "deleted"


FORBIDDEN: list[tuple[str, dict[str, Any]]] = [
    ("put", {"name": "x"}),
    ("create", {"name": "x", "nbytes": MIB}),
    ("seal", {"buffer": 1}),
    ("seal_many", {"buffer": 1, "count": 1}),
    ("seal_spare", {"buffer": 1, "nbytes": 1}),
    ("reserve", {"name": "x"}),
    ("await_room", {"nbytes": 1}),
]


@pytest.mark.parametrize(("op", "fields"), FORBIDDEN, ids=[op for op, _ in FORBIDDEN])
def test_a_reader_publishes_nothing(daemon: Daemon, op: str, fields: dict[str, Any]) -> None:
    payload = b'[["a",0,1]]' if op == "seal_many" else b""
    with opened(daemon, Uid.READER, "training") as reader:
        before = reader.stats()
        reply = reader.ask(op, payload, **fields)
        assert (reply.kind, reply["message"]) == (
            "not_permitted",
            f"this uid may only read in this namespace: uid={Uid.READER}",
        )
        after = reader.stats()
        assert (after["used"], after["buffers"]) == (before["used"], before["buffers"])


def test_a_reader_reads_and_ends_nothing(daemon: Daemon) -> None:
    with opened(daemon, Uid.PRODUCER, "training") as producer:
        producer.expect("published", "put", b"12", name="read")
        with opened(daemon, Uid.READER, "training") as reader:
            reader.expect("opened", "open", name="read").close()
            reader.expect("not_permitted", "delete", name="read")
            reader.expect("not_permitted", "take", name="read")
        producer.expect("deleted", "delete", name="read")


def test_who_administers_ends_what_others_published(daemon: Daemon) -> None:
    """The daemon's uid is in no list and may do everything; the reader is an administrator."""
    with (
        opened(daemon, Uid.DAEMON, "admin") as publisher,
        opened(daemon, Uid.READER, "admin") as administrator,
    ):
        publisher.expect("published", "put", b"1", name="a")
        administrator.expect("published", "put", b"2", name="a", replace=True)
        publisher.expect("deleted", "delete", name="a")
        loan = publisher.expect("lent", "create", name="b", nbytes=MIB)
        administrator.expect("aborted", "abort", buffer=loan["buffer"])
        loan.close()


def test_names_numbers_and_figures_are_those_of_one_namespace(daemon: Daemon) -> None:
    with (
        opened(daemon, Uid.PRODUCER, "training") as here,
        opened(daemon, Uid.PRODUCER, "default") as there,
    ):
        start = there.stats()
        first = there.expect("published", "put", b"1", name="same")
        here.expect("published", "put", b"22", name="same")
        segments = [here.expect("lent", "create", name=f"n{at}", nbytes=8 * MIB) for at in range(4)]
        second = there.expect("published", "put", b"1", name="another")
        assert second["buffer"] == first["buffer"] + 1
        assert second["version"] == first["version"] + 1
        assert {each["name"] for each in there.entries("")} == {"same", "another"}
        now = there.stats()
        assert [now[each] for each in ("used", "dedicated", "unfinished", "sessions")] == [
            start[each] for each in ("used", "dedicated", "unfinished", "sessions")
        ]
        abort_all(here, segments)
        here.expect("deleted", "delete", name="same")
        there.expect("deleted", "delete", name="same")
        there.expect("deleted", "delete", name="another")


def test_a_namespace_that_is_full_leaves_the_others_as_they_are(daemon: Daemon) -> None:
    with (
        opened(daemon, Uid.PRODUCER, "training") as greedy,
        opened(daemon, Uid.READER, "default") as other,
    ):
        loans: list[Reply] = []
        while (reply := greedy.ask("create", name=f"n{len(loans)}", nbytes=4 * MIB)).kind == "lent":
            loans.append(reply)
        assert reply.kind == "store_full"
        assert greedy.ask("put", bytes(SLAB // 8), name="small").kind == "published"  # open slab
        other.expect("lent", "create", name="large", nbytes=QUOTA_BYTES - MIB).close()
        abort_all(greedy, loans)
        greedy.expect("deleted", "delete", name="small")


@pytest.mark.shows(27)
def test_a_uid_at_its_quota_is_refused_and_another_has_all_of_its_own(daemon: Daemon) -> None:
    """Test 27: what is charged is what was allocated."""
    with (
        opened(daemon, Uid.PRODUCER, "default") as first,
        opened(daemon, Uid.READER, "default") as second,
    ):
        loans: dict[RawClient, list[Reply]] = {first: [], second: []}
        for client, held in loans.items():
            for at in range(QUOTA_BYTES // SLAB):
                name = f"{id(client)}/{at}"
                held.append(client.expect("lent", "create", name=name, nbytes=SLAB))
            assert client.stats()["own_bytes"] == QUOTA_BYTES
            client.expect("quota_exceeded", "create", name="more", nbytes=1)
            client.expect("quota_exceeded", "put", b"", name="more")
        assert first.stats()["unfinished_bytes"] == 2 * QUOTA_BYTES
        for client, held in loans.items():
            abort_all(client, held)
        wait_until(lambda: first.stats()["own_bytes"] == 0)
        first.expect("published", "put", b"", name="again")
        first.expect("deleted", "delete", name="again")


def test_a_uid_may_have_so_many_buffers(daemon: Daemon) -> None:
    with opened(daemon, Uid.PRODUCER, "default") as client:
        for at in range(QUOTA_BUFFERS):
            client.expect("published", "put", b"", name=f"n{at}")
        client.expect("quota_exceeded", "put", b"", name="more")
        index = b'[["more",0]]'
        client.expect("quota_exceeded", "put_many", index, count=1, index_bytes=len(index))
        client.expect("published", "put", b"", name="n0", replace=True)
        assert client.stats()["own_buffers"] == QUOTA_BUFFERS
        for at in range(QUOTA_BUFFERS):
            client.expect("deleted", "delete", name=f"n{at}")
        assert client.stats()["own_bytes"] == 0


def test_the_overflow_uid_is_let_in_where_it_is_named_and_nowhere_else(daemon: Daemon) -> None:
    with RawClient.connect(daemon.path, OVERFLOW_UID) as named:
        assert named.hello("unmapped").kind == "welcome"
    refused(RawClient.connect(daemon.path, OVERFLOW_UID), "default")


def abort_all(client: RawClient, loans: list[Reply]) -> None:
    for loan in loans:
        client.expect("aborted", "abort", buffer=loan["buffer"])
        loan.close()


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come to that")
