"""What every test may use: real captures, tshark as the oracle, and expected outputs.

Hypothesis runs by one of two profiles: `default`, and `fuzz` (`make fuzz`), which looks for longer.
Neither has a deadline: the first call of a kernel compiles it.
"""

from __future__ import annotations

import difflib
import os
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.oracle import Readings, Tshark

ROOT = Path(__file__).resolve().parent.parent
# Programs that tests start are those of this folder, whichever one the environment was made for.
os.environ["PYTHONPATH"] = str(ROOT)
# The program talks in the language of the locale, and tests expect English where they ask for no other.
os.environ["LC_ALL"] = "C.UTF-8"
# A shell lets what it starts in the background ignore interrupts, and programs that that starts do so too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile(
    "default",
    deadline=None,
    max_examples=100,
    print_blob=True,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("fuzz", settings.get_profile("default"), max_examples=5_000, derandomize=False)
settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--regenerate", action="store_true", help="write the expected outputs in tests/golden anew"
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than processors: tests of the sensor and of the live range wait most of their time."""
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def pytest_configure(config: pytest.Config) -> None:
    """Files are handed to the workers in the order below, and not those with most tests first."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where workers share the files, what takes long comes first, so that nothing long goes on alone at the
    end: files with a slow test, and then those with few tests, as many tests are cases of a table and short.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        tests = Counter(item.path for item in items)
        slow = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: (item.path not in slow, tests[item.path], item.path))


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real captures from public repositories, which are not part of this one."""
    folder = Path(os.environ.get("OTMON_CORPUS") or ROOT.parent / "shared" / "corpus")
    if not folder.is_dir():
        pytest.skip(f"no real captures: {folder} is not a folder; OTMON_CORPUS names another one")
    return folder


@pytest.fixture(scope="session")
def tshark() -> str:
    """The path of tshark."""
    path = shutil.which("tshark")
    if path is None:
        pytest.skip("tshark is not installed (Debian: apt-get install tshark)")
    return path


@pytest.fixture(scope="session")
def reader(tshark: str, tmp_path_factory: pytest.TempPathFactory) -> Tshark:
    """tshark as the oracle."""
    return Tshark(tshark, tmp_path_factory.mktemp("settings"))


@pytest.fixture(scope="session")
def readings(corpus: Path, reader: Tshark, tmp_path_factory: pytest.TempPathFactory) -> Readings:
    """What tshark says of every real capture; all processes of a run have it read them once."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    return Readings(reader, corpus, shared / "readings")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """``golden(name, text)`` holds `text` against the file tests/golden/`name`.

    ``pytest --regenerate`` writes the file instead.
    """

    def compare(name: str, text: str) -> None:
        path = ROOT / "tests" / "golden" / name
        if request.config.getoption("--regenerate"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        expected = path.read_text(encoding="utf-8") if path.exists() else ""
        if text != expected:
            diff = difflib.unified_diff(
                expected.splitlines(), text.splitlines(), f"tests/golden/{name}", "now", lineterm=""
            )
            pytest.fail(
                "\n".join(diff) + "\n`make goldens` writes it anew; explain the change", pytrace=False
            )

    return compare
