"""The vectors of transfers, mandates and splits: a statement after a history."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keys.possession import prove
from keys.purposes import EVENTS
from ledger.custody.events.afterlife import Remainder
from ledger.custody.governance.mandates import (
    DeviceKey,
    Mandate,
    MandateGiven,
    MandateRevoked,
    encode_mandate,
)
from ledger.custody.governance.statements import Profile
from ledger.custody.names.parties import device_uri, guest_uri
from ledger.wire.statement import TYP_MANDATE, sign_statement
from tests.custody.history import START, Log, cose, genesis, operator_uri, signer_of
from tests.log.lives import _output, repurpose_input

FILE = Path(__file__).parent.parent / "vectors" / "custody.json"
VECTORS: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
BATTERIES: dict[str, str] = VECTORS["batteries"]
CASES: list[dict[str, Any]] = VECTORS["cases"]
OPERATORS = ("owner", "installer", "assessor", "authority", "buyer")


class Story:
    """A log, and the statements that steps of a vector stand for."""

    def __init__(self, profile: int) -> None:
        policy = genesis(profiles=(Profile(name="core", version=profile),))
        self.log = Log(*OPERATORS, policy=policy)
        self._first = len(self.log.taken)

    def signed(self, step: dict[str, Any]) -> bytes:
        """The statement of one step."""
        values = {name: self._resolved(value) for name, value in step.items()}
        self.log.minute = values.pop("log", self.log.minute + 1)
        if "mandate" in values:
            return self._mandate(**values)
        kind, battery = values.pop("kind"), BATTERIES[values.pop("battery")]
        _structures(values)
        self._sides(values)
        values.setdefault("at", self.log.minute)
        return self.log.event(kind, battery, **values)

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, list):
            return tuple(map(self._resolved, value))
        if isinstance(value, dict):
            return {name: self._resolved(item) for name, item in value.items()}
        if isinstance(value, str) and value.startswith("@"):
            return self.log.taken[self._first + int(value[1:])].entry_id
        if isinstance(value, str) and value.startswith("#"):
            return BATTERIES[value[1:]]
        return value

    def _sides(self, values: dict[str, Any]) -> None:
        """Who signs, for whom, and to whom: names in place of URIs and keys."""
        if to := values.pop("to", None):
            values["receiver"] = operator_uri(to)
        if name := values.pop("to_guest", None):
            values |= {"receiver": guest(name), "guest_key": cose(name)}
        if name := values.pop("guest", None):
            values |= {"signer": signer_of(name), "iss": guest(name)}
            if "receiver" in values:
                values["giver"] = guest(name)
        if name := values.pop("device", None):
            values |= {"signer": signer_of(name), "iss": device_uri(signer_of(name).key.kid)}
        if "under" in values:
            values["mandate"] = values.pop("under")
            values["on_behalf_of"] = operator_uri(values.pop("principal"))

    def _mandate(self, mandate: str, by: str, **values: Any) -> bytes:
        uri = operator_uri(by)
        content: Mandate
        if mandate == "revoke":
            content = MandateRevoked(mandate=values["of"], reason="over")
        else:
            content = self._given(uri, values)
        return sign_statement(
            signer_of(by),
            typ=TYP_MANDATE,
            iss=uri,
            sub=uri,
            aud=self.log.family,
            iat=START + 60 * self.log.minute,
            payload=encode_mandate(content),
        )

    def _given(self, principal: str, values: dict[str, Any]) -> MandateGiven:
        device, delegate = None, operator_uri(values["to"])
        if name := values.get("device"):
            proof = prove(signer_of(name), principal, (EVENTS,), self.log.family)
            device = DeviceKey(key=cose(name), possession=proof)
            delegate = device_uri(signer_of(name).key.kid)
        return MandateGiven(
            delegate=delegate,
            device=device,
            kinds=values["kinds"],
            valid_from=values["from"],
            valid_to=values["until"],
            batteries=values.get("batteries", ()),
        )


def _structures(values: dict[str, Any]) -> None:
    if "outputs" in values:
        values["outputs"] = tuple(map(output, values["outputs"]))
    if "inputs" in values:
        values["inputs"] = tuple(repurpose_input(*pair) for pair in values["inputs"])
    if "remainder" in values:
        values["remainder"] = msgspec.convert(values["remainder"], tuple[Remainder, ...])


def output(value: Any) -> Any:
    if isinstance(value, str):
        return _output(value)
    return msgspec.structs.replace(_output(value["id"]), children=value["children"])


def guest(name: str) -> str:
    return guest_uri(signer_of(name).key.kid)


@pytest.mark.parametrize("profile", [1, 2], ids=["core 1", "core 2"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_custody(case: dict[str, Any], profile: int) -> None:
    story = Story(profile)
    for step in case["history"]:
        story.log.take(story.signed(step))
    last = story.signed(case["event"])
    if case["error"] == "ok":
        story.log.take(last)
    else:
        assert story.log.refused(last) == case["error"]


def test_names_are_unique_and_say_why() -> None:
    assert len({case["name"] for case in CASES}) == len(CASES)
    assert all(case["why"] for case in CASES)
    manifest = json.loads(FILE.with_name("manifest.json").read_text("utf-8"))
    (row,) = [row for row in manifest["files"] if row["file"] == FILE.name]
    assert row["cases"] == len(CASES)
