"""Who may issue identifiers: maker codes and GS1 company prefixes, each of one operator at a time.

The registrar states them with the operator; each is claimed under a name of its own, as keys are,
so that a decision needs to read one state and not all operators. What is claimed becomes free when
its operator gives it up or is removed. Rule ID-8 compares new identifiers with the claims.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from keys.errors import CellbookError, declare
from ledger.custody.events import Event, Manufacture, Relabel, Repurpose
from ledger.custody.governance.statements import Governance, OperatorChanged, OperatorRegistered
from ledger.custody.identifiers import BATTERY_PREFIX, GS1_HOST, parse_gbt34014, parse_gs1
from ledger.custody.names.labels import look_alikes
from ledger.custody.states import CodeClaim, OperatorState, State

OWNED = declare(
    "rejected.operator.code",
    "A maker code or GS1 company prefix belongs to another operator, or is stated twice.",
    "Find out whose it is; the other operator must give it up first (`cellbook operator change`).",
)

_SHORTEST_PREFIX = 4


def maker_uri(code: str) -> str:
    """The name under which the three characters of a maker in GB/T 34014 codes are claimed."""
    return f"urn:cellbook:maker:{code}"


def prefix_uri(prefix: str) -> str:
    """The name under which a GS1 company prefix (4 to 12 digits) is claimed."""
    return f"urn:cellbook:gs1:{prefix}"


def claim_names(content: Governance) -> Iterator[str]:
    """The claims that must be read to decide a statement about an operator."""
    if isinstance(content, OperatorRegistered | OperatorChanged):
        yield from map(maker_uri, content.maker_codes or ())
        for prefix in content.gs1_prefixes or ():
            yield from _shorter(prefix)


def _shorter(prefix: str) -> Iterator[str]:
    """``prefix`` and all that it begins with: nobody is given a part of another's numbers."""
    for length in range(_SHORTEST_PREFIX, len(prefix) + 1):
        yield prefix_uri(prefix[:length])


def claim_codes(
    uri: str,
    before: OperatorState | None,
    makers: tuple[str, ...],
    prefixes: tuple[str, ...],
    states: Mapping[str, State],
) -> dict[str, State]:
    """The claims that change when ``uri`` has these codes from here on, and no others.

    Raises ``rejected.operator.code``. That a longer prefix is another's is not noticed.
    """
    names = [*map(maker_uri, makers), *map(prefix_uri, prefixes)]
    if len(set(names)) != len(names):
        raise OWNED.at("payload", "one code twice")
    for name in (*map(maker_uri, makers), *(n for prefix in prefixes for n in _shorter(prefix))):
        owner = owner_of(name, states)
        if owner not in (None, uri):
            raise OWNED.at("payload", f"{name} belongs to {owner}")
    given_up = [name for name in _held(before) if name not in names]
    claimed = [name for name in names if owner_of(name, states) is None]
    return {
        **{name: CodeClaim(owner=None) for name in given_up},
        **{name: CodeClaim(owner=uri) for name in claimed},
    }


def _held(operator: OperatorState | None) -> Iterator[str]:
    if operator is not None:
        yield from map(maker_uri, operator.maker_codes)
        yield from map(prefix_uri, operator.gs1_prefixes)


def owner_of(name: str, states: Mapping[str, State]) -> str | None:
    """Who has claimed ``name``; None for nobody."""
    claim = states.get(name)
    return claim.owner if isinstance(claim, CodeClaim) else None


def new_identifiers(event: Event) -> Iterable[str]:
    """The names that ``event`` gives to batteries; children have theirs from their own makers."""
    if isinstance(event, Manufacture):
        return [item.uri for item in event.ids]
    if isinstance(event, Relabel):
        return [item.uri for item in event.new_ids]
    return [item.id for item in event.outputs] if isinstance(event, Repurpose) else ()


def issuer_names(event: Event) -> Iterator[str]:
    """What must be read to judge the identifiers that ``event`` gives: claims, and look-alikes.
    Children may be named here first."""
    for uri in new_identifiers(event):
        yield from claims_on(uri)
        yield from look_alikes(uri)
    if isinstance(event, Manufacture):
        yield from dict.fromkeys(name for uri in event.children for name in claims_on(uri))


def claims_on(uri: str) -> tuple[str, ...]:
    """The names of which one must be claimed by whoever issues the identifier ``uri``.

    A company prefix has no known length, so every length is looked up. Empty for a second-life
    code, which may keep its first maker's characters (the standard's text does not say), for codes
    of schemes that are not validated, and for what is no code.
    """
    try:
        if uri.startswith(BATTERY_PREFIX):
            code = parse_gbt34014(uri[len(BATTERY_PREFIX) :])
            return () if code.second_life else (maker_uri(code.maker),)
        if uri.startswith(GS1_HOST):
            return tuple(map(prefix_uri, parse_gs1(uri).prefixes))
    except CellbookError:
        pass  # rule ID-1 has found it
    return ()
