"""What a new policy changes, in words: the root's holder reads this, and not keys in hex."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from ledger.custody.governance.statements import Policy


def policy_changes(before: Policy, after: Policy) -> Iterator[str]:
    """A line for each difference that ``policy publish`` can make; keys by URI and kid."""
    old, new = _named(before), _named(after)
    yield from (f"+ {line}" for line in new if line not in old)
    yield from (f"- {line}" for line in old if line not in new)
    yield from _numbers("profile", _versions(before), _versions(after))
    limits = (msgspec.structs.asdict(policy.limits) for policy in (before, after))
    yield from _numbers("limit", *limits)


def _named(policy: Policy) -> list[str]:
    """Whoever the policy names, by role."""
    from ledger.custody.governance.policy import key_of

    return [
        *(f"{one.role} {one.uri}, kid {key_of(one.key).kid.hex()}" for one in policy.authorities),
        *(f"witness {vkey}" for vkey in policy.witnesses),
        *(f"auditor {vkey}" for vkey in policy.auditors),
    ]


def _versions(policy: Policy) -> dict[str, int]:
    return {profile.name: profile.version for profile in policy.profiles}


def _numbers(what: str, old: dict[str, int], new: dict[str, int]) -> Iterator[str]:
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name):
            yield f"{what} {name}: {old.get(name, 'none')} becomes {new.get(name, 'none')}"
