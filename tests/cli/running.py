"""Runs the command: in this process mostly, or as the real console script."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from cli.main import cellbook

SCRIPT = Path(sys.executable).with_name("cellbook")
"""The console script of this environment."""


def run(*args: object, code: int = 0, stdin: bytes | str | None = None, **env: str) -> Result:
    """Run ``cellbook ARGS`` in this process, as the console script would; it must exit ``code``."""
    runner = CliRunner(env={"CELLBOOK_PASSPHRASE": None, "CELLBOOK_DEBUG": None, **env})
    result = runner.invoke(cellbook, [str(arg) for arg in args], input=stdin)
    assert result.exit_code == code, f"{result.exit_code}\n{result.stdout}\n{result.stderr}"
    return result


def run_json(*args: object, code: int = 0, **options: Any) -> Any:
    """Run with ``--json`` and give the object that stands on stdout, alone."""
    value = json.loads(run(*args, "--json", code=code, **options).stdout)
    assert value["ok"] is (code == 0)
    return value


def refused(error: str, *args: object, code: int, **options: Any) -> str:
    """Run what must be refused with ``error``, in both forms; what it prints for people."""
    found = run_json(*args, code=code, **options)["error"]
    assert found["code"] == error, found
    printed = run(*args, code=code, **options).stderr
    assert f"code: {error}\n" in printed
    assert "\nwhat to do: " in printed
    assert "Traceback" not in printed
    return printed


def console(*args: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the console script in a process of its own."""
    return subprocess.run(
        [SCRIPT, *map(str, args)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        **options,
    )


def clean_environment(**changes: str) -> dict[str, str]:
    """The environment without settings of ours, and with ``changes``."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("CELLBOOK_")}
    return {**kept, **changes}
