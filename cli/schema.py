"""``cellbook schema KIND``: how an event is written, and templates of tables to import."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from cli.importing.template import columns_of, csv_template, mapping_template
from cli.output import WRITE, Example, json_option, print_json, print_result, printable
from cli.saving import save
from ledger.custody.events import EVENTS
from ledger.custody.schema import payload_schema

_KINDS = tuple(dict.fromkeys(kind for kind, _ in EVENTS))


@click.command(
    epilog=Example(
        "cellbook schema install",
        "cellbook schema manufacture --template csv",
        "cellbook schema manufacture --template mapping",
        "cellbook schema manufacture --template csv --out templates",
    )
)
@click.argument("kind", metavar="KIND", type=click.Choice(_KINDS))
@click.option(
    "--template",
    type=click.Choice(["csv", "mapping"]),
    help="Print an empty table with the columns of the kind, or a mapping file for it.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="With --template: write both, KIND.csv and KIND.toml, into this folder.",
)
@json_option
def schema(kind: str, template: str | None, out: Path | None, as_json: bool) -> None:
    """Print the JSON Schema of events of KIND, as people write them in JSON.

    Digests and references are hex or base64url there, and quantities integers in the unit of the
    field's name (x-unit). With --template it prints what `cellbook import` reads: an empty table,
    or a mapping file that names its columns. All three are made from the definition of the event.
    """
    if out is not None and template is None:
        raise click.UsageError("--out needs --template.")
    if template is None:
        found = payload_schema(kind)
        if as_json:
            print_json({"ok": True, "kind": kind, "schema": found})
        else:
            click.echo(printable(json.dumps(found, ensure_ascii=False, indent=2)))
    elif out is not None:
        _write(kind, out, as_json)
    else:
        made = csv_template(kind) if template == "csv" else mapping_template(kind)
        print_result(made.rstrip("\n"), _facts(kind), as_json=as_json)


def _write(kind: str, out: Path, as_json: bool) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WRITE.at(str(out), error.strerror or "") from None
    table, mapping = out / f"{kind}.csv", out / f"{kind}.toml"
    # With a mark, a spreadsheet opens the table in UTF-8.
    save(table, csv_template(kind).encode("utf-8-sig"))
    save(mapping, mapping_template(kind).encode())
    facts = {**_facts(kind), "files": [str(table), str(mapping)]}
    text = f"{table}\n{mapping}\nnext  cellbook import {table} --mapping {mapping} --help"
    print_result(text, facts, as_json=as_json)


def _facts(kind: str) -> dict[str, Any]:
    columns = [{"name": c.name, "need": c.need, "unit": c.field.unit} for c in columns_of(kind)]
    return {
        "kind": kind,
        "columns": columns,
        "csv": csv_template(kind),
        "mapping": mapping_template(kind),
    }
