"""The frame: exit codes, errors in both forms, and every way in which a command can end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from cli import output
from cli.main import COMMANDS, cellbook
from keys.errors import CLASSES
from ledger.wire.cbor import encode
from tests.cli.running import SCRIPT, clean_environment, console, refused, run, run_json


def test_help_lists_all_commands_in_the_order_of_the_table() -> None:
    result = run("--help")
    listed = result.stdout.partition("Commands:\n")[2].split("\n")
    assert [line.split()[0] for line in listed[: len(COMMANDS)]] == list(COMMANDS)
    for entry in COMMANDS.values():
        assert entry.line in result.stdout


def test_console_script_shows_version_and_help() -> None:
    version = console("--version")
    assert (version.returncode, version.stderr) == (0, "")
    assert version.stdout.startswith("cellbook ")
    assert console("keygen", "-h").stdout.startswith("Usage: cellbook keygen ")


def test_no_arguments_shows_the_help() -> None:
    assert "Commands:" in run(code=2).stderr


@pytest.mark.parametrize(
    "args",
    [
        ["frobnicate"],
        ["keygen"],
        ["keygen", "a", "b"],
        ["keygen", "--alg", "rsa", "a"],
        ["keygen", "--no-such-option", "a"],
        ["operator", "frobnicate"],
        ["trust", "show"],
    ],
)
def test_wrong_command_lines_exit_2(
    args: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused("usage.command-line", *args, code=2)
    assert list(tmp_path.iterdir()) == []


def test_json_after_two_dashes_is_a_file_name() -> None:
    result = run("inspect", "--", "--json", code=2)
    assert result.stdout == ""
    assert "--json: The file cannot be read" in result.stderr


@pytest.mark.parametrize("error_class", CLASSES.values(), ids=list(CLASSES))
def test_the_class_of_an_error_is_the_exit_code(
    error_class: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = CLASSES[error_class.name]  # type: ignore[attr-defined]
    code = output.READ._replace(code=f"{row.name}.example")

    def fail(*_: object) -> bytes:
        raise code.at("here", "there")

    monkeypatch.setattr("cli.inspect.read_file", fail)
    printed = refused(f"{row.name}.example", "inspect", "x", code=row.exit_code)
    assert printed.startswith("error: here: The file cannot be read: there\n")


def test_a_fault_is_one_line_and_exits_3(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr("cli.inspect.read_file", fail)
    assert "ZeroDivisionError: by nought" in refused("undecided.fault", "inspect", "x", code=3)
    assert "Traceback" in run("inspect", "x", code=3, CELLBOOK_DEBUG="1").stderr


def test_a_command_may_return_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def three() -> int:
        return 3

    monkeypatch.setattr("cli.inspect.inspect", three)
    run("inspect", code=3)


def test_an_aborted_prompt_exits_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise click.Abort

    monkeypatch.setattr("cli.inspect.read_file", fail)
    assert run("inspect", "x", code=130).stderr == "interrupted\n"


def test_interrupt_exits_130(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = subprocess.Popen([SCRIPT, "inspect", pipe], stderr=subprocess.PIPE, text=True)
    with open(pipe, "wb"):  # it is open once the command reads
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr.strip() == "interrupted"


@pytest.mark.parametrize("args", [["--help"], ["trust", "--help"], ["inspect", "x", "--json"]])
def test_a_reader_that_goes_away_exits_141(args: list[str], tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.run(
        [SCRIPT, *args],
        check=False,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        timeout=60,
    )
    os.close(writing)
    # The error of a file that is not there cannot be told any more, but its code is kept.
    assert process.returncode == (2 if "x" in args else 141)
    assert process.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("args", [["--help"], ["schema", "reading"], ["inspect", "x", "--json"]])
def test_a_result_that_cannot_be_written_is_none(args: list[str], tmp_path: Path) -> None:
    """Exit code 1 would say that something is false. Another error keeps its own code."""
    with open("/dev/full", "wb") as full:
        process = subprocess.run(
            [SCRIPT, *args],
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            timeout=60,
        )
    code = "usage.file.read" if "x" in args else "unavailable.output"
    assert f"code: {code}" in process.stderr
    assert process.returncode == (2 if "x" in args else 3)


@pytest.mark.parametrize(("args", "code"), [("--help", 0), ("inspect x", 2), ("nonsense", 2)])
def test_who_closed_our_output_gets_the_exit_code(args: str, code: int, tmp_path: Path) -> None:
    line = f"exec {SCRIPT} {args} >&- 2>&-"
    done = subprocess.run(["/bin/sh", "-c", line], check=False, cwd=tmp_path, timeout=60)
    assert done.returncode == code


@pytest.mark.parametrize(
    ("package", "extra"), [("sqlmodel", "server"), ("sqlalchemy", "server"), ("httpx", "client")]
)
def test_missing_packages_are_named_with_what_to_install(package: str, extra: str) -> None:
    code = (
        "import sys\n"
        f"sys.modules[{package!r}] = None\n"
        "import cli.inspect\n"
        f"def read_file(*_): import {package}\n"
        "cli.inspect.read_file = read_file\n"
        "from cli.main import main\n"
        "sys.argv = ['cellbook', 'inspect', 'x', '--json']\n"
        "main()\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )
    error = json.loads(process.stdout)["error"]
    assert process.returncode == 3
    assert error["code"] == f"unavailable.packages.{extra}"
    assert f"pip install 'cellbook[{extra}]'" in error["remedy"]


def test_init_without_server_packages_makes_nothing(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "sys.modules['sqlalchemy'] = sys.modules['sqlmodel'] = None\n"
        "from cli.main import main\n"
        "sys.argv = ['cellbook', 'init', 'shop']\n"
        "main()\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=clean_environment(PYTHONPATH=str(Path(__file__).parents[2])),
    )
    assert (process.returncode, process.stdout) == (3, "")
    assert "pip install 'cellbook[server]'" in process.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("data", [None, b"x" * 33])
def test_files_that_cannot_be_read(data: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "file"
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(output.CellbookError) as caught:
        output.read_file(file, 32)
    assert caught.value.code == "usage.file.read"
    assert str(file) in caught.value.describe()


def test_files_are_not_replaced_unless_asked(tmp_path: Path) -> None:
    file = tmp_path / "file"
    output.write_file(file, b"first")
    with pytest.raises(output.CellbookError, match=r"cannot be written"):
        output.write_file(file, b"second")
    assert file.read_bytes() == b"first"
    output.write_file(file, b"second", overwrite=True)
    assert file.read_bytes() == b"second"


def test_standard_input_and_output_are_files(tmp_path: Path) -> None:
    assert run_json("inspect", "-", stdin=b"\x83\x01\x02\x03")["value"] == [1, 2, 3]


def test_progress_says_nothing_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with output.progress("working") as tell:
        tell(1, 2)
    assert capsys.readouterr() == ("", "")


def test_names_of_commands_are_words_that_can_be_completed() -> None:
    context = click.Context(cellbook)
    assert cellbook.list_commands(context) == list(COMMANDS)
    assert cellbook.get_command(context, "frobnicate") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain\ntext", "plain\ntext"),
        ("\u96fb\u6c60\u3000\u7532 \u2014", "\u96fb\u6c60\u3000\u7532 \u2014"),
        ("\x1b[2J", "\\u001b[2J"),
        ("a\u202eb", "a\\u202eb"),
        ("\x9b31m", "\\u009b31m"),
        ("\rGENUINE", "\\rGENUINE"),
        ("\udcff", "\\udcff"),
    ],
)
def test_what_strangers_write_does_not_steer_the_terminal(text: str, expected: str) -> None:
    assert output.printable(text) == expected
    assert json.loads(output.printable(json.dumps(text, ensure_ascii=False))) == text
    assert output.one_line(text) == expected.replace("\n", "\\n")


def test_files_cannot_paint_lines_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(encode({"type": "\x1b[31m\n\u202e"}))
    for args in (["inspect", file], ["inspect", file, "--json"]):
        printed = run(*args).stdout
        assert "\x1b" not in printed
        assert "\u202e" not in printed


def test_another_encoding_shows_escapes(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(encode("\u96fb"))
    process = console("inspect", file, env=clean_environment(PYTHONIOENCODING="latin-1"))
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout.endswith('"\\u96fb"\n')
