"""What every test gets: no network but loopback, no user's settings, a steady terminal."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import pytest_socket

TESTS = Path(__file__).parent
ROOT = TESTS.parent
LOOPBACK = ["127.0.0.1", "localhost", "::1"]

if str(TESTS) not in sys.path:
    sys.path.insert(0, str(TESTS))

from famtree.formats.escape import RUNNERS  # noqa: E402
from formats.browsing import axe as axe  # noqa: E402 - fixtures for every folder
from formats.browsing import browser as browser  # noqa: E402
from hub.fixture import hub as hub  # noqa: E402
from loading import load_module as load_module  # noqa: E402

POSIX = pytest.mark.skipif(os.name == "nt", reason="POSIX only")


def is_root() -> bool:
    """Return whether permissions of files mean nothing to this user."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite tests/golden/ from what the code prints now; review the diff",
    )


def pytest_configure() -> None:
    # A shell's background jobs have Ctrl-C ignored, and so would the programs that tests interrupt.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup() -> None:
    pytest_socket.socket_allow_hosts(LOOPBACK, allow_unix_socket=True)


@pytest.fixture(autouse=True)
def recorded_types_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the answers of an environment without transformers, whichever is installed."""
    monkeypatch.setattr("famtree.fingerprints.defaults.read_newer_defaults", lambda _: None)


@pytest.fixture(autouse=True)
def steady_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the user's Hub settings, caches and terminal from the test and its children."""
    home = tmp_path / "surroundings"
    for name in list(os.environ):
        if name.startswith(("HF_", "HUGGING", "FAMTREE_", "TRANSFORMERS_")):
            monkeypatch.delenv(name)
    # What is printed under a runner of continuous integration is told apart by tests/cli.
    for name in RUNNERS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(home / "huggingface"))
    monkeypatch.setenv("HF_TOKEN_PATH", str(home / "no-token"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    # Where nobody listens: a child process is out of reach of pytest-socket.
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("FORCE_COLOR", raising=False)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder `shared` beside the project (or FAMTREE_SHARED); skips where there is none."""
    folder = Path(_SHARED or ROOT.parent / "shared")
    if not folder.is_dir():
        pytest.skip("the folder `shared` is not beside the project")
    return folder


# Read at import: `steady_surroundings` hides FAMTREE_ variables from the tests themselves.
_SHARED = os.environ.get("FAMTREE_SHARED")


@pytest.fixture(scope="session")
def fixture_checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every checkpoint that `fixtures/make_fixtures.py` can build, by name."""
    makers = load_module(ROOT / "fixtures" / "make_fixtures.py")
    folder = tmp_path_factory.mktemp("checkpoints")
    return {name: makers.build_fixture(name, folder / name) for name in makers.FIXTURES}


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Return `check(name, text)`: `text` equals tests/golden/`name`."""
    update = request.config.getoption("--update-golden")

    def check(name: str, text: str) -> None:
        path = TESTS / "golden" / name
        if update:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"{path} is missing: run pytest --update-golden"
        assert text == path.read_text(encoding="utf-8")

    return check
