"""Where an operator is asked about: a service, or a ledger's folder."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import msgspec

from keys.errors import declare
from ledger.wire.base64text import encode_base64url

ANSWER = declare(
    "unavailable.service.operator",
    "The service's answer about an operator is none.",
    "Check the URL; if it is right, report it to whoever runs the service.",
)

MAX_FILE = 32 << 20
_MAX_JSON = 1 << 20


class ShownKey(msgspec.Struct, frozen=True):
    """A key, by the word of who shows it."""

    kid: str
    purposes: tuple[str, ...]
    added: int
    revoked: int | None
    compromised_since: int | None


class ShownUnit(msgspec.Struct, frozen=True):
    """A unit of the sample, by the word of who shows it."""

    subject: str
    physical: str
    held: bool
    quarantined: bool
    missing: bool
    disputes: int


class ShownFacility(msgspec.Struct, frozen=True):
    """A place where the operator works, by the word of who shows it."""

    id: str
    country: str
    name: str | None
    address: str | None


class ShownCounts(msgspec.Struct, frozen=True):
    """What became of its units, by the calculation of who shows it."""

    taken_in: int
    repurposed: int
    recycled: int
    in_stock: int
    quarantined: int
    missing: int
    open_disputes: int


class ShownOperator(msgspec.Struct, frozen=True):
    """An operator, by the word of who shows it."""

    operator: str
    word: str
    name: str
    country: str
    roles: tuple[str, ...]
    maker_codes: tuple[str, ...]
    gs1_prefixes: tuple[str, ...]
    facilities: tuple[ShownFacility, ...]
    registered: int
    removed: int | None
    keys: tuple[ShownKey, ...]
    activity: str
    counts: ShownCounts
    units: int
    more: bool
    seed: str
    sample: tuple[ShownUnit, ...]


def by_service(url: str, operator: str, day: str) -> tuple[ShownOperator, bytes]:
    """What the service at ``url`` shows, and its supplier file, which is not verified."""
    from cli.remote import Remote

    path = f"/operators/{encode_base64url(operator.encode())}"
    with Remote(url) as remote:
        shown = remote.fetch(path, _MAX_JSON)
        data = remote.fetch(f"{path}/file", MAX_FILE, day=day)
    try:
        return msgspec.json.decode(shown, type=ShownOperator), data
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ANSWER.at(path, str(error)[:200]) from None


def in_folder(folder: Path, operator: str, day: str) -> tuple[ShownOperator, bytes]:
    """What the ledger in ``folder`` knows, and its supplier file."""
    from api.operator_views import operator_document
    from ledger.log.home import Home
    from ledger.log.ledger import Ledger

    opened = Home.open(folder)
    with closing(opened.open_store()) as store:
        ledger = Ledger(store, opened.signers(), clock=lambda: int(time.time()))
        ledger.start()
        with closing(ledger):
            document = operator_document(ledger.suppliers.view(operator))
            data = ledger.suppliers.file(operator, day)
    return msgspec.convert(msgspec.to_builtins(document), ShownOperator), data
