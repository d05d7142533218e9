"""Key files on a real file system: who may read them, what opens them, what is never lost."""

from __future__ import annotations

import base64
import os
import re
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keys import keyfile
from keys.errors import CellbookError
from keys.signer import SoftwareSigner, generate

PASSPHRASE = "correct-horse-battery-staple"


def code_of(call: object, *arguments: object, **named: object) -> str:
    with pytest.raises(CellbookError) as caught:
        call(*arguments, **named)  # type: ignore[operator]
    if caught.value.code.startswith("usage."):
        assert caught.value.exit_code == 2
    return caught.value.code


def private_file(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    path.chmod(0o600)
    return path


def pem(private: object, passphrase: bytes | None) -> bytes:
    encryption: serialization.KeySerializationEncryption = (
        serialization.BestAvailableEncryption(passphrase)
        if passphrase
        else serialization.NoEncryption()
    )
    encoded: bytes = private.private_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )
    return encoded


@pytest.mark.parametrize("alg", [-19, -9, -48, -49])
def test_a_saved_key_signs_after_loading(tmp_path: Path, alg: int) -> None:
    signer = generate(alg)
    keyfile.save(tmp_path / "key.pem", signer, PASSPHRASE)
    loaded = keyfile.load(tmp_path / "key.pem", PASSPHRASE)
    assert loaded.key == signer.key
    signer.key.verify(b"m", loaded.sign(b"m"))
    assert (tmp_path / "key.pem").read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")


def test_the_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        keyfile.save(tmp_path / "key.pem", generate(), PASSPHRASE)
    finally:
        os.umask(before)
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key.pem"]


def test_the_private_key_is_not_in_the_file(tmp_path: Path) -> None:
    seed = bytes(range(7, 39))
    keyfile.save(
        tmp_path / "k", SoftwareSigner(Ed25519PrivateKey.from_private_bytes(seed)), PASSPHRASE
    )
    body = b"".join((tmp_path / "k").read_bytes().splitlines()[1:-1])
    assert seed not in base64.b64decode(body)


def test_nothing_is_overwritten_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    first, second = generate(), generate()
    keyfile.save(path, first, PASSPHRASE)
    assert code_of(keyfile.save, path, second, PASSPHRASE) == "usage.keyfile.exists"
    assert keyfile.load(path, PASSPHRASE).key == first.key
    keyfile.save(path, second, PASSPHRASE, overwrite=True)
    assert keyfile.load(path, PASSPHRASE).key == second.key
    assert [entry.name for entry in tmp_path.iterdir()] == ["key.pem"]


def test_a_dangling_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    assert code_of(keyfile.write_private, tmp_path / "link", b"x") == "usage.keyfile.exists"
    assert not (tmp_path / "elsewhere").exists()


def test_of_many_writers_one_wins_and_its_file_is_whole(tmp_path: Path) -> None:
    path, codes = tmp_path / "key", []

    def write(number: int) -> None:
        try:
            keyfile.write_private(path, bytes([number]) * 5000)
        except CellbookError as error:
            codes.append(error.code)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == ["usage.keyfile.exists"] * 7
    data = path.read_bytes()
    assert len(data) == 5000
    assert len(set(data)) == 1


def test_without_hard_links_it_still_never_overwrites(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_arguments: object, **_named: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    keyfile.write_private(tmp_path / "key", b"first")
    assert code_of(keyfile.write_private, tmp_path / "key", b"2") == "usage.keyfile.exists"
    assert (tmp_path / "key").read_bytes() == b"first"
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["no/such/folder/key", "a\0b", "x" * 300])
def test_where_it_cannot_be_written(tmp_path: Path, name: str) -> None:
    assert code_of(keyfile.save, tmp_path / name, generate(), PASSPHRASE) == "usage.keyfile.write"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601, 0o610, 0o602, 0o777])
def test_a_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    keyfile.save(tmp_path / "key", generate(), PASSPHRASE)
    (tmp_path / "key").chmod(mode)
    assert code_of(keyfile.load, tmp_path / "key", PASSPHRASE) == "usage.keyfile.permissions"
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "key")
    assert code_of(keyfile.load, link, PASSPHRASE) == "usage.keyfile.permissions"
    (tmp_path / "key").chmod(0o400)
    keyfile.load(link, PASSPHRASE)


