"""Key files that the command makes, and where passphrases come from and go to."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from cli import signing
from cli.keygen import ALGORITHMS
from keys import cose_key, keyfile
from keys.errors import CellbookError
from ledger.wire.base64text import decode_base64
from tests.cli.running import refused, run, run_json


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_key_of_each_algorithm(alg: str, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    made = run_json("keygen", file, "--alg", alg)
    signer = keyfile.load(file, made["passphrase"])
    assert signer.key.alg == ALGORITHMS[alg]
    assert made["kid"] == signer.key.kid.hex()
    assert cose_key.from_cbor(decode_base64(made["public_key"])) == signer.key
    assert mode(file) == 0o600


def test_the_passphrase_is_printed_once_with_advice(tmp_path: Path) -> None:
    printed = run("keygen", tmp_path / "key.pem").stdout
    (line,) = [line for line in printed.split("\n") if line.startswith("passphrase ")]
    keyfile.load(tmp_path / "key.pem", line.split()[1])
    assert "shown this once" in printed
    assert [file.name for file in tmp_path.iterdir()] == ["key.pem"]


def test_a_saved_passphrase_is_not_printed_and_is_found(tmp_path: Path) -> None:
    file, beside = tmp_path / "key.pem", tmp_path / "key.pem.passphrase"
    result = run("keygen", file, "--save-passphrase")
    assert mode(beside) == 0o600
    assert beside.read_text().strip() not in result.output
    assert signing.load_signer(file, None).key.kid.hex() in result.stdout


def test_a_given_passphrase_is_used_and_not_printed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("correct horse battery\n")
    secret.chmod(0o600)
    made = run_json("keygen", tmp_path / "key.pem", "--passphrase-file", secret)
    assert "passphrase" not in made
    keyfile.load(tmp_path / "key.pem", "correct horse battery")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    file, beside = tmp_path / "key.pem", tmp_path / "key.pem.passphrase"
    beside.write_text("of an older key\n")
    refused("usage.keyfile.exists", "keygen", file, "--save-passphrase", code=2)
    assert not file.exists()
    run("keygen", file)
    before = file.read_bytes()
    refused("usage.keyfile.exists", "keygen", file, code=2)
    assert (file.read_bytes(), beside.read_text()) == (before, "of an older key\n")


@pytest.mark.parametrize(
    ("content", "permissions", "code"),
    [
        ("short\n", 0o600, "usage.keyfile.weak-passphrase"),
        ("correct horse battery\n", 0o644, "usage.passphrase.file"),
        ("", 0o600, "usage.passphrase.file"),
        ("two lines of\ntext, not one\n", 0o600, "usage.passphrase.file"),
        ("x" * 5000, 0o600, "usage.passphrase.file"),
    ],
)
def test_bad_passphrase_files(content: str, permissions: int, code: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(content)
    secret.chmod(permissions)
    file = tmp_path / "key.pem"
    refused(code, "keygen", file, "--passphrase-file", secret, code=2)
    assert not file.exists()


def test_save_and_give_a_passphrase_is_a_usage_error(tmp_path: Path) -> None:
    args = ("keygen", tmp_path / "k", "--save-passphrase", "--passphrase-file", tmp_path / "s")
    refused("usage.command-line", *args, code=2)


class TestWherePassphrasesComeFrom:
    """In this order: the named file, the environment, a file beside the key, a prompt."""

    @pytest.fixture
    def key(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.delenv(signing.VARIABLE, raising=False)
        run("keygen", tmp_path / "key.pem", "--save-passphrase")
        return tmp_path / "key.pem"

    @staticmethod
    def secret(file: Path, text: str) -> Path:
        file.write_text(text + "\n")
        file.chmod(0o600)
        return file

    def test_order(self, key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        of_folder = self.secret(key.with_name("passphrase"), "of the folder")
        named = self.secret(key.with_name("named"), "named")
        own = signing.passphrase_beside(key)
        assert signing.find_passphrase(key, None) == own.read_text().strip()
        own.unlink()
        assert signing.find_passphrase(key, None) == "of the folder"
        monkeypatch.setenv(signing.VARIABLE, "of the environment")
        assert signing.find_passphrase(key, None) == "of the environment"
        assert signing.find_passphrase(key, named) == "named"
        monkeypatch.delenv(signing.VARIABLE)
        of_folder.unlink()
        with pytest.raises(CellbookError) as caught:
            signing.find_passphrase(key, None)
        assert caught.value.code == "usage.passphrase.none"

    def test_prompt_on_a_terminal(self, key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        passphrase = signing.read_passphrase(signing.passphrase_beside(key))
        signing.passphrase_beside(key).unlink()
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        asked: list[object] = []

        def prompt(text: str, **options: object) -> str:
            asked.append((text, options["hide_input"], options["err"]))
            return passphrase

        monkeypatch.setattr("click.prompt", prompt)
        signing.load_signer(key, None)
        assert asked == [(f"Passphrase of {key}", True, True)]

    def test_a_missing_key_is_said_before_a_passphrase_is_asked(self, tmp_path: Path) -> None:
        with pytest.raises(CellbookError) as caught:
            signing.load_signer(tmp_path / "none.pem", None)
        assert caught.value.code == "usage.keyfile.read"

    def test_a_readable_file_beside_the_key_is_refused(self, key: Path) -> None:
        signing.passphrase_beside(key).chmod(0o640)
        with pytest.raises(CellbookError) as caught:
            signing.load_signer(key, None)
        assert caught.value.code == "usage.passphrase.file"
