"""A new ledger: keys, database, genesis, trust file and configuration, or nothing of it."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from keys import keyfile
from keys.errors import declare
from keys.signer import Signer, SoftwareSigner, generate
from ledger.custody.governance.handover import Predecessor
from ledger.custody.governance.statements import Authority, Policy
from ledger.custody.identifiers import parse_operator_uri
from ledger.custody.names.naming import check_origin, family_uri
from ledger.custody.profiles import Profiles
from ledger.log.genesis import genesis_policy, refuse_begun, sign_policy, write_genesis
from ledger.log.home import (
    CONFIG_FILE,
    LOG_KEYS,
    NEXT_ROOT_FILE,
    PASSPHRASE_FILE,
    REGISTRAR_FILE,
    ROOT_FILE,
    ROOT_KEY,
    TRUST_FILE,
    Home,
    read_config,
    to_toml,
)
from ledger.log.predecessor import PastLogs, check_end, stated_end
from ledger.log.signers import LogSigners
from ledger.proof.trust import Trust, dump_trust
from ledger.store.sql import SqlStore
from ledger.wire.statement import parse_statement

EXISTS = declare(
    "usage.home.exists",
    "There is a ledger, or a key of one, in this folder already.",
    "Choose an empty folder.",
)

FIRST_MAX_AGE_DAYS = 7
"""How old a file may be by the trust file of a new ledger."""


class Founding:
    """Makes the ledger of ``home``; ``Home.create`` says what the arguments mean."""

    def __init__(
        self,
        home: Home,
        root_dir: Path,
        registrar_dir: Path,
        passphrase: str | None,
        next_root_dir: Path | None = None,
        root: Signer | None = None,
    ) -> None:
        self._home = home
        self._root_dir = root_dir
        self._next_root_dir = next_root_dir or root_dir
        self._registrar_dir = registrar_dir
        self._root = root
        self._keys = _NewKeys(passphrase)

    def run(self, registrar_uri: str, epoch_s: int, now: int, profiles: Profiles) -> None:
        """Make everything; what fails leaves no files but an empty database."""
        home, config = self._home, to_toml(self._home.config)
        self._check_new()
        read_config(config, home.path)
        check_origin(home.config.origin)
        parse_operator_uri(registrar_uri, "registrar")
        _make_folder(home.path)
        store = SqlStore.open(home.store_url())
        try:
            store.create()
            refuse_begun(store)
            self._begin(store, registrar_uri, epoch_s, now, profiles)
            # Last: a folder without it is no ledger.
            _write(home.path / CONFIG_FILE, config)
        except BaseException:
            self._clear()
            raise
        finally:
            store.close()

    def _begin(
        self, store: SqlStore, registrar_uri: str, epoch_s: int, now: int, profiles: Profiles
    ) -> None:
        home, config = self._home, self._home.config
        checkpoint, receipts, statements = self._keys.make(home.path / "keys", *LOG_KEYS, own=True)
        signers = LogSigners(checkpoint, receipts, statements)
        root = self._root or self._keys.make(self._root_dir, "root")[0]
        (next_root,) = self._keys.make(self._next_root_dir, "next-root")
        (registrar,) = self._keys.make(self._registrar_dir, "registrar")
        authority = Authority(uri=registrar_uri, role="registrar", key=registrar.key.to_cbor())
        end = self._end()
        policy = genesis_policy(
            config.origin,
            config.family_name,
            root.key,
            next_root.key,
            signers,
            authority,
            epoch_s=epoch_s,
            profiles=profiles,
            predecessor=end,
        )
        family = family_uri(root.key, config.family_name)
        if end is not None:
            family = parse_statement(end.genesis.leaf).aud
            self._check_end(policy, family)
        genesis = sign_policy(root, policy, now, family)
        _write(home.trust_path, dump_trust(self._trust(root, genesis, family)))
        write_genesis(store, genesis, signers, now)

    def _end(self) -> Predecessor | None:
        """What the genesis says of the log that it follows."""
        folder = self._home.predecessor
        if folder is None:
            return None
        with closing(PastLogs(folder)) as past:
            return stated_end(past.readers()[0])

    def _check_end(self, policy: Policy, family: str) -> None:
        folder = self._home.predecessor
        assert folder is not None  # noqa: S101 - ``_end`` has read from it
        with closing(PastLogs(folder)) as past:
            check_end(policy, family, past.readers())

    def _trust(self, root: Signer, genesis: bytes, family: str) -> Trust:
        config = self._home.config
        return Trust(
            name=config.name,
            origin=config.origin,
            genesis=parse_statement(genesis).entry_id,
            family=family,
            root_key=root.key,
            minimum_policy=0,
            max_age_days=FIRST_MAX_AGE_DAYS,
        )

    def _check_new(self) -> None:
        for secret in (self._root_dir, self._next_root_dir, self._registrar_dir):
            if secret.resolve().is_relative_to(self._home.path.resolve()):
                raise ROOT_KEY.at(str(secret), "choose a folder outside the ledger's")
        for file in self._files():
            if os.path.lexists(file):
                raise EXISTS.at(str(file))

    def _clear(self) -> None:
        # None of these was there before. The next attempt must find nothing in its way.
        for file in self._files():
            if os.path.lexists(file):
                file.unlink()

    def _files(self) -> list[Path]:
        """All files of a ledger, but for its database."""
        folder, root, registrar = self._home.path, self._root_dir, self._registrar_dir
        return [
            folder / CONFIG_FILE,
            folder / TRUST_FILE,
            *(folder / "keys" / f"{name}.pem" for name in LOG_KEYS),
            folder / "keys" / PASSPHRASE_FILE,
            *(root / name for name in (ROOT_FILE, PASSPHRASE_FILE)),
            *(self._next_root_dir / name for name in (NEXT_ROOT_FILE, PASSPHRASE_FILE)),
            *(registrar / name for name in (REGISTRAR_FILE, PASSPHRASE_FILE)),
        ]


class _NewKeys:
    """Makes Ed25519 keys in files. Each folder gets a passphrase of its own, in a file, unless
    one was given; the log's keys always do, since the service opens them by itself."""

    def __init__(self, passphrase: str | None) -> None:
        self._given = passphrase
        self._passphrases: dict[Path, str] = {}

    def make(self, folder: Path, *names: str, own: bool = False) -> list[SoftwareSigner]:
        """New keys in ``folder``. Raises ``usage.keyfile.*``."""
        passphrase = self._passphrase(folder, None if own else self._given)
        signers = [generate() for _ in names]
        for name, signer in zip(names, signers, strict=True):
            keyfile.save(folder / f"{name}.pem", signer, passphrase)
        return signers

    def _passphrase(self, folder: Path, given: str | None) -> str:
        _make_folder(folder)
        if given is not None:
            return given
        place = folder.resolve()
        if place not in self._passphrases:
            self._passphrases[place] = keyfile.new_passphrase()
            data = self._passphrases[place].encode() + b"\n"
            keyfile.write_private(folder / PASSPHRASE_FILE, data)
        return self._passphrases[place]


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise keyfile.WRITE.at(str(folder), error.strerror or "") from None


def _write(file: Path, data: bytes) -> None:
    try:
        file.write_bytes(data)
    except OSError as error:
        raise keyfile.WRITE.at(str(file), error.strerror or "") from None
