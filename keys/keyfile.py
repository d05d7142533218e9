"""Key files: one encrypted PKCS#8 private key in PEM, for its owner's eyes only.

A file comes into being whole or not at all, with mode 0600, and replaces nothing unless asked. One
that the group or others can read or write is refused: its passphrase may be all that is left.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from keys.durable import sync_folder
from keys.errors import CellbookError, declare
from keys.signer import KIND, SoftwareSigner

EXISTS = declare(
    "usage.keyfile.exists",
    "There is a file of this name already.",
    "Choose another name; a key that is overwritten is lost.",
)
WRITE = declare(
    "usage.keyfile.write",
    "The key file cannot be written.",
    "Check that the folder exists, is yours, and has room.",
)
READ = declare(
    "usage.keyfile.read", "The key file cannot be read.", "Check the name and whose file it is."
)
PERMISSIONS = declare(
    "usage.keyfile.permissions",
    "Others than its owner may use the key file.",
    "Run `chmod 600` on it, and make a new key if somebody may have read it.",
)
FORMAT = declare(
    "usage.keyfile.format",
    "The file is not an encrypted PKCS#8 private key in PEM.",
    "Name the file that `cellbook keygen` wrote.",
)
PASSPHRASE = declare(
    "usage.keyfile.passphrase",
    "The passphrase does not open the key file, or the file is damaged.",
    "Enter the passphrase of this key file again.",
)
WEAK = declare(
    "usage.keyfile.weak-passphrase",
    "The passphrase is too short, too long, or not plain text.",
    "Use 16 to 512 characters, best those that `cellbook keygen` proposes.",
)

_SHORTEST, _LONGEST = 16, 512
# OpenSSL takes passphrases of at most 1,023 bytes.
_MAX_BYTES = 1000
_MAX_FILE = 65536
_HEADER = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
"""32 characters that cannot be taken for each other: no i, l, o, u."""


def new_passphrase() -> str:
    """A random passphrase of 140 bits: seven groups of four, as in ``7kq2-m0xd-…``.

    At least 128 bits are needed, because the files are encrypted under few rounds of PBKDF2.
    """
    groups = (os.urandom(4) for _ in range(7))
    return "-".join("".join(_LETTERS[byte & 31] for byte in group) for group in groups)


def save(
    path: str | os.PathLike[str],
    signer: SoftwareSigner,
    passphrase: str,
    *,
    overwrite: bool = False,
) -> None:
    """Write the key of ``signer`` to ``path``, encrypted.

    Raises ``usage.keyfile.weak-passphrase`` and what :func:`write_private` raises. That the
    passphrase is hard to guess is not checked, only that it is not short.
    """
    if not _SHORTEST <= len(passphrase) <= _LONGEST:
        raise WEAK.at("passphrase", f"{len(passphrase)} characters")
    encoded = _encoded(passphrase)
    if encoded is None:
        raise WEAK.at("passphrase")
    write_private(path, signer.to_pkcs8(encoded), overwrite=overwrite)


def load(path: str | os.PathLike[str], passphrase: str) -> SoftwareSigner:
    """The signer whose key is in the file at ``path``.

    Raises ``usage.keyfile.read``, ``.permissions``, ``.format`` and ``.passphrase``,
    ``unsupported.key.private`` for a key of another kind. Not checked: that it is the key that
    was saved, because encrypted PKCS#8 is not authenticated (compare the kid with the one that
    you expect), and the rounds of key derivation that the file asks for.
    """
    name = os.fspath(path)
    data = _read(name)
    if not data.lstrip().startswith(_HEADER):
        raise FORMAT.at(name)
    encoded = _encoded(passphrase)
    if not encoded:
        raise PASSPHRASE.at(name)
    return _decrypt(data, encoded, name)


def write_private(path: str | os.PathLike[str], data: bytes, *, overwrite: bool = False) -> None:
    """Write ``data`` to a file of mode 0600, whole or not at all, durable on return.

    Raises ``usage.keyfile.exists`` (also for a link, and when another process was first) and
    ``usage.keyfile.write``.
    """
    target = Path(path)
    temporary = target.parent / f".cellbook-{os.urandom(8).hex()}"
    try:
        _write_new(temporary, data)
        try:
            _put_in_place(temporary, target, overwrite)
        finally:
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
        sync_folder(target.parent)
    except CellbookError:
        raise
    except (OSError, ValueError) as error:
        raise WRITE.at(str(target), getattr(error, "strerror", None) or "not a file name") from None


def _encoded(passphrase: str) -> bytes | None:
    try:
        encoded = passphrase.encode()
    except UnicodeEncodeError:
        return None
    return encoded if len(encoded) <= _MAX_BYTES else None


def _read(name: str) -> bytes:
    """The file's bytes; its mode is taken from the open file, so that it cannot be swapped."""
    # Without O_NONBLOCK the name of a pipe would make this wait for ever.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        descriptor = os.open(name, flags)
        try:
            _check_file(os.fstat(descriptor), name)
            return os.read(descriptor, _MAX_FILE)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        raise READ.at(name, getattr(error, "strerror", None) or "not a file name") from None


def _check_file(status: os.stat_result, name: str) -> None:
    if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_FILE:
        raise FORMAT.at(name)
    if os.name == "posix" and status.st_mode & _OTHERS:
        raise PERMISSIONS.at(name, f"mode {stat.S_IMODE(status.st_mode):04o}")


def _decrypt(data: bytes, passphrase: bytes, name: str) -> SoftwareSigner:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        private = load_pem_private_key(data, passphrase)
    except UnsupportedAlgorithm:
        raise KIND.at(name) from None
    except ValueError:
        # A wrong passphrase can give a valid padding by chance, and then an ill-formed key:
        # the two cannot be told apart.
        raise PASSPHRASE.at(name) from None
    except TypeError:
        raise FORMAT.at(name) from None
    return SoftwareSigner(private)  # type: ignore[arg-type]  # it refuses what it cannot use


def _write_new(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _put_in_place(temporary: Path, target: Path, overwrite: bool) -> None:
    if overwrite:
        temporary.replace(target)
        return
    try:
        # A hard link fails when the name is taken; a rename would replace what is there.
        os.link(temporary, target)
    except FileExistsError:
        raise EXISTS.at(str(target)) from None
    except OSError:
        # File systems without hard links. Another process could come in between here.
        if os.path.lexists(target):
            raise EXISTS.at(str(target)) from None
        temporary.rename(target)
