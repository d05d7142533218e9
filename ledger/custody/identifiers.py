"""Names of batteries, models and operators: each thing has one URI, in one form.

The parsers of codes are in ``codes``, ``storage_codes``, ``gs1`` and ``companies`` and are offered
here. A name that is not in its one form is refused, never corrected: two spellings would be two
histories. The refusal names the right form where there is one. What people type and scan is read
by ``labels``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import msgspec

from keys.errors import CellbookError, declare
from ledger.custody.names.codes import Gbt34014 as Gbt34014
from ledger.custody.names.codes import parse_gbt34014 as parse_gbt34014
from ledger.custody.names.companies import Lei as Lei
from ledger.custody.names.companies import Uscc as Uscc
from ledger.custody.names.companies import parse_lei as parse_lei
from ledger.custody.names.companies import parse_uscc as parse_uscc
from ledger.custody.names.gs1 import GS1_HOST as GS1_HOST
from ledger.custody.names.gs1 import Gs1 as Gs1
from ledger.custody.names.gs1 import parse_gs1 as parse_gs1
from ledger.custody.names.storage_codes import Gbt45565 as Gbt45565
from ledger.custody.names.storage_codes import parse_gbt45565 as parse_gbt45565

NOT_CANONICAL = declare(
    "rejected.subject.not-canonical",
    "The subject is not written in its one canonical form.",
    "Write urn:cellbook:gbt34014: or urn:cellbook:gbt45565: and the code in capitals, or the GS1 "
    "Digital Link under https://id.gs1.org/, with nothing around it.",
)
UNKNOWN_SCHEME = declare(
    "unsupported.subject",
    "This version does not know batteries by identifiers of this scheme.",
    "Name the battery by its GB/T 34014 code, its GS1 identifier or its GB/T 45565 code: "
    "urn:cellbook:gbt34014:<code>, https://id.gs1.org/…, urn:cellbook:gbt45565:<code>.",
)
OPERATOR = declare(
    "rejected.operator.uri",
    "The text does not name an operator in a form that the ledger knows.",
    "Use urn:uscc:<18 characters>, urn:lei:<20 characters>, https://<host>[/<path>], "
    "did:<method>:<id> or urn:cellbook:authority:<name>.",
)
MODEL = declare(
    "malformed.model",
    "A model id or version has characters that its URI cannot carry.",
    "Use 1 to 64 of the letters A to Z and a to z, digits, dot, hyphen and underscore.",
)

Level = Literal["pack", "module", "cell"]

GBT34014, GBT45565, GS1 = "gbt34014", "gbt45565", "gs1"
BATTERY_PREFIX = f"urn:cellbook:{GBT34014}:"
STORAGE_PREFIX = f"urn:cellbook:{GBT45565}:"
BATTERY_NAMES = (BATTERY_PREFIX, STORAGE_PREFIX, GS1_HOST)
"""With one of these a battery's name begins."""
MODEL_PREFIX = "urn:cellbook:model:"
LONGEST_URI = 512

_LOWER, _DIGITS = "abcdefghijklmnopqrstuvwxyz", "0123456789"
_HOST = _LOWER + _DIGITS + "-"
_NAME = _HOST + "."
_MODEL = _LOWER + _LOWER.upper() + _DIGITS + ".-_"
_DID = _MODEL + ":%"
_PATH = _MODEL + "~!$&'()*+,;=:@"
_LEVELS: dict[str, Level] = {"P": "pack", "M": "module", "C": "cell"}


class BatterySubject(msgspec.Struct, frozen=True):
    """A battery's name in the log. ``scheme`` and ``code`` are what an event's identifier says.

    ``serial`` tells the battery from its like. ``validated`` is False where the syntax of the code
    is not known; then nothing but its characters was looked at.
    """

    uri: str
    scheme: str
    code: str
    serial: str
    level: Level | None = None
    validated: bool = True


def battery_uri(code: str) -> str:
    """The subject of the battery with the GB/T 34014 ``code``. Raises ``malformed.code.*``."""
    return BATTERY_PREFIX + parse_gbt34014(code).code


def identifier_uri(scheme: str, value: str) -> str:
    """The subject that an event's identifier stands for; not checked to be canonical.

    The value of a ``gs1`` identifier is its canonical Digital Link, and thus the subject itself.
    """
    if scheme == GS1 and value.startswith(GS1_HOST):
        return value
    return f"urn:cellbook:{scheme}:{value}"


def code_of(uri: str) -> str:
    """The code in a battery's name, for people; of others the URI as it is."""
    for prefix in (BATTERY_PREFIX, STORAGE_PREFIX):
        if uri.startswith(prefix):
            return uri[len(prefix) :]
    return uri


def parse_subject(uri: str) -> BatterySubject:
    """The battery that ``uri`` names.

    ``level`` is what the code states, None where codes of the scheme state none; whether the maker
    declares the same is rule ID-2. Raises ``rejected.subject.not-canonical`` (naming the canonical
    form where it is another spelling of one), ``malformed.code.*``, ``malformed.gs1.*``,
    ``rejected.gs1.serial`` and ``unsupported.subject``. Whether such a battery is registered, or
    this is only one of its further identifiers, is not checked.
    """
    if type(uri) is not str or len(uri) > LONGEST_URI:
        raise UNKNOWN_SCHEME.at("subject", f"not text of at most {LONGEST_URI} characters")
    return _subject(uri)


