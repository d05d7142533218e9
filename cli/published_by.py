"""``cellbook policy witnesses``: by which witnesses a log is published."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from cli.output import Example, json_option, print_result
from keys.errors import declare

FILE = declare(
    "usage.witnesses.file",
    "What was asked for is not what the ledger's folder holds.",
    "Write the file `witnesses.policy` first; with --none, remove it first.",
)


@click.command(
    epilog=Example(
        "cellbook policy witnesses --home shop", "cellbook policy witnesses --home shop --none"
    )
)
@click.option("--home", type=click.Path(path_type=Path), required=True, help="The ledger's folder.")
@click.option("--none", is_flag=True, help="Publish without witnesses from now on.")
@json_option
def witnesses(home: Path, none: bool, as_json: bool) -> None:
    """Publish the log by the file witnesses.policy of the ledger in HOME from now on.

    The database knows by which witnesses a log is published, and a host with others publishes
    nothing and does not start. To change them, put the new file on all hosts, run this on one, and
    restart the services. The first service that starts with such a file needs no command.
    """
    from ledger.log.home import WITNESSES_FILE, Home
    from ledger.log.publishing.agreed import policy_digest, take_into_use

    opened = Home.open(home)
    policy = opened.witnesses()
    if none is not (policy is None):
        there = "there is one" if none else "there is none"
        raise FILE.at(str(home / WITNESSES_FILE), there)
    with closing(opened.open_store()) as store:
        changed = take_into_use(store, policy)
    digest = policy_digest(policy)
    names = [] if policy is None else sorted(policy.witnesses)
    by = f"the quorum of {', '.join(names)}" if names else "nobody's leave"
    text = f"""\
{home}: checkpoints are published with {by}
  policy   {"none" if digest is None else digest.hex()}
  changed  {"yes: restart all services of this log" if changed else "no"}"""
    facts = {"witnesses": names, "digest": digest and digest.hex(), "changed": changed}
    print_result(text, {"folder": str(home), **facts}, as_json=as_json)
