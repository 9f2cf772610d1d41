"""A name is bytes: refused, or the same bytes wherever it comes back.

Invariant: a name is data and nothing else: it makes no file, no memfd name, and no control
character in the log.
"""

import os
from contextlib import suppress

import pytest

from harness.daemon import Daemon
from harness.process import descriptors
from harness.raw import RawClient, frame
from harness.uids import Uid

pytestmark = [
    pytest.mark.shows(15),
    pytest.mark.one_version,
    pytest.mark.usefixtures("undisturbed"),
]

NAME_BYTES_AT = 60
NAME_AT = 72 + 16  # of a record with one axis

GOOD = {
    "slash": "/",
    "parent": "../../../tmp/sealbuf-escaped",
    "space": " ",
    "quote": '"\\',
    "percent": "%s%n%x",
    "braces": "{}${jndi:ldap://x}",
    "255-bytes": "n" * 255,
    "255-bytes-of-3": "\u20ac" * 85,
    "astral": "\U0001f512",
    "nfc": "\u00e9",
    "nfd": "e\u0301",
    "noncharacter": "\uffff",
    "right-to-left": "\u202egnp.exe",
}

BAD = {
    "empty": '""',
    "nul": '"a\\u0000b"',
    "newline": '"a\\nb"',
    "escape": '"\\u001b[31mred"',
    "delete": '"\\u007f"',
    "c1-control": '"\\u0085"',
    "256-bytes": '"' + "n" * 256 + '"',
    "256-bytes-in-86-characters": '"' + "\u20ac" * 85 + 'n"',
    "60000-bytes": '"' + "n" * 60000 + '"',
    "unpaired-surrogate": '"\\ud800"',
    "swapped-surrogates": '"\\udc00\\ud800"',
}

TORN = {
    "invalid-utf-8": b'"\xff\xfe"',
    "overlong": b'"\xc0\xaf"',
    "encoded-surrogate": b'"\xed\xa0\x80"',
    "raw-newline": b'"a\nb"',
    "raw-nul": b'"a\x00b"',
    "number": b"1",
    "null": b"null",
    "array": b'["a"]',
}


def put(client: RawClient, name: bytes, payload: bytes = b"x") -> str:
    """The kind of the reply to a put under a name written as it stands into the JSON."""
    seq = client.next_seq()
    client.send(frame(b'{"op":"put","seq":%d,"name":%s}' % (seq, name), payload))
    return client.read().kind


def name_in_record(client: RawClient, name: str) -> bytes:
    """The name as it lies in shared memory."""
    opened = client.expect("opened", "open", name=name)
    record = os.pread(opened.descriptors[0], 4096, opened["record"])
    opened.close()
    return record[NAME_AT : NAME_AT + record[NAME_BYTES_AT]]


@pytest.mark.parametrize("name", GOOD.values(), ids=GOOD.keys())
def test_a_good_name_comes_back_byte_for_byte(daemon: Daemon, name: str) -> None:
    with daemon.open(Uid.PRODUCER) as client:
        published = client.expect("published", "put", b"x", name=name)
        assert published["name"] == name
        assert name_in_record(client, name) == name.encode()
        assert [entry["name"] for entry in client.entries(name)] == [name]
        client.expect("deleted", "delete", name=name)


@pytest.mark.parametrize("name", BAD.values(), ids=BAD.keys())
def test_a_bad_name_is_refused_and_the_connection_goes_on(daemon: Daemon, name: str) -> None:
    with daemon.open(Uid.PRODUCER) as client:
        assert put(client, name.encode()) == "invalid_name"
        client.expect("pong", "ping")


@pytest.mark.parametrize("name", TORN.values(), ids=TORN.keys())
def test_a_name_that_is_no_json_string_is_refused(daemon: Daemon, name: bytes) -> None:
    with daemon.open(Uid.PRODUCER) as client:
        assert put(client, name) == "invalid_request"
        client.expect("pong", "ping")


def test_a_name_of_a_million_bytes_does_not_fit_a_head(daemon: Daemon) -> None:
    with daemon.open(Uid.PRODUCER) as client:
        name = b'"' + b"n" * 1_000_000 + b'"'
        with suppress(BrokenPipeError):  # refused by its prefix, before the rest was sent
            client.send(frame(b'{"op":"put","seq":9,"name":%s}' % name))
        assert [reply.kind for reply in client.read_to_end()] in (["protocol"], [])


def test_composed_and_decomposed_twins_are_two_names(daemon: Daemon) -> None:
    with daemon.open(Uid.PRODUCER) as client:
        client.expect("published", "put", b"composed", name=GOOD["nfc"])
        client.expect("not_found", "open", name=GOOD["nfd"])
        client.expect("published", "put", b"decomposed", name=GOOD["nfd"])
        client.expect("deleted", "delete", name=GOOD["nfc"])
        client.expect("deleted", "delete", name=GOOD["nfd"])


def test_names_make_no_files_no_memfd_names_and_no_control_characters_in_the_log(
    daemon: Daemon,
) -> None:
    folders = [daemon.socket.parent, daemon.log_path.parent]
    before = [sorted(folder.iterdir()) for folder in folders]
    with daemon.open(Uid.PRODUCER) as client:
        for name in GOOD.values():
            client.expect("published", "put", b"x", name=name)
            reply = client.ask("create", name=name + "+", nbytes=5_000_000)
            reply.close()
            if reply.kind == "lent":
                client.expect("published", "seal", buffer=reply["buffer"])
        for name in BAD.values():
            put(client, name.encode())
        memfds = [link for link in descriptors(daemon.pid) or [] if link.startswith("/memfd:")]
        for name in GOOD.values():
            client.ask("delete", name=name)
            client.ask("delete", name=name + "+")
    assert [sorted(folder.iterdir()) for folder in folders] == before
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789-")
    names = {link.removeprefix("/memfd:").removesuffix(" (deleted)") for link in memfds}
    assert all(set(name) <= allowed for name in names), names
    controls = {c for c in daemon.log if ord(c) < 32 or 127 <= ord(c) < 160} - {"\n", "\t"}
    assert controls == set()
