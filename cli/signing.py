"""Where a command that signs gets the passphrase of its key file: never from its arguments."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keys import keyfile
from keys.errors import declare

if TYPE_CHECKING:
    from keys.signer import SoftwareSigner

NO_PASSPHRASE = declare(
    "usage.passphrase.none",
    "No passphrase for the key file, and no terminal to ask for it.",
    "Name a file with --passphrase-file, or set CELLBOOK_PASSPHRASE.",
)
PASSPHRASE_FILE = declare(
    "usage.passphrase.file",
    "The passphrase file cannot be used.",
    "It is one line of text that only its owner may read: `chmod 600`.",
)

VARIABLE = "CELLBOOK_PASSPHRASE"
_MAX_BYTES = 4096
_OTHERS = stat.S_IRWXG | stat.S_IRWXO

passphrase_option = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path),
    help="File with the key's passphrase. Without it: CELLBOOK_PASSPHRASE, then a file "
    "`KEY.passphrase` or `passphrase` beside the key, then a prompt.",
)


def load_signer(path: Path, passphrase_file: Path | None) -> SoftwareSigner:
    """The signer in the key file at ``path``.

    The passphrase comes from ``passphrase_file``, else from CELLBOOK_PASSPHRASE, else from
    ``<key file>.passphrase`` or ``passphrase`` beside the key, else from a hidden prompt. Raises
    ``usage.passphrase.*`` and what ``keys.keyfile.load`` raises.
    """
    if not path.exists():
        raise keyfile.READ.at(str(path), "no such file")
    return keyfile.load(path, find_passphrase(path, passphrase_file))


def find_passphrase(path: Path, passphrase_file: Path | None) -> str:
    """The passphrase for the key file at ``path``. Raises ``usage.passphrase.*``."""
    if passphrase_file is not None:
        return read_passphrase(passphrase_file)
    if VARIABLE in os.environ:
        return os.environ[VARIABLE]
    for beside in (passphrase_beside(path), path.parent / "passphrase"):
        if beside.exists():
            return read_passphrase(beside)
    if not sys.stdin.isatty():
        raise NO_PASSPHRASE.at(str(path))
    prompt: str = click.prompt(f"Passphrase of {path}", hide_input=True, err=True)
    return prompt


def passphrase_beside(path: Path) -> Path:
    """The file in which the passphrase of this one key is kept, if it is kept beside it."""
    return path.with_name(path.name + ".passphrase")


def read_passphrase(file: Path) -> str:
    """The one line in ``file``. Raises ``usage.passphrase.file`` where others may use the file."""
    try:
        with open(file, "rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            text = opened.read(_MAX_BYTES + 1).decode().rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise PASSPHRASE_FILE.at(str(file), getattr(error, "strerror", None) or "") from None
    if os.name == "posix" and mode & _OTHERS:
        raise PASSPHRASE_FILE.at(str(file), f"mode {stat.S_IMODE(mode):04o}")
    if not text or "\n" in text or len(text) > _MAX_BYTES:
        raise PASSPHRASE_FILE.at(str(file), "it is not one line of text")
    return text
