"""The ledger's folder: configuration, log keys, trust file, and usually the database.

The root's and the registrar's keys are made with the ledger and kept elsewhere: whoever takes the
folder can speak for the service, and not change who it is.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from keys import keyfile
from keys.errors import CellbookError, declare
from keys.signer import Signer, SoftwareSigner, generate
from ledger.custody.profiles import Profiles
from ledger.log.publishing.memory import SignedMemory
from ledger.log.signers import LogSigners
from ledger.proof.trust import load_trust
from ledger.store.sql import SqlStore
from ledger.wire.tlog_policy import TlogPolicy, parse_tlog_policy

NO_HOME = declare(
    "usage.home.missing",
    "This folder is not one of a ledger.",
    "Name the folder that `cellbook init` made, or make one.",
)
CONFIG = declare(
    "usage.home.config",
    "The ledger's cellbook.toml cannot be read.",
    "Correct it: `cellbook init` shows what such a file holds.",
)
ROOT_KEY = declare(
    "usage.home.root-key",
    "A root key lies in the ledger's folder, where whoever breaks into the service finds it.",
    "Move it to a folder of its own, best on another medium.",
)

CONFIG_FILE, TRUST_FILE, PASSPHRASE_FILE = "cellbook.toml", "trust.toml", "passphrase"
WITNESSES_FILE = "witnesses.policy"
ROOT_FILE, NEXT_ROOT_FILE, REGISTRAR_FILE = "root.pem", "next-root.pem", "registrar.pem"
DATABASE = "sqlite:///ledger.db"
REGISTRAR_URI = "urn:cellbook:authority:registrar"
LOG_KEYS = ("checkpoint", "receipts", "statements")
_SQLITE = "sqlite:///"


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What cellbook.toml holds. A SQLite path in ``database`` is relative to the folder; ``url``
    is where the service is reached from outside, if that is known. ``predecessor`` is the folder
    of the ledger that this one follows."""

    name: str
    origin: str
    family_name: str
    database: str = DATABASE
    listen_host: str = "127.0.0.1"
    listen_port: int = 8417
    url: str | None = None
    predecessor: str | None = None


