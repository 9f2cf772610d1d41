"""Fixtures and switches that every test may use; what is behind them is in `harness`."""

import gc
import random
import resource
import secrets
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from harness import prepared
from harness.bystander import COARSE_RESOLUTION, RESOLUTION
from harness.daemon import Daemon, running
from harness.epilogue import undisturbed as epilogue
from harness.public import remove_public_folder
from harness.uids import ROOT
from harness.warming import warmed

STARTERS = {"daemon", "fresh_daemon"}
STARTING_FOLDERS = {"attack", "reliability"}
DESCRIPTORS = 4096
NOT_RUN = pytest.StashKey[list[str]]()
MEASURED = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="the full sizes, instead of a tenth")
    parser.addoption(
        "--artifacts", type=Path, help="the folder of `make dist`, for tests/artifacts"
    )
    parser.addoption(
        "--prepared", action="store_true", help="memory for what a test creates is at hand"
    )
    parser.addoption(
        "--consumers", type=Path, help="test_consumers writes what it sees into this file"
    )
    parser.addoption("--seed", type=int, help="repeats a run's random choices")


def pytest_configure(config: pytest.Config) -> None:
    prepared.enabled = config.getoption("--prepared")
    config.addinivalue_line("markers", "several_uids: needs root to start processes of other uids")
    config.addinivalue_line(
        "markers", "shows(number, ...): the rows of docs/tests.toml that it is evidence for"
    )
    config.addinivalue_line("markers", "daemon: starts a daemon; added by itself where one is seen")
    config.addinivalue_line(
        "markers",
        "one_version: a claim that no Python could change; scripts/test deselects it on others",
    )
    # Whoever starts the run may ignore it (nohup), and daemons would inherit that.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if config.option.seed is None:
        config.option.seed = secrets.randbits(32)
    config.stash[NOT_RUN] = []
    config.stash[MEASURED] = []


def pytest_report_header(config: pytest.Config) -> str:
    size = "full" if config.option.soak else "a tenth"
    return f"sealbuf: size: {size}, repeat with --seed {config.option.seed}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if not ROOT and item.get_closest_marker("several_uids"):
            reason = "needs several uids: run as root, the tests themselves drop it"
            item.add_marker(pytest.mark.skip(reason=reason))
        if STARTERS & set(getattr(item, "fixturenames", ())) or STARTING_FOLDERS & set(
            item.path.parts
        ):
            item.add_marker(pytest.mark.daemon)
        for mark in item.iter_markers("shows"):
            item.user_properties += [("shows", number) for number in mark.args]
        if config.option.soak:
            item.add_marker(pytest.mark.timeout(7200), append=False)


def pytest_collection_finish() -> None:
    """What is loaded by now stays until the end: no collection, here or in a forked copy, walks
    through it again (0.1 s a test)."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for line in config.stash[NOT_RUN]:
        terminalreporter.write_line(f"not run: {line}")
    for line in config.stash[MEASURED]:
        terminalreporter.write_line(f"measured: {line}")


def pytest_unconfigure() -> None:
    remove_public_folder()


@pytest.fixture
def not_run(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Lists, at the end of the run, a part of a test that this machine cannot run, and why."""

    def note(part: str) -> None:
        request.config.stash[NOT_RUN].append(part)
        request.node.user_properties.append(("not_run", part))

    return note


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Lists figures of a test at the end of the run, whether it passes or not."""

    def note(figures: str) -> None:
        request.config.stash[MEASURED].append(f"{request.node.name}: {figures}")
        request.node.user_properties.append(("measured", figures))

    return note


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> Callable[..., int]:
    """How many rounds of a test: the first number with --soak, else the second or a tenth."""

    def sized(full: int, small: int | None = None) -> int:
        size = full
        if not request.config.option.soak:
            size = max(10, full // 10) if small is None else small
        properties: list[tuple[str, object]] = request.node.user_properties
        if ("rounds", f"{size} of {full}") not in properties:  # some ask again and again
            properties.append(("rounds", f"{size} of {full}"))
        return size

    return sized


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """Random choices that --seed repeats, different for each test."""
    return random.Random(f"{request.config.option.seed}/{request.node.nodeid}")


@pytest.fixture(scope="session")
def daemon() -> Iterator[Daemon]:
    """The daemon that tests share. They leave it as they found it; see `undisturbed`."""
    with warmed() as started:
        yield started


@pytest.fixture
def fresh_daemon() -> Callable[..., AbstractContextManager[Daemon]]:
    """Starts a daemon of the test's own: `with fresh_daemon(capacity="64MiB") as daemon:`."""
    return running


@pytest.fixture
def undisturbing(
    request: pytest.FixtureRequest,
) -> Callable[[Daemon], AbstractContextManager[None]]:
    """The common epilogue around a part of the test, on a daemon of its own."""
    resolution = RESOLUTION if request.config.option.soak else COARSE_RESOLUTION
    return lambda daemon: epilogue(daemon, resolution, request.node.user_properties)


@pytest.fixture
def undisturbed(
    daemon: Daemon, undisturbing: Callable[[Daemon], AbstractContextManager[None]]
) -> Iterator[None]:
    """The common epilogue around the whole test, on the shared daemon."""
    with undisturbing(daemon):
        yield


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """Room for a thousand connections in this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < DESCRIPTORS:
        pytest.skip(f"needs more descriptors: hard limit={hard} want={DESCRIPTORS}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, DESCRIPTORS), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