@pytest.mark.parametrize("wrong", ["", PASSPHRASE + "x", PASSPHRASE.upper(), "\ud800", "x" * 9999])
def test_a_wrong_passphrase(tmp_path: Path, wrong: str) -> None:
    keyfile.save(tmp_path / "key", generate(), PASSPHRASE)
    assert code_of(keyfile.load, tmp_path / "key", wrong) == "usage.keyfile.passphrase"


@pytest.mark.parametrize("weak", ["", "short", "x" * 15, "x" * 513, "\ud800" * 20, "好" * 400])
def test_a_passphrase_that_is_not_to_be_used(tmp_path: Path, weak: str) -> None:
    assert (
        code_of(keyfile.save, tmp_path / "k", generate(), weak) == "usage.keyfile.weak-passphrase"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_passphrase_in_any_script(tmp_path: Path) -> None:
    keyfile.save(tmp_path / "key", generate(), "电池护照" * 4)
    keyfile.load(tmp_path / "key", "电池护照" * 4)


def test_new_passphrases_have_128_bits_and_are_easy_to_type(tmp_path: Path) -> None:
    made = {keyfile.new_passphrase() for _ in range(200)}
    assert len(made) == 200
    assert all(re.fullmatch(r"([0-9a-hjkmnp-tv-z]{4}-){6}[0-9a-hjkmnp-tv-z]{4}", p) for p in made)
    letters = set("".join(made)) - {"-"}
    assert len(letters) == 32  # 28 characters of 5 bits
    passphrase = made.pop()
    keyfile.save(tmp_path / "key", generate(), passphrase)
    keyfile.load(tmp_path / "key", passphrase)


ED = Ed25519PrivateKey.generate()
NOT_KEY_FILES = {
    "empty": b"",
    "text": b"hello",
    "not encrypted": pem(ED, None),
    "public": ED.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ),
    "OpenSSH": ED.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    ),
    "large": b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n" + b"A" * 70000,
}


@pytest.mark.parametrize("data", NOT_KEY_FILES.values(), ids=NOT_KEY_FILES.keys())
def test_what_is_not_a_key_file(tmp_path: Path, data: bytes) -> None:
    path = private_file(tmp_path / "key", data)
    assert code_of(keyfile.load, path, PASSPHRASE) == "usage.keyfile.format"


def test_folders_pipes_and_missing_files(tmp_path: Path) -> None:
    assert code_of(keyfile.load, tmp_path, PASSPHRASE) == "usage.keyfile.format"
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert code_of(keyfile.load, tmp_path / "pipe", PASSPHRASE) == "usage.keyfile.format"
    assert code_of(keyfile.load, tmp_path / "none", PASSPHRASE) == "usage.keyfile.read"
    assert code_of(keyfile.load, "a\0b", PASSPHRASE) == "usage.keyfile.read"


@pytest.mark.parametrize(
    "private",
    [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())],
    ids=["RSA", "P-384"],
)
def test_a_key_of_another_kind(tmp_path: Path, private: object) -> None:
    path = private_file(tmp_path / "key", pem(private, PASSPHRASE.encode()))
    assert code_of(keyfile.load, path, PASSPHRASE) == "unsupported.key.private"


def test_a_damaged_file_gives_an_error_or_a_whole_key(tmp_path: Path) -> None:
    signer = generate()
    keyfile.save(tmp_path / "key", signer, PASSPHRASE)
    good = (tmp_path / "key").read_bytes()
    for position in range(0, len(good), 5):
        flipped = bytearray(good)
        flipped[position] ^= 2
        path = private_file(tmp_path / "damaged", bytes(flipped))
        try:
            loaded = keyfile.load(path, PASSPHRASE)
        except CellbookError:
            continue
        # Encrypted PKCS#8 is not authenticated: a flip in the seed gives another key, which the
        # kid shows. It is then a whole key, not one whose halves differ.
        loaded.key.verify(b"m", loaded.sign(b"m"))
    for size in range(0, len(good), 9):
        path = private_file(tmp_path / "damaged", good[:size])
        assert code_of(keyfile.load, path, PASSPHRASE).startswith("usage.keyfile.")
