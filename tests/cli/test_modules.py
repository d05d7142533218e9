"""What the real command loads: a verifier holds no web framework, database or HTTP client."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ledger.wire.cbor import encode
from tests.cli.running import SCRIPT, clean_environment
from tests.log.building import World

FORBIDDEN = frozenset(
    {
        *("fastapi", "starlette", "pydantic", "uvicorn", "uvloop", "httptools", "anyio"),
        *("sqlmodel", "sqlalchemy", "alembic", "sqlite3", "pysqlite3", "psycopg"),
        *("httpx", "httpcore", "requests", "urllib3", "rich", "ssl", "asyncio"),
    }
)


RUNNER = """
import atexit, runpy, sys
to, script, *arguments = sys.argv[1:]
atexit.register(lambda: open(to, "w").write("\\n".join(sys.modules)))
sys.argv = [script, *arguments]
runpy.run_path(script, run_name="__main__")
"""


def loaded(folder: Path, *args: object, code: int = 0) -> set[str]:
    """The modules that the console script has loaded when it ends, run with ``args``."""
    names = folder / "modules"
    process = subprocess.run(
        [sys.executable, "-c", RUNNER, names, SCRIPT, *map(str, args)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env=clean_environment(),
    )
    assert process.returncode == code, process.stdout + process.stderr
    return set(names.read_text().split("\n"))


def check_light(modules: set[str], command: str) -> None:
    assert f"cli.{command}" in modules
    assert {name.partition(".")[0] for name in modules} & FORBIDDEN == set()
    assert {name for name in modules if name.startswith(("ledger.log", "ledger.store"))} == set()
    others = {f"cli.{c}" for c in ("demo", "serve", "submit", "dossier", "init", "fsck", "remote")}
    assert modules & others == set()


def test_help_of_the_group_imports_no_command(tmp_path: Path) -> None:
    modules = loaded(tmp_path, "--help")
    ours = {name for name in modules if name == "cli" or name.startswith("cli.")}
    assert ours == {"cli", "cli.ending", "cli.main", "cli.output"}
    assert {name.partition(".")[0] for name in modules} & (FORBIDDEN | {"cryptography"}) == set()


def test_verify(tmp_path: Path) -> None:
    with World(tmp_path, operators=("owner",)) as world:
        pack = world.battery()
        world.live(pack, "manufacture")
        dossier, trust = tmp_path / "pack.dossier", tmp_path / "trust.toml"
        dossier.write_bytes(world.ledger.dossier(pack))
        trust.write_bytes(world.home.trust_bytes())
    check_light(loaded(tmp_path, "verify", dossier, "--trust", trust), "verify")
    check_light(loaded(tmp_path, "inspect", dossier), "inspect")


def test_inspect(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(encode([1, 2, 3]))
    check_light(loaded(tmp_path, "inspect", file), "inspect")


def test_keygen_and_request(tmp_path: Path) -> None:
    check_light(loaded(tmp_path, "keygen", tmp_path / "key.pem", "--save-passphrase"), "keygen")
    modules = loaded(
        tmp_path,
        *("operator", "request", "--key", tmp_path / "key.pem", "--uri", "https://maker.example"),
        *("--family", "urn:cellbook:family:x", "--out", tmp_path / "request"),
    )
    check_light(modules, "operator")


@pytest.mark.parametrize("args", [["--help"], ["manufacture", "--help"]])
def test_event(args: list[str], tmp_path: Path) -> None:
    check_light(loaded(tmp_path, "event", *args), "event")
