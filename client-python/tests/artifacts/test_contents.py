"""What lies in the folder of `make dist`, and in what state."""

import tarfile
from pathlib import Path
from zipfile import ZipFile

import pytest

from artifacts.installed import jars, only, output
from harness.daemon import running
from harness.examples import TREE, java_home
from harness.uids import Uid, as_uid

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(300)]

IN_THE_TARBALL = (
    "LICENSE", "README.md", "bin/sealbuf", "deploy/sealbuf.yaml", "deploy/systemd/sealbuf.service",
    "lib/jvm.options", "lib/sealbuf.aot", "runtime/bin/java",
)  # fmt: skip


def test_every_file_has_its_checksum(artifacts: Path) -> None:
    sums = (artifacts / "SHA256SUMS").read_text().splitlines()
    files = {str(file.relative_to(artifacts)) for file in artifacts.rglob("*") if file.is_file()}
    assert {line.split("  ", 1)[1] for line in sums} == files - {"SHA256SUMS"}
    output(["env", f"--chdir={artifacts}", "sha256sum", "--check", "--quiet", "SHA256SUMS"])


def test_the_tarball_is_one_folder_that_belongs_to_root(artifacts: Path) -> None:
    archive = only(artifacts, "sealbuf-*-linux-*.tar.gz")
    with tarfile.open(archive) as tar:
        members = tar.getmembers()
    names = [member.name for member in members]
    folder = archive.name.removesuffix(".tar.gz")
    assert {f"{folder}/{name}" for name in IN_THE_TARBALL} <= set(names)
    assert {name.split("/")[0] for name in names} == {folder}
    assert {(member.uid, member.gid) for member in members} == {(0, 0)}


def test_the_runtime_of_the_tarball_uses_its_cache(
    launcher: list[str], tarball_daemon: list[str]
) -> None:
    with running(command=tarball_daemon) as started:
        stat = output(as_uid(Uid.READER, [*launcher, "stat", "--socket", started.path]))
    assert "AOT cache                    in use\n" in stat


@pytest.mark.parametrize(
    ("artifact", "shown"),
    [
        ("sealbuf-client", "dev/sealbuf/client/Sealbuf"),
        ("sealbuf-server", "dev/sealbuf/server/cli/Main"),
    ],
)
def test_jars_come_with_sources_and_javadoc(artifacts: Path, artifact: str, shown: str) -> None:
    folder = artifacts / "maven" / "dev" / "sealbuf" / artifact
    with ZipFile(only(folder, f"*/{artifact}-*-sources.jar")) as sources:
        assert f"{shown}.java" in sources.namelist()
    with ZipFile(only(folder, f"*/{artifact}-*-javadoc.jar")) as javadoc:
        assert "index.html" in javadoc.namelist()


def test_the_wheel_has_the_client_its_types_and_its_license(artifacts: Path) -> None:
    with ZipFile(only(artifacts / "python", "sealbuf-*.whl")) as wheel:
        names = {name.split("/", 1)[1] for name in wheel.namelist()}
    folder = TREE / "client-python/src/sealbuf"
    files = [*folder.rglob("*.py"), folder / "py.typed"]
    source = {str(file.relative_to(folder)) for file in files}
    assert names == source | {"METADATA", "RECORD", "WHEEL", "licenses/LICENSE"}


def test_the_server_is_found_with_all_it_needs(artifacts: Path) -> None:
    folder = jars(artifacts / "maven", "sealbuf-server")
    java = [f"{java_home()}/bin/java", "-cp", f"{folder}/lib/*", "dev.sealbuf.server.cli.Main"]
    version = only(artifacts / "maven" / "dev" / "sealbuf" / "sealbuf-server", "*").name
    assert output([*java, "version"]) == f"sealbuf {version}\n"