@lru_cache(maxsize=4_096)
def _subject(uri: str) -> BatterySubject:
    try:
        if uri.startswith(BATTERY_PREFIX):
            code = parse_gbt34014(uri[len(BATTERY_PREFIX) :])
            return BatterySubject(uri, GBT34014, code.code, code.serial, _LEVELS[code.level])
        if uri.startswith(STORAGE_PREFIX):
            other = parse_gbt45565(uri[len(STORAGE_PREFIX) :])
            return BatterySubject(uri, GBT45565, other.code, other.code[-7:], validated=False)
        if uri.startswith(GS1_HOST):
            return _gs1_subject(uri)
    except CellbookError as error:
        raise _other_name(uri) or error from None
    raise _other_name(uri) or UNKNOWN_SCHEME.at("subject", repr(uri)[:80])


def _gs1_subject(uri: str) -> BatterySubject:
    known = parse_gs1(uri)
    if known.uri != uri:
        raise _not_canonical(uri, known.uri)
    return BatterySubject(uri, GS1, uri, known.serial)


def _not_canonical(uri: str, right: str) -> CellbookError:
    return NOT_CANONICAL.at("subject", f"{uri!r:.80} should be {right}", canonical=right)


def _other_name(uri: str) -> CellbookError | None:
    """The refusal of another spelling of a subject, with the right one; None for other names."""
    from unicodedata import normalize

    plain = "".join(normalize("NFKC", _unescaped(uri)).split()).upper()
    code = plain.rpartition(":")[2].rpartition("/")[2]
    for right_form in (_gs1_uri, battery_uri, _storage_uri):
        try:
            right = right_form(uri if right_form is _gs1_uri else code)
        except CellbookError:
            continue
        return None if right == uri else _not_canonical(uri, right)
    ours = (BATTERY_PREFIX, STORAGE_PREFIX)
    if not plain.startswith(tuple(map(str.upper, ours))) or uri.startswith(ours):
        return None
    return NOT_CANONICAL.at("subject", repr(uri)[:80])


def _storage_uri(code: str) -> str:
    return STORAGE_PREFIX + parse_gbt45565(code).code


def _gs1_uri(uri: str) -> str:
    return parse_gs1(uri.removeprefix(f"urn:cellbook:{GS1}:")).uri


def _unescaped(text: str) -> str:
    """``text`` with its percent-escapes of ASCII characters undone."""
    first, *others = text.split("%")
    for part in others:
        digits = part[:2]
        escape = len(digits) == 2 and all(c in "0123456789abcdefABCDEF" for c in digits)
        first += chr(int(digits, 16)) + part[2:] if escape else "%" + part
    return first


def model_uri(model_id: str, version: str) -> str:
    """The subject of the statement about a model version. Raises ``malformed.model``."""
    for part in (model_id, version):
        if not _consists_of(part, _MODEL, 64):
            raise MODEL.at("model", repr(part)[:80])
    return f"{MODEL_PREFIX}{model_id}:{version}"


def is_model_uri(uri: str) -> bool:
    """Whether ``uri`` is one that ``model_uri`` makes."""
    model_id, colon, version = uri[len(MODEL_PREFIX) :].partition(":")
    parts_fit = _consists_of(model_id, _MODEL, 64) and _consists_of(version, _MODEL, 64)
    return uri.startswith(MODEL_PREFIX) and bool(colon) and parts_fit


def parse_operator_uri(uri: str, where: str = "operator") -> str:
    """``uri`` itself, once it is an operator's or an authority's name in its one form.

    USCC and LEI have right check characters; a host is in lower case, without port, user, query,
    fragment, percent-escapes and empty path segments. Raises ``rejected.operator.uri``. That such
    an operator exists, or is registered here, is not checked.
    """
    if type(uri) is not str or len(uri) > LONGEST_URI:
        raise OPERATOR.at(where, f"not text of at most {LONGEST_URI} characters")
    fault = _operator_fault(uri)
    if fault:
        raise OPERATOR.at(where, f"{uri!r:.80}: {fault}")
    return uri


@lru_cache(maxsize=4_096)
def _operator_fault(uri: str) -> str:
    scheme, _, rest = uri.partition(":")
    if scheme == "https":
        return _https_fault(rest)
    if scheme == "did":
        method, _, specific = rest.partition(":")
        known = _consists_of(method, _LOWER + _DIGITS, 64) and _consists_of(specific, _DID, 448)
        return "" if known and not specific.endswith(":") else "not did:<method>:<id>"
    if uri.startswith("urn:cellbook:authority:"):
        fits = _consists_of(uri[len("urn:cellbook:authority:") :], _NAME, 128)
        return "" if fits else "a name has small letters, digits, dots and hyphens"
    for prefix, parse in (("urn:uscc:", parse_uscc), ("urn:lei:", parse_lei)):
        if uri.startswith(prefix):
            try:
                parse(uri[len(prefix) :])
            except CellbookError as error:
                return error.detail
            return ""
    return "an unknown scheme, or not in small letters"


def _https_fault(rest: str) -> str:
    if not rest.startswith("//"):
        return "https: needs //"
    host, slash, path = rest[2:].partition("/")
    labels = host.split(".")
    if len(host) > 253 or any(not _consists_of(label, _HOST, 63) for label in labels):
        return "the host is not one in small letters, without user and port"
    if any(label.startswith("-") or label.endswith("-") for label in labels):
        return "a part of the host begins or ends with a hyphen"
    for segment in path.split("/") if slash else ():
        if segment in (".", "..") or not _consists_of(segment, _PATH, LONGEST_URI):
            return "the path has an empty, dotted or escaped part, a query or a fragment"
    return ""


def _consists_of(text: str, characters: str, longest: int) -> bool:
    """Whether ``text`` has 1 to ``longest`` characters, all of them among ``characters``."""
    return 0 < len(text) <= longest and not text.strip(characters)
