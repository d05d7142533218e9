"""The file in which a key holder asks the registrar: who he is, his key, and proof that he has it.

Deterministic CBOR: ``{"type": "cellbook-operator-request", "version": 1, "family": …, "uri": …,
"key": COSE_Key, "purposes": […], "possession": signature}``, and for a first registration
``"name"``, ``"country"`` and ``"roles"``. The proof binds family, URI, purposes and key. It does
not bind name, country and roles: the registrar answers for those.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from keys import cose_key
from keys.errors import declare
from keys.possession import prove, verify_possession
from keys.purposes import EVENTS
from keys.signer import Signer
from ledger.custody.governance.base import CoseKeyBytes, Name, Uri
from ledger.custody.governance.statements import KeyAdded, KeyGrant, OperatorRegistered, Roles
from ledger.custody.identifiers import parse_operator_uri
from ledger.wire import cbor
from ledger.wire.limits import Limits

SHAPE = declare(
    "malformed.request",
    "This is not a key holder's request to the registrar.",
    "Make it with `cellbook operator request`.",
)
VERSION = declare(
    "unsupported.request",
    "This version does not read requests of this version.",
    "Use a newer version of Cellbook.",
)
FAMILY = declare(
    "rejected.request.family",
    "The request is for another family of logs.",
    "Have the key holder make it again with the trust file of this ledger.",
)
KEY_ONLY = declare(
    "rejected.request.particulars",
    "The request has no name, country and roles, so it can add a key only.",
    "Use `cellbook operator add-key`, or have it made again with --name, --country and --role.",
)

TYPE = "cellbook-operator-request"
LIMITS = Limits(size=16_384, depth=3, items=32, total=64)


class OperatorRequest(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A request as its file has it. ``family`` is the log family's id."""

    type: Literal["cellbook-operator-request"]
    version: Literal[1]
    family: Uri
    uri: Uri
    key: CoseKeyBytes
    purposes: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=8)]
    possession: Annotated[bytes, Meta(min_length=1, max_length=8192)]
    name: Name | None = None
    country: Annotated[str, Meta(pattern="^[A-Z]{2}$")] | None = None
    roles: Roles | None = None

    @property
    def grant(self) -> KeyGrant:
        """The key with its proof, as the registrar's statement carries it."""
        return KeyGrant(key=self.key, purposes=self.purposes, possession=self.possession)

    def registration(self) -> OperatorRegistered:
        """What the registrar signs for a new operator. Raises ``rejected.request.particulars``."""
        if self.name is None or self.country is None or self.roles is None:
            raise KEY_ONLY.at(self.uri)
        return OperatorRegistered(
            name=self.name, country=self.country, roles=self.roles, keys=(self.grant,)
        )

    def addition(self) -> KeyAdded:
        """What the registrar signs for one more key of an operator."""
        return KeyAdded(grant=self.grant)


def make_request(
    signer: Signer,
    uri: str,
    family: str,
    *,
    name: str | None = None,
    country: str | None = None,
    roles: Sequence[str] | None = None,
) -> bytes:
    """A request's bytes, with the proof by ``signer``. Raises ``malformed.request`` and
    ``rejected.operator.uri``."""
    parse_operator_uri(uri, "uri")
    purposes = (EVENTS,)
    fields = {
        "type": TYPE,
        "version": 1,
        "family": family,
        "uri": uri,
        "key": signer.key.to_cbor(),
        "purposes": purposes,
        "possession": prove(signer, uri, purposes, family),
        "name": name,
        "country": country,
        "roles": list(roles) if roles else None,
    }
    data = cbor.encode({key: value for key, value in fields.items() if value is not None})
    parse_request(data)
    return data


def parse_request(data: bytes) -> OperatorRequest:
    """The request in ``data``.

    Raises ``malformed.cbor.*``, ``malformed.request``, ``unsupported.request`` and
    ``rejected.operator.uri``. The proof is not checked.
    """
    value = cbor.decode(data, limits=LIMITS)
    if type(value) is not dict or value.get("type") != TYPE:
        raise SHAPE.at("request", "the type is missing")
    if type(value.get("version")) is int and value["version"] != 1:
        raise VERSION.at("request", f"version {value['version']!r}")
    try:
        request = msgspec.convert(value, OperatorRequest, builtin_types=(bytes,))
    except msgspec.ValidationError as error:
        raise SHAPE.at("request", str(error)[:200]) from None
    parse_operator_uri(request.uri, "request, uri")
    return request


def verify_request(request: OperatorRequest, family: str | None) -> None:
    """Verify that the key's holder made the request, for ``family`` if that is known.

    Raises ``rejected.request.family``, ``failed.possession`` and what a bad key raises. That the
    key holder is the operator that he names is for the registrar to find out.
    """
    if family is not None and request.family != family:
        raise FAMILY.at(request.uri, request.family)
    key = cose_key.from_cbor(request.key)
    verify_possession(key, request.possession, request.uri, request.purposes, request.family)
