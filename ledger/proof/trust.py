"""The trust file: which ledger a verifier believes, and whom it takes its word from.

It is got once, by another way than the dossiers that it is to verify: whoever could send both could
send a ledger of his own. All other keys come from the policy chain inside the dossier.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from keys import cose_key
from keys.cose_key import CoseKey
from keys.errors import CellbookError, declare
from ledger.custody.governance.cosigners import check_cosigners, cosigners
from ledger.custody.names.naming import check_origin
from ledger.proof.quorum import AtLeast, Panel, panel_of
from ledger.wire.base64text import (
    decode_base64,
    decode_base64url,
    encode_base64,
    encode_base64url,
)

SHAPE = declare(
    "malformed.trust",
    "This is not a trust file of Cellbook.",
    "Get the trust file again from whoever vouches for the ledger.",
)
VERSION = declare(
    "unsupported.trust",
    "The trust file asks for something that this version cannot check.",
    "Use a newer version of Cellbook: to leave a condition out would make the check mean less.",
)

NEEDS = declare(
    "malformed.trust.quorum",
    "The trust file asks for what cannot be: a quorum of more than there are, or of nobody.",
    "Name witnesses and auditors by their vkeys, each once, and for both how many are enough.",
)

MAX_FILE = 65_536
MAX_AGE_DAYS = 36_500
_TYPE, _VERSION = "cellbook-trust", 1


Completeness = Literal["stated", "witnessed", "audited"]


class Trust(msgspec.Struct, frozen=True):
    """What a verifier believes of one ledger.

    ``genesis`` is the entry id of the log's first entry (32 bytes), ``root_key`` the key that
    signed it, ``minimum_policy`` the least number that a dossier's newest policy may have.
    ``completeness`` is by whose word nothing may be left out: the service's alone, with a quorum
    of ``witnesses``, or with one of ``auditors`` as well. ``max_age_days`` is how old a file may
    be; None for any age.
    """

    name: str
    origin: str
    genesis: bytes
    family: str
    root_key: CoseKey
    minimum_policy: int
    completeness: Completeness = "stated"
    witnesses: Panel | None = None
    auditors: Panel | None = None
    max_age_days: int | None = None


_Vkeys = Annotated[tuple[str, ...], Meta(max_length=32)]
_Quorum = Annotated[int, Meta(ge=1, le=32)]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file as it is written. Conditions of later versions are fields of their own, and
    refused here, so that no old version passes over them."""

    type: Literal["cellbook-trust"]
    version: int
    name: Annotated[str, Meta(min_length=1, max_length=256)]
    origin: str
    genesis: str
    family: Annotated[str, Meta(min_length=1, max_length=256)]
    root_key: str
    minimum_policy: Annotated[int, Meta(ge=0, lt=2**31)]
    completeness: Completeness = "stated"
    witnesses: _Vkeys = ()
    witness_quorum: _Quorum | None = None
    auditors: _Vkeys = ()
    auditor_quorum: _Quorum | None = None
    max_age_days: Annotated[int, Meta(ge=1, le=MAX_AGE_DAYS)] | None = None


def load_trust(data: bytes) -> Trust:
    """The trust file in ``data`` (TOML in UTF-8).

    Raises ``malformed.trust``, ``malformed.trust.quorum``, ``malformed.origin``,
    ``malformed.key.*``, ``rejected.key.*``, ``unsupported.trust`` for another version or a field
    that this one does not know. Whether it is the right file is what its reader decides. A file
    that asks for witnesses may leave it to a tlog-policy who they are.
    """
    file = _read(data)
    try:
        genesis = decode_base64url(file.genesis)
        root_key = cose_key.from_cbor(decode_base64(file.root_key))
    except ValueError as error:
        raise SHAPE.at("trust file", str(error)) from None
    if len(genesis) != 32:
        raise SHAPE.at("trust file, genesis", f"{len(genesis)} bytes")
    check_origin(file.origin)
    if not file.name.isprintable():
        raise SHAPE.at("trust file, name", "characters that cannot be printed")
    witnesses, auditors = _panels(file)
    return Trust(
        name=file.name,
        origin=file.origin,
        genesis=genesis,
        family=file.family,
        root_key=root_key,
        minimum_policy=file.minimum_policy,
        completeness=file.completeness,
        witnesses=witnesses,
        auditors=auditors,
        max_age_days=file.max_age_days,
    )


