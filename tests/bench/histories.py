"""What registration costs when batteries have long histories: many readings of a few batteries."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from keys.signer import Signer
from ledger.custody.events import encode_event
from ledger.custody.values.times import format_moment
from ledger.wire.statement import TYP_EVENT, sign_statement
from tests.bench.inprocess import Cost, measured
from tests.bench.statements import subjects_of
from tests.log.building import World, operator_uri
from tests.log.lives import make_event

STEP = 86_400
"""Seconds between two readings of one battery: ASM-7 takes one a day."""
BEFORE = 2_000 * STEP
"""How long before now its history begins."""


def costs(world: World, batteries: int, events: int, window: int) -> tuple[Cost, Cost]:
    """Register ``events`` readings of each of ``batteries``; the cost of the first ``window``
    of each, and of the last."""
    owner, begun = world.operators["owner"].signer, world.clock() - BEFORE - STEP
    made = [_signed(world, owner, "manufacture", uri, begun) for uri in subjects_of(batteries)]
    with ThreadPoolExecutor(2) as threads:
        measured(world.ledger, threads, made)
        first = measured(world.ledger, threads, list(_readings(world, owner, 0, window, batteries)))
        middle = range(window, events - window, window)
        for start in middle:
            stop = min(start + window, events - window)
            measured(world.ledger, threads, list(_readings(world, owner, start, stop, batteries)))
        last = list(_readings(world, owner, events - window, events, batteries))
        return first, measured(world.ledger, threads, last)


def _readings(
    world: World, owner: Signer, start: int, stop: int, batteries: int
) -> Iterator[bytes]:
    begun = world.clock() - BEFORE
    for number in range(start, stop):
        for uri in subjects_of(batteries):
            yield _signed(world, owner, "reading", uri, begun + number * STEP)


def _signed(world: World, signer: Signer, kind: str, uri: str, moment: int) -> bytes:
    return sign_statement(
        signer,
        typ=TYP_EVENT,
        iss=operator_uri("owner"),
        sub=uri,
        aud=world.family,
        iat=moment,
        payload=encode_event(make_event(kind, uri, format_moment(moment, 480))),
    )
