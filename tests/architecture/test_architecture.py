"""The project is built as docs/architecture.md says, and by the rules of CONTRIBUTING.md."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("keys", "ledger", "api", "cli")
ROOMS = (
    "keys",
    "ledger/wire",
    "ledger/tree",
    "ledger/custody",
    "ledger/proof",
    "ledger/monitor",
    "ledger/store",
    "ledger/log",
    "api",
    "cli",
)
NAMES_OF_NOTHING = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "base64"}
LONGEST = 300


def modules() -> list[Path]:
    """Every module that is installed, but for the frozen history of the schema."""
    found = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return sorted(path for path in found if "versions" not in path.parts)


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def listed() -> dict[str, list[str]]:
    """The modules that docs/architecture.md lists for each room, relative to it."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    lists: dict[str, list[str]] = {}
    for section in text.split("\n## ")[1:]:
        heading, _, body = section.partition("\n")
        lists[heading.strip().rstrip("/")] = re.findall(r"^([a-z0-9_/]+\.py)\b", body, re.MULTILINE)
    return lists


@pytest.mark.parametrize("room", ROOMS)
def test_every_module_is_in_the_list_of_its_room(room: str) -> None:
    folder = ROOT / room
    present = {
        path.relative_to(folder).as_posix()
        for path in modules()
        if path.is_relative_to(folder)
        and path.name != "__init__.py"
        and "migrations" not in path.parts
    }
    names = listed()[room]
    assert sorted(names) == sorted(present), f"docs/architecture.md, section {room}/"


def test_every_room_has_a_section() -> None:
    assert sorted(listed()) == sorted(ROOMS)


def test_no_module_is_long() -> None:
    lengths = {short(path): len(path.read_text("utf-8").splitlines()) for path in modules()}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


def test_no_module_is_named_after_nothing() -> None:
    names = {part for path in modules() for part in (*path.parts, path.stem)}
    assert names & NAMES_OF_NOTHING == set()


def test_whatever_is_public_says_what_it_is() -> None:
    assert list(without_docstring()) == []


def without_docstring() -> Iterator[str]:
    for path in modules():
        if path.stem == "env" or not path.read_text("utf-8").strip():
            continue
        tree = ast.parse(path.read_text("utf-8"))
        if ast.get_docstring(tree) is None:
            yield short(path)
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                is_mute = ast.get_docstring(node) is None and not is_rule(node)
                if is_mute and not node.name.startswith("_"):
                    yield f"{short(path)}: {node.name}"


def is_rule(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """A rule says what it is in its decorator, from which docs/rules.md is made."""
    called = [one.func for one in node.decorator_list if isinstance(one, ast.Call)]
    return any(isinstance(one, ast.Name) and one.id in ("rule", "_rule") for one in called)


def test_the_import_contracts_are_there() -> None:
    """What they forbid is checked by `lint-imports`; that they forbid it, here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = {one["name"]: one for one in project["tool"]["importlinter"]["contracts"]}
    layers = [one["layers"] for one in contracts.values() if one["type"] == "layers"]
    assert ["cli", "api", "ledger.log", "ledger.store", "ledger.tree", "ledger.wire", "keys"] in (
        layers
    )
    assert ["cli", "ledger.proof", "ledger.custody", "ledger.tree", "ledger.wire", "keys"] in layers
    verifier = next(one for name, one in contracts.items() if name.startswith("The verifier's"))
    verifiers = {"keys", "ledger.wire", "ledger.tree", "ledger.custody", "ledger.proof"}
    assert verifiers | {"ledger.monitor"} == set(verifier["source_modules"])
    assert {"fastapi", "starlette", "pydantic", "sqlmodel", "sqlalchemy", "httpx"} <= set(
        verifier["forbidden_modules"]
    )
    client = next(one for name, one in contracts.items() if name.startswith("One HTTP client"))
    assert "httpx" in client["forbidden_modules"]
    assert set(client["source_modules"]) == {"keys", "ledger", "api"}


def test_who_uses_the_http_client() -> None:
    using = {short(path) for path in modules() if re.search(r"\bimport httpx", path.read_text())}
    assert using == {"api/witness_client.py", "cli/remote.py"}


def test_no_code_carries_postponed_work() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    assert [short(path) for path in modules() if marks.search(path.read_text("utf-8"))] == []


def test_packages_are_named_in_the_build() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert sorted(wheel["packages"]) == sorted(PACKAGES)
    assert sorted(project["tool"]["mypy"]["packages"]) == sorted(PACKAGES)
