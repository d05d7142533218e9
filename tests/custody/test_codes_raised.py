"""Every refusal that the room declares is provoked by a test or a vector."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ledger.custody.rules import RULES

ROOT = Path(__file__).parents[2]


def declared() -> list[str]:
    """The codes that modules of ``ledger.custody`` declare, and those of the rules."""
    codes = {rule.error.code for rule in RULES if rule.error is not None}
    for file in (ROOT / "ledger" / "custody").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "declare":
                code = getattr(node.args[0], "value", None)
                if isinstance(code, str):
                    codes.add(code)
    return sorted(codes)


def spoken_of() -> str:
    """The text of the room's tests and of all vectors."""
    files = [*Path(__file__).parent.glob("test_*.py"), *(ROOT / "tests" / "vectors").glob("*.json")]
    return "\n".join(file.read_text("utf-8") for file in files)


TEXT = spoken_of()


@pytest.mark.parametrize("code", declared())
def test_somebody_provokes_it(code: str) -> None:
    assert f'"{code}"' in TEXT
