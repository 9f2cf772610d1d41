"""What a name may be, and where the socket is."""

from pathlib import Path

import pytest

import sealbuf
from sealbuf._address import socket_path
from sealbuf._names import name_bytes, prefix_bytes


@pytest.mark.parametrize(
    "name",
    ["a", "x" * 255, "ß" * 127, "\U0001f600" * 63, "/", "../..", " ", "%2e", "é", "e\u0301"],
)
def test_a_name_is_any_text_of_up_to_255_bytes(name: str) -> None:
    assert name_bytes(name) == name.encode()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "name is empty: bytes=0 min=1"),
        ("x" * 256, "name too long: bytes=256 max=255"),
        ("ß" * 128, "name too long: bytes=256 max=255"),
        ("x" * 1_000_000, "name too long: bytes=1000000 max=255"),
        ("a\0b", "name has a control character: char=U+0000 at=1"),
        ("line\n", "name has a control character: char=U+000A at=4"),
        ("\x1b[31m", "name has a control character: char=U+001B at=0"),
        ("\x7f", "name has a control character: char=U+007F at=0"),
        ("\x85", "name has a control character: char=U+0085 at=0"),
        ("a\ud800", "name has an unpaired surrogate: at=1"),
    ],
)
def test_other_text_is_refused_with_the_reason(name: str, message: str) -> None:
    with pytest.raises(sealbuf.InvalidName) as caught:
        name_bytes(name)
    assert caught.value.message == message


def test_a_prefix_may_be_empty() -> None:
    assert prefix_bytes("") == b""


@pytest.mark.parametrize("name", [b"bytes", None, 5])
def test_a_name_of_another_type_is_a_type_error(name: object) -> None:
    with pytest.raises(TypeError, match=rf"^a name is a str: type={type(name).__name__}$"):
        prefix_bytes(name)  # type: ignore[arg-type]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.delenv("SEALBUF_SOCKET", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return monkeypatch


def test_the_socket_is_looked_for_where_the_documentation_says(
    environment: pytest.MonkeyPatch,
) -> None:
    assert socket_path(None) == "/run/sealbuf/sealbuf.sock"
    environment.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    assert socket_path(None) == "/run/user/7/sealbuf/sealbuf.sock"
    environment.setenv("SEALBUF_SOCKET", "/tmp/s")
    assert socket_path(None) == "/tmp/s"
    assert socket_path(Path("/given")) == "/given"


@pytest.mark.usefixtures("environment")
def test_a_path_that_cannot_be_a_sockets_is_refused() -> None:
    assert socket_path("x" * 107) == "x" * 107
    with pytest.raises(sealbuf.InvalidRequest) as caught:
        socket_path("x" * 108)
    assert caught.value.message == f"socket path too long: bytes=108 max=107 path={'x' * 108}"
    with pytest.raises(sealbuf.InvalidRequest, match=r"^socket path is empty: bytes=0 min=1; "):
        socket_path("")
