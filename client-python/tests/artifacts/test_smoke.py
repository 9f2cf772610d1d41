"""Publish, read, refuse a write, stop: with each artifact of `make dist`, and not with the tree."""

import pytest

from artifacts.installed import Client, output
from harness.daemon import running
from harness.uids import Uid, as_uid

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(300)]

SAID = "write refused: true\nread: hello\n"


@pytest.mark.parametrize("client", ["wheel", "sdist", "jars"])
@pytest.mark.parametrize("daemon", ["tarball", "image"])
def test_publish_read_refuse_a_write_stop(
    daemon: str, client: str, launcher: list[str], request: pytest.FixtureRequest
) -> None:
    command: list[str] = request.getfixturevalue(f"{daemon}_daemon")
    program: Client = request.getfixturevalue(f"{client}_client")
    with running(command=command) as started:  # leaving stops it, and looks how it ended
        assert program.run(started, "smoke") == SAID
        fetch = [*launcher, "get", "--socket", started.path, "smoke"]
        assert output(as_uid(Uid.READER, fetch)) == "hello"
