"""``cellbook search``: batteries and lists by what is known of them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import click

from cli.answers import FoundPage
from cli.output import Example, json_option, print_result
from keys.errors import declare
from ledger.custody.identifiers import code_of

SOURCE = declare(
    "usage.search.source",
    "It is not said, or said twice, where to search.",
    "Give --url for a service, or --home for a ledger's folder.",
)

KINDS = ("identifier", "serial", "passport", "batch", "operator", "list")


@click.command(
    epilog=Example(
        "cellbook search 0000001 --url https://log.example.org",
        'cellbook search "(01)09506000134352(21)4A6P0001" --kind identifier --home shop',
        "cellbook search 91440300MA5FKPKM1T --kind operator --limit 20 --home shop",
    )
)
@click.argument("query")
@click.option("--kind", type=click.Choice(KINDS), help="Search by this alone. [default: by all]")
@click.option("--url", help="Address of the service.")
@click.option(
    "--home",
    type=click.Path(path_type=Path),
    help="Folder of the ledger instead; no service needs to run.",
)
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="Size of a page."
)
@click.option("--after", metavar="SUBJECT", help="Go on after the last subject of a page.")
@json_option
def search(
    query: str,
    kind: str | None,
    url: str | None,
    home: Path | None,
    limit: int,
    after: str | None,
    as_json: bool,
) -> None:
    """Search for batteries, and lists, by a whole value.

    QUERY is an identifier in any form, a serial number, a passport id, a batch id, an operator (by
    URI, USCC or LEI), or the scheme or announcement of a list. What is found is the service's word:
    a battery's dossier proves it.
    """
    if (url is None) == (home is None):
        raise SOURCE.at("cellbook search")
    if home is None:
        page = _by_service(url or "", query, kind, after, limit)
    else:
        page = _in_folder(home, query, kind, after, limit)
    facts = {
        "hits": [{"subject": hit.subject, "kinds": list(hit.kinds)} for hit in page.hits],
        "after": page.after,
    }
    print_result(_text(page), facts, as_json=as_json)


def _by_service(url: str, query: str, kind: str | None, after: str | None, limit: int) -> FoundPage:
    from cli.remote import Remote

    asked: dict[str, Any] = {"q": query, "kind": kind, "after": after, "limit": str(limit)}
    with Remote(url) as remote:
        return remote.search({name: value for name, value in asked.items() if value is not None})


def _in_folder(
    folder: Path, query: str, kind: str | None, after: str | None, limit: int
) -> FoundPage:
    from cli.answers import FoundHit
    from ledger.log.home import Home
    from ledger.log.reading.searching import search as search_store

    with closing(Home.open(folder).open_store()) as store:
        page = search_store(store, query, kind, after, limit)
    return FoundPage(tuple(FoundHit(hit.subject, hit.kinds) for hit in page.hits), page.after)


def _text(page: FoundPage) -> str:
    if not page.hits:
        return "nothing was found: whole values are compared, so compare yours with the label"
    names = [(", ".join(hit.kinds), code_of(hit.subject)) for hit in page.hits]
    width = max(len(kinds) for kinds, _ in names)
    lines = [f"{kinds:{width}}  {name}" for kinds, name in names]
    if page.after is not None:
        lines.append(f"there are more: --after {page.after}")
    return "\n".join(lines)