class Home:
    """An existing ledger's folder."""

    def __init__(self, path: Path, config: Config) -> None:
        self.path = path
        self.config = config

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Home:
        """The ledger's folder at ``path``. Raises ``usage.home.missing`` and ``.config``."""
        folder = Path(path)
        try:
            data = (folder / CONFIG_FILE).read_bytes()
        except OSError as error:
            raise NO_HOME.at(str(folder), error.strerror or "") from None
        return cls(folder, read_config(data, folder))

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        *,
        origin: str,
        name: str,
        root_dir: str | os.PathLike[str],
        registrar_dir: str | os.PathLike[str],
        family_name: str | None = None,
        database: str | None = None,
        registrar_uri: str = REGISTRAR_URI,
        passphrase: str | None = None,
        epoch_s: int = 1,
        url: str | None = None,
        now: int | None = None,
        profiles: Profiles | None = None,
        next_root_dir: str | os.PathLike[str] | None = None,
        successor_of: str | os.PathLike[str] | None = None,
        root: Signer | None = None,
    ) -> Home:
        """Make keys, database, genesis, trust file and configuration.

        The keys of root and registrar are encrypted with ``passphrase``; without one, each folder
        gets a new one in its file ``passphrase``. ``now`` (Unix seconds) is the time of genesis.
        ``profiles`` are the rules that it decides by; without, those of ``genesis.PROFILES``. The
        next root key lies in ``next_root_dir``; without, beside the root key. ``successor_of`` is
        the folder of a frozen ledger, which this one follows with its family, or of a copy of its
        log; ``root`` is then its next root key.
        Raises ``usage.home.*``, ``usage.log.not-empty``, ``usage.keyfile.*``, ``unavailable.*``.
        """
        from ledger.log.founding import Founding
        from ledger.log.genesis import PROFILES

        if successor_of is not None:
            from ledger.log.predecessor import family_name_of

            family_name = family_name_of(Path(successor_of))
        config = Config(
            name=name,
            origin=origin,
            family_name=family_name or name,
            database=database or DATABASE,
            url=url,
            predecessor=None if successor_of is None else str(Path(successor_of).absolute()),
        )
        home = cls(Path(path), config)
        time_now = int(time.time()) if now is None else now
        apart = None if next_root_dir is None else Path(next_root_dir)
        founding = Founding(home, Path(root_dir), Path(registrar_dir), passphrase, apart, root)
        founding.run(registrar_uri, epoch_s, time_now, profiles or PROFILES)
        return home

    def store_url(self) -> str:
        """The database's URL, the path of a SQLite file made absolute."""
        url = self.config.database
        if not url.startswith(_SQLITE):
            return url
        return _SQLITE + str((self.path / url.removeprefix(_SQLITE)).absolute())

    def open_store(self) -> SqlStore:
        """The store. Raises ``unavailable.store.*`` where it is not one of this version."""
        store = SqlStore.open(self.store_url())
        try:
            store.check_schema()
        except BaseException:
            store.close()
            raise
        return store

    @property
    def predecessor(self) -> Path | None:
        """The folder of the ledger that this one follows."""
        stated = self.config.predecessor
        return None if stated is None else (self.path / stated).absolute()

    def signers(self) -> LogSigners:
        """The log's keys: those that it was made with, and those that replace them, which are
        found when they are needed; with what they have signed, and the witnesses. Raises
        ``usage.keyfile.*`` and as ``witnesses``."""
        folder = self.path / "keys"
        passphrase = _read_passphrase(folder / PASSPHRASE_FILE)
        checkpoint, receipts, statements = (
            keyfile.load(folder / f"{name}.pem", passphrase) for name in LOG_KEYS
        )
        return LogSigners(
            checkpoint,
            receipts,
            statements,
            more=self._later_keys(passphrase),
            memory=SignedMemory(self.path),
            witnesses=self.witnesses(),
        )

    def witnesses(self) -> TlogPolicy | None:
        """The witnesses that checkpoints are shown to, None where there is no such file. Raises
        ``usage.home.missing`` and ``malformed.tlog-policy.*``."""
        file = self.path / WITNESSES_FILE
        try:
            return parse_tlog_policy(file.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise NO_HOME.at(str(file), error.strerror or "") from None

    def new_log_key(self, purpose: str) -> tuple[SoftwareSigner, Path]:
        """A new key for ``purpose``, kept beside those that there are, and its file. Raises
        ``usage.keyfile.*``."""
        folder = self.path / "keys"
        passphrase, signer = _read_passphrase(folder / PASSPHRASE_FILE), generate()
        file = folder / f"{purpose}-{signer.key.kid.hex()[:16]}.pem"
        keyfile.save(file, signer, passphrase)
        return signer, file

    def _later_keys(self, passphrase: str) -> Callable[[], Sequence[Signer]]:
        """All keys that replace others, each read once; a service finds new ones by itself."""
        known: dict[Path, SoftwareSigner] = {}

        def more() -> Sequence[Signer]:
            for purpose in LOG_KEYS:
                for file in sorted((self.path / "keys").glob(f"{purpose}-*.pem")):
                    if file not in known:
                        known[file] = keyfile.load(file, passphrase)
            return tuple(known.values())

        return more

    @property
    def trust_path(self) -> Path:
        """The trust file that verifiers need once."""
        return self.path / TRUST_FILE

    def trust_bytes(self) -> bytes:
        """The trust file's bytes. Raises ``usage.home.missing``."""
        try:
            return self.trust_path.read_bytes()
        except OSError as error:
            raise NO_HOME.at(str(self.trust_path), error.strerror or "") from None

    def refuse_root_inside(self) -> None:
        """Raise ``usage.home.root-key`` if a root key lies anywhere below the folder.

        Found by the names that ``create`` gives, and by content where the key file opens with the
        passphrase beside it or with that of the log keys. A root key under another name and
        passphrase is not found.
        """
        root_kid = load_trust(self.trust_bytes()).root_key.kid
        for file in sorted(self.path.rglob("*.pem")):
            if file.name in (ROOT_FILE, NEXT_ROOT_FILE) or self._kid(file) == root_kid:
                raise ROOT_KEY.at(str(file))

    def _kid(self, file: Path) -> bytes | None:
        for beside in (file.parent / PASSPHRASE_FILE, self.path / "keys" / PASSPHRASE_FILE):
            try:
                return keyfile.load(file, _read_passphrase(beside)).key.kid
            except CellbookError:
                continue
        return None


def read_config(data: bytes, folder: Path) -> Config:
    """The configuration in the bytes of cellbook.toml. Raises ``usage.home.config``."""
    try:
        return msgspec.toml.decode(data, type=Config)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CONFIG.at(str(folder / CONFIG_FILE), str(error)) from None


def _read_passphrase(file: Path) -> str:
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError):
        raise keyfile.READ.at(str(file)) from None


def to_toml(config: Config) -> bytes:
    """The bytes of cellbook.toml."""
    # JSON's strings and numbers are TOML's; there is nothing else in the file.
    values = msgspec.to_builtins(config).items()
    lines = [
        f"{key} = {json.dumps(value, ensure_ascii=False)}\n"
        for key, value in values
        if value is not None
    ]
    return "".join(lines).encode()
