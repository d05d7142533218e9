"""``cellbook init``: a new ledger, with the keys that belong elsewhere in folders of their own."""

from __future__ import annotations

import os
import re
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.governing import REGISTRAR_URI
from cli.output import Example, json_option, print_result
from cli.signing import load_signer, read_passphrase
from cli.trust import read_trust, trust_facts

if TYPE_CHECKING:
    from ledger.log.home import Home


_PASSWORD = re.compile("(://[^:/@]*):[^@/]*@")


@click.command(
    epilog=Example(
        "cellbook init shop",
        'cellbook init shop --origin log.example.org/batteries --name "Example battery ledger"',
        "cellbook init shop --profile cn-2026 --profile eu-2023-1542",
        "cellbook init shop --root-dir /media/stick/root --registrar-dir registrar",
        "cellbook init shop-2 --successor-of shop --root next-root.pem",
        "cellbook init shop --database postgresql://ledger@localhost/ledger",
    )
)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--origin",
    help="The log's name for ever, such as log.example.org/batteries. Without it, a name under "
    "cellbook.internal with random digits, which serves for trials.",
)
@click.option("--name", help="The ledger's name for people. [default: the folder's name]")
@click.option(
    "--root-dir",
    type=click.Path(path_type=Path),
    help="Folder for the root keys, which belong offline. [default: FOLDER-root]",
)
@click.option(
    "--next-root-dir",
    type=click.Path(path_type=Path),
    help="Folder for the next root key: whoever finds the root then does not find it as well. "
    "[default: that of the root]",
)
@click.option(
    "--registrar-dir",
    type=click.Path(path_type=Path),
    help="Folder for the registrar's key. [default: FOLDER-registrar]",
)
@click.option("--family-name", help="Name of the family of logs. [default: the ledger's name]")
@click.option(
    "--database",
    help="URL of the database; a password belongs in ~/.pgpass, not here. [default: a SQLite file "
    "in FOLDER]",
)
@click.option(
    "--registrar",
    default=REGISTRAR_URI,
    show_default=True,
    metavar="URI",
    help="Who registers operators, as the policy names him.",
)
@click.option(
    "--epoch",
    type=click.IntRange(1, 3600),
    default=1,
    show_default=True,
    metavar="SECONDS",
    help="How long entries wait for the checkpoint that covers them.",
)
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    metavar="NAME[@VERSION]",
    help="Rules that the ledger decides by, beside core: cn-2026, eu-2023-1542 and others of "
    "docs/rules.md. Can be given several times.",
)
@click.option(
    "--successor-of",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="The ledger in FOLDER has ended, and this one follows it. The folder must stay where it "
    "is: the pasts of batteries are read from it.",
)
@click.option(
    "--root",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With --successor-of: the next root key of that ledger, which is the root of this one.",
)
@click.option("--url", help="Where the service will be reached from outside.")
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path),
    help="File with the passphrase for root and registrar. Without it each folder gets a new one, "
    "in its file `passphrase`.",
)
@json_option
def init(
    folder: Path,
    origin: str | None,
    name: str | None,
    root_dir: Path | None,
    next_root_dir: Path | None,
    registrar_dir: Path | None,
    family_name: str | None,
    database: str | None,
    registrar: str,
    epoch: int,
    profiles: tuple[str, ...],
    successor_of: Path | None,
    root: Path | None,
    url: str | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Make a ledger in FOLDER: configuration, database, log keys, trust file.

    The root's and the registrar's keys are made with it, in folders of their own. Whoever takes
    FOLDER can then speak for the service, and cannot change who it is.
    """
    from ledger.custody.profiles import choose
    from ledger.log.home import Home

    if (successor_of is None) != (root is None):
        raise click.UsageError("--successor-of and --root go together.")
    if successor_of is not None:
        from ledger.log.predecessor import named_successor

        if family_name is not None:
            raise click.UsageError("The family is that of the ledger before, with its name.")
        origin = origin or named_successor(successor_of)
    home = Home.create(
        folder,
        origin=origin or _trial_origin(folder),
        name=name or _folder_name(folder),
        root_dir=root_dir or _beside(folder, "root"),
        next_root_dir=next_root_dir,
        registrar_dir=registrar_dir or _beside(folder, "registrar"),
        family_name=family_name,
        database=database,
        registrar_uri=registrar,
        passphrase=None if passphrase_file is None else read_passphrase(passphrase_file),
        epoch_s=epoch,
        url=url,
        now=int(time.time()),
        profiles=choose(profiles, "--profile"),
        successor_of=successor_of,
        root=None if root is None else load_signer(root, None),
    )
    roots = root_dir or _beside(folder, "root")
    registrar_folder = registrar_dir or _beside(folder, "registrar")
    facts = _facts(home, roots, next_root_dir or roots, registrar_folder)
    print_result(_text(facts), facts, as_json=as_json)


def without_password(url: str) -> str:
    """A database's URL as it may be shown."""
    return _PASSWORD.sub(r"\1:***@", url)


def _folder_name(folder: Path) -> str:
    return folder.absolute().name or "ledger"


def _beside(folder: Path, part: str) -> Path:
    return folder.with_name(f"{_folder_name(folder)}-{part}") if folder.name else Path(part)


def _trial_origin(folder: Path) -> str:
    """A name that no other log has: ``.internal`` is reserved for private use, and the digits keep
    two trials of the same name apart."""
    slug = re.sub(r"[^a-z0-9._-]+", "-", _folder_name(folder).lower()).strip("-.")[:64]
    return f"cellbook.internal/{slug or 'ledger'}-{os.urandom(4).hex()}"


def _facts(home: Home, root: Path, next_root: Path, registrar: Path) -> dict[str, Any]:
    config = home.config
    return {
        "folder": str(home.path),
        "database": without_password(config.database),
        "trust_file": str(home.trust_path),
        "root_dir": str(root),
        "next_root_dir": str(next_root),
        "registrar_dir": str(registrar),
        "registrar_key": str(registrar / "registrar.pem"),
        "url": config.url or f"http://{config.listen_host}:{config.listen_port}",
        "trust": trust_facts(*read_trust(home.trust_path)),
    }


def _text(facts: dict[str, Any]) -> str:
    folder, trust, url = (shlex.quote(facts[k]) for k in ("folder", "trust_file", "url"))
    registrar = shlex.quote(facts["registrar_key"])
    apart = facts["next_root_dir"] != facts["root_dir"]
    next_root = f"\n  next root   {facts['next_root_dir']}: to yet another place" if apart else ""
    return f"""\
A ledger was made: {facts["trust"]["name"]}
  origin      {facts["trust"]["origin"]}
  genesis     {facts["trust"]["genesis"]}
  folder      {facts["folder"]} (configuration, log keys; back it up)
  database    {facts["database"]}
  trust file  {facts["trust_file"]} (hand it to everybody who verifies)
              SHA-256 {facts["trust"]["sha256"]}
  root keys   {facts["root_dir"]}: move this folder to another medium now; it is needed
              for a new policy only{next_root}
  registrar   {facts["registrar_dir"]}: keep it where operators are registered, not with the service

Next:
  cellbook serve {folder}
  cellbook keygen maker.pem --save-passphrase
  cellbook operator request --key maker.pem --uri https://maker.example --name "Maker" \\
      --country CN --role maker --trust {trust} --out maker.request
  cellbook operator add maker.request --registrar {registrar} --url {url}"""
