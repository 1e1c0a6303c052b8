"""What holds for the tree as a whole: its names and sizes, its lock files, what a wheel carries."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import otmon
from otmon.identity.registry import CLAIM_IDS, IDS

ROOT = Path(__file__).resolve().parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MADE = [line.strip("/\n") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()]
SOURCES = sorted((ROOT / "otmon").rglob("*.py"))
STAGES = sorted(path for path in (ROOT / "otmon").iterdir() if path.is_dir() and any(path.glob("*.py")))


def has_public_function(path: Path) -> bool:
    """Whether a file does something that a test can call: files of tables and types do not."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return any(isinstance(node, ast.FunctionDef) and not node.name.startswith("_") for node in body)


TESTED = [path for path in SOURCES if path.name != "__init__.py" and has_public_function(path)]


def files() -> Iterator[Path]:
    """Every file that belongs to the project."""
    for folder, inner, names in os.walk(ROOT):
        inner[:] = [name for name in inner if not any(Path(name).match(made) for made in [*MADE, ".git"])]
        yield from (Path(folder) / name for name in names)


def locked(name: str) -> dict[str, tuple[Version, int]]:
    """The version and number of hashes of each package in a lock file."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", "")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    found = {}
    for line in lines:
        requirement, *hashes = line.split("--hash=sha256:")
        package, _, pinned = requirement.partition(";")[0].strip().partition("==")
        assert package not in found, f"{name} pins {package} twice"
        found[package] = (Version(pinned), len(hashes))
    return found


def test_no_file_names_a_place_of_one_machine() -> None:
    place = re.compile(r"(?<![\w.~}-])/(?:home|root|Users|work)/\w")
    for path in files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found = [line for line in text.splitlines() if place.search(line)]
        assert not found, f"{path.relative_to(ROOT)}: {found[0].strip()}"


@pytest.mark.parametrize("path", STAGES, ids=lambda path: path.name)
def test_each_stage_says_what_it_takes_and_gives(path: Path) -> None:
    text = (path / "__init__.py").read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), f"{path.name}/__init__.py has no docstring"
    assert len(text.splitlines()) <= 30


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_text_names_is_there(path: Path) -> None:
    for name in set(re.findall(r"`(otmon(?:\.\w+)+)`", path.read_text(encoding="utf-8"))) - {"otmon.toml"}:
        place, rest = ROOT / "otmon", name.split(".")[1:]
        while rest and (place / rest[0]).is_dir():
            place /= rest.pop(0)
        if rest and place.joinpath(f"{rest[0]}.py").is_file():
            place /= f"{rest.pop(0)}.py"
        if rest:
            text = (place / "__init__.py" if place.is_dir() else place).read_text(encoding="utf-8")
            assert re.search(rf"^(?:def |class |(?:\w+, )*){rest[0]}\b", text, re.M), name


LEDGER = ROOT / "otmon" / "ledger"


@pytest.mark.parametrize(
    "folder", [LEDGER, *sorted({one.parent for one in LEDGER.glob("*/*.py")})], ids=lambda path: path.name
)
def test_the_ledger_says_where_each_of_its_many_files_belongs(folder: Path) -> None:
    map = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    there = {one.stem for one in folder.glob("*.py")} | {one.parent.name for one in folder.glob("*/*.py")}
    assert set(re.findall(r"`([a-z_]+)`", map)) == there - {"__init__"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_file_is_one_noun_of_the_domain(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), "no docstring"
    assert len(text.splitlines()) <= 500
    assert not set(path.stem.split("_")) & {"utils", "util", "helpers", "helper", "common", "base", "manager"}


@pytest.mark.parametrize("path", TESTED, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_file_has_its_test(path: Path) -> None:
    mirror = ROOT / "tests" / path.relative_to(ROOT / "otmon").parent
    assert list(mirror.glob(f"test_{path.stem}*.py")), f"{mirror.relative_to(ROOT)}/test_{path.stem}.py"


def test_every_test_folder_mirrors_a_stage() -> None:
    extra = {"bench", "deploy", "fuzz", "golden", "truth"}
    for path in (ROOT / "tests").iterdir():
        if path.is_dir() and path.name not in extra and any(path.glob("*.py")):
            assert (ROOT / "otmon" / path.name).is_dir(), f"tests/{path.name}"


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_file_pins_each_package_once_with_hashes_and_names_no_index(name: str) -> None:
    pins = locked(name)
    assert pins
    assert not [package for package, (_, hashes) in pins.items() if not hashes]
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"--(?:index|extra-index|find-links)|file:|https?:", text)


def test_the_lock_files_agree_with_the_project() -> None:
    runtime, everything = locked("requirements.lock"), locked("requirements-dev.lock")
    assert {package: everything.get(package) for package in runtime} == runtime
    groups = PROJECT["dependency-groups"]
    wanted = {
        "requirements.lock": [*PROJECT["project"]["dependencies"], *groups["build"]],
        "requirements-dev.lock": [
            *PROJECT["project"]["optional-dependencies"]["lab"],
            *[item for group in groups.values() for item in group if isinstance(item, str)],
        ],
    }
    for name, requirements in wanted.items():
        pins = locked(name)
        for requirement in map(Requirement, requirements):
            pinned, _ = pins[canonicalize_name(requirement.name)]
            assert pinned in requirement.specifier, f"{name}: {requirement.name} {pinned}; run `make lock`"


def test_the_contracts_name_every_parser() -> None:
    contracts = {one["name"]: one.get("modules") for one in PROJECT["tool"]["importlinter"]["contracts"]}
    log_ins, claims = (
        f"{one} never import each other" for one in ("Parsers of log-ins", "Readers of claims")
    )
    assert contracts[log_ins] == [f"otmon.identity.{one}" for one in IDS]
    assert contracts[claims] == [f"otmon.identity.claims.{one}" for one in CLAIM_IDS]


def test_scapy_is_no_dependency_of_the_program() -> None:
    assert "scapy" not in locked("requirements.lock")


def test_one_version_everywhere() -> None:
    assert version("otmon") == otmon.__version__
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## (\d+\.\d+\.\d+)", changes, re.M)
    assert newest and newest[1] == otmon.__version__


def test_a_wheel_carries_every_file_of_the_package(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    copytree(ROOT / "otmon", tree / "otmon", ignore=ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        (tree / name).write_bytes((ROOT / name).read_bytes())
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(tree)], check=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    carried = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("otmon/")}
    expected = {str(p.relative_to(tree)) for p in (tree / "otmon").rglob("*") if p.is_file()}
    assert carried == expected


def test_what_is_run_is_executable() -> None:
    for path in (ROOT / ".ci").iterdir():
        assert os.access(path, os.X_OK), path.name