def _panels(file: _File) -> tuple[Panel | None, Panel | None]:
    """The witnesses and the auditors. Raises ``malformed.trust.quorum``."""
    try:
        check_cosigners(cosigners((*file.witnesses, *file.auditors)), (), "trust file")
        witnesses = _panel("witness", file.witnesses, file.witness_quorum)
        auditors = _panel("auditor", file.auditors, file.auditor_quorum)
    except CellbookError as error:
        raise NEEDS.at("trust file", error.detail or error.error.meaning) from error
    if file.completeness == "audited" and auditors is None:
        raise NEEDS.at("trust file", "completeness is to be audited, by no auditor")
    return witnesses, auditors


def _panel(role: str, vkeys: tuple[str, ...], quorum: int | None) -> Panel | None:
    if not vkeys and quorum is None:
        return None
    if quorum is None or quorum > len(vkeys):
        asked = "no" if quorum is None else str(quorum)
        raise NEEDS.at(f"{role}_quorum", f"{role}_quorum: {asked} of {len(vkeys)}")
    return panel_of(cosigners(vkeys), quorum)


def dump_trust(trust: Trust) -> bytes:
    """The bytes of a trust file; ``load_trust`` gives ``trust`` back.

    Raises ``ValueError`` for witnesses of a tlog-policy, whose quorum no trust file can say.
    """
    rows: list[tuple[str, str | int | list[str]]] = [
        ("type", _TYPE),
        ("version", _VERSION),
        ("name", trust.name),
        ("origin", trust.origin),
        ("genesis", encode_base64url(trust.genesis)),
        ("family", trust.family),
        ("root_key", encode_base64(trust.root_key.to_cbor())),
        ("minimum_policy", trust.minimum_policy),
        ("completeness", trust.completeness),
        *_panel_rows("witnesses", "witness_quorum", trust.witnesses),
        *_panel_rows("auditors", "auditor_quorum", trust.auditors),
    ]
    if trust.max_age_days is not None:
        rows.append(("max_age_days", trust.max_age_days))
    # JSON's strings, integers and lists of strings are TOML's.
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in rows]
    return (_HEADING + "".join(lines)).encode()


def _panel_rows(
    field: str, quorum_field: str, panel: Panel | None
) -> list[tuple[str, str | int | list[str]]]:
    if panel is None:
        return []
    if not isinstance(panel.quorum, AtLeast):
        raise ValueError(f"{field}: a quorum of another kind")
    vkeys = [verifier.vkey for verifier in panel.members.values()]
    return [(field, vkeys), (quorum_field, panel.quorum.number)]


def trust_digest(data: bytes) -> bytes:
    """SHA-256 of the file, by which two people compare that they hold the same one."""
    return sha256(data).digest()


_HEADING = """\
# Whom a verifier believes about this ledger. Get this file from somebody whom you trust, by
# another way than the dossiers, and compare its SHA-256 with him.
"""


def _read(data: bytes) -> _File:
    if len(data) > MAX_FILE:
        raise SHAPE.at("trust file", f"{len(data)} bytes, {MAX_FILE} allowed")
    try:
        values = msgspec.toml.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SHAPE.at("trust file", str(error)[:200]) from None
    _check_version(values)
    try:
        return msgspec.convert(values, _File)
    except msgspec.ValidationError as error:
        raise SHAPE.at("trust file", str(error)[:200]) from None


def _check_version(values: dict[str, object]) -> None:
    if values.get("type") != _TYPE or type(values.get("version")) is not int:
        raise SHAPE.at("trust file", "it does not begin with type and version")
    if values["version"] != _VERSION:
        raise VERSION.at("trust file", f"version {values['version']}"[:80])
    unknown = sorted(values.keys() - set(_File.__struct_fields__))
    if unknown:
        raise _unknown(unknown)


def _unknown(names: list[str]) -> CellbookError:
    return VERSION.at("trust file", ", ".join(repr(name)[:40] for name in names[:5]))
