"""Each artifact of `make dist`, installed once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from artifacts.installed import (
    Client,
    image,
    java_client,
    launcher_of,
    only,
    python_package,
    remove_containers,
)
from harness.public import public_folder
from harness.uids import Uid, as_uid


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Only who names the artifacts runs these tests: `make dist` does."""
    return None if config.option.artifacts else True


@pytest.fixture(scope="session")
def artifacts(pytestconfig: pytest.Config) -> Path:
    folder: Path = pytestconfig.option.artifacts
    return folder.resolve()


@pytest.fixture(scope="session")
def launcher(artifacts: Path) -> list[str]:
    """Of the tarball: any command may follow."""
    return launcher_of(only(artifacts, "sealbuf-*-linux-*.tar.gz"))


@pytest.fixture(scope="session")
def tarball_daemon(launcher: list[str]) -> list[str]:
    return as_uid(Uid.DAEMON, launcher)


@pytest.fixture(scope="session")
def image_daemon(artifacts: Path) -> Iterator[list[str]]:
    if not list(artifacts.glob("sealbuf-*-image.tar.gz")):
        pytest.skip("no image among the artifacts: no Docker engine answered when they were made")
    label = f"sealbuf.artifacts={public_folder().name}"
    yield image(only(artifacts, "sealbuf-*-image.tar.gz"), label)
    remove_containers(label)


@pytest.fixture(scope="session")
def wheel_client(artifacts: Path) -> Client:
    return python_package(only(artifacts / "python", "sealbuf-*.whl"))


@pytest.fixture(scope="session")
def sdist_client(artifacts: Path) -> Client:
    return python_package(only(artifacts / "python", "*.tar.gz"))


@pytest.fixture(scope="session")
def jars_client(artifacts: Path) -> Client:
    return java_client(artifacts / "maven")
