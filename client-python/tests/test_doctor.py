"""`sealbuf doctor`: what is well is said to be, and each thing that is taken away is noticed."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.daemon import launcher
from harness.public import folder_for
from harness.uids import ROOT, Uid, as_uid

pytestmark = [
    pytest.mark.one_version,
    pytest.mark.daemon,
    pytest.mark.skipif(not ROOT, reason="needs root, to be another uid"),
]


def doctor(around: Sequence[str] = (), socket: Path = Path("/nowhere/sealbuf.sock")) -> Any:
    """What was found, by subject, by a uid of no importance."""
    command = [*around, str(launcher()), "doctor", "--json", "--socket", str(socket)]
    done = subprocess.run(
        as_uid(Uid.ATTACKER, command), capture_output=True, timeout=60, check=True
    )
    return {finding["subject"]: finding for finding in json.loads(done.stdout)}


def test_what_the_tests_rely_on_is_well() -> None:
    found = doctor()
    needed = (
        "kernel",
        "seals",
        "holders",
        "clients",
        "dumpable",
        "uid",
        "namespace",
        "native code",
    )
    assert all(found[subject]["ok"] for subject in needed), found


def test_a_daemon_that_is_not_there_is_noticed() -> None:
    found = doctor()["daemon"]
    assert not found["ok"]
    assert found["advice"] == "start one with `sealbuf serve`, or name its --socket"


def test_few_descriptors_are_noticed() -> None:
    found = doctor(["prlimit", "--nofile=512:512"])["descriptors"]
    assert not found["ok"]
    assert found["fact"] == "RLIMIT_NOFILE=512"


def test_a_user_namespace_is_noticed() -> None:
    found = doctor(["unshare", "--user", "--map-root-user"])["namespace"]
    assert not found["ok"]
    assert found["fact"] == f"in a user namespace, by /proc/self/uid_map: 0 {int(Uid.ATTACKER)} 1"


def test_a_uid_that_stands_for_all_unmapped_ones_is_noticed() -> None:
    found = doctor(["unshare", "--user"])["uid"]
    assert not found["ok"]
    assert "uid=65534" in found["fact"]


@pytest.mark.parametrize(("mode", "well"), [(0o750, True), (0o755, True), (0o777, False)])
def test_a_folder_where_anybody_may_put_a_socket_is_noticed(mode: int, well: bool) -> None:
    folder = folder_for(Uid.ATTACKER, "run", mode)
    found = doctor(socket=folder / "sealbuf.sock")["socket folder"]
    assert found["ok"] == well, found
    assert f"path={folder} owner=" in found["fact"]


def test_a_folder_that_cannot_be_made_is_noticed() -> None:
    found = doctor(socket=Path("/proc/sealbuf/sealbuf.sock"))["socket folder"]
    assert not found["ok"]
    assert found["advice"].endswith("install -d -o DAEMON -g CLIENTS -m 0750 /proc/sealbuf")


def test_a_temporary_folder_without_execution_is_noticed() -> None:
    """Where the library does not lie beside the jars, as it does in what was built."""
    folder = folder_for(Uid.ATTACKER, "noexec")
    mount = f'mount -t tmpfs -o noexec,mode=1777 none {folder} && exec "$@"'
    command = [str(launcher()), "doctor", "--json", "--socket", "/nowhere/sealbuf.sock"]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", mount, "sh", *command],
        capture_output=True, timeout=60, check=True,
        env={**os.environ, "SEALBUF_JAVA_OPTS": f"-Djava.library.path= -Djava.io.tmpdir={folder}"},
    )  # fmt: skip
    found = {finding["subject"]: finding for finding in json.loads(done.stdout)}["native code"]
    assert not found["ok"]
    assert "noexec" in found["advice"]
