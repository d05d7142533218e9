"""Policies of C2SP tlog-policy: which logs and witnesses are known, and how many must cosign.

A text of lines ``log``, ``witness``, ``group`` and one ``quorum``. Groups name only what stands
above them, and each name is a member once, so that groups are trees and a witness counts in one
place. Every line must be understood.
"""

from __future__ import annotations

import re
from collections.abc import Set

import msgspec

from keys.errors import CellbookError, declare
from ledger.wire.verifier import COSIGNATURE, ML_DSA_COSIGNATURE, PLAIN, Verifier

MAX_POLICY = 256 << 10
MAX_LINES = 4096
MAX_DEFINED = 256
"""Logs, and witnesses with groups. The specification wants 32 of each at least."""
MAX_DEPTH = 32
NONE = "none"
LOG_TYPES = (PLAIN, ML_DSA_COSIGNATURE)
"""Types of keys with which logs sign checkpoints (C2SP tlog-checkpoint)."""
_ALLOWED = bytes([0x09, 0x0A, *range(0x20, 0x7F), *range(0x80, 0x100)])
_SPACES = re.compile(r"[ \t]+")

SIZE = declare(
    "malformed.tlog-policy.size",
    "The policy of witnesses is too large, or its groups are nested too deeply.",
    "Keep what is needed: 256 KiB, 4096 lines, 256 logs, 256 witnesses and groups, 32 levels.",
)
LINE = declare(
    "malformed.tlog-policy.line",
    "A line of the policy of witnesses is not of the format.",
    "Write lines `log VKEY [URL]`, `witness NAME VKEY [URL]`, `group NAME all|any|K NAME...`, "
    "`quorum NAME` or `# comment`, and end each with a newline.",
)
NAME = declare(
    "malformed.tlog-policy.name",
    "A name in the policy of witnesses is not defined above, or is used twice.",
    "Define each name once, above its use, and let it be the member of one group only; `none` "
    "stands for no witness, and only behind `quorum`.",
)
KEY = declare(
    "malformed.tlog-policy.key",
    "A key in the policy of witnesses is there twice, or is not of its line's kind.",
    "Give logs keys of type 01 or 06, and witnesses keys of type 04 or 06; no key twice.",
)
QUORUM = declare(
    "malformed.tlog-policy.quorum",
    "The policy of witnesses has no quorum, or several.",
    "Write one line `quorum NAME`, or `quorum none`.",
)


class PolicyLog(msgspec.Struct, frozen=True):
    """A known log: its origin is ``verifier.name``."""

    verifier: Verifier
    url: str | None = None


class Quorum(msgspec.Struct, frozen=True):
    """At least ``threshold`` of ``members`` have cosigned: names of witnesses, or groups.

    ``quorum none`` has threshold 0 and no members.
    """

    threshold: int
    members: tuple[str | Quorum, ...]

    def is_met(self, cosigned: Set[str]) -> bool:
        """Whether it suffices that the witnesses of these names have cosigned."""
        met = sum(
            member in cosigned if isinstance(member, str) else member.is_met(cosigned)
            for member in self.members
        )
        return met >= self.threshold


class TlogPolicy(msgspec.Struct, frozen=True):
    """``witnesses`` by their names in the policy, which may differ from those of their keys, each
    with its URL if the policy gives one. A log's origin may be there under several keys."""

    logs: tuple[PolicyLog, ...]
    witnesses: dict[str, tuple[Verifier, str | None]]
    quorum: Quorum


def parse_tlog_policy(data: bytes) -> TlogPolicy:
    """The policy in ``data``; raises ``malformed.tlog-policy.*``.

    URLs are handed on as they stand. That a witness exists, or is independent of the log, is not
    checked.
    """
    reading = _Reading()
    for number, line in enumerate(_lines(data), 1):
        words = _SPACES.split(line.strip(" \t"))
        if not words[0] or words[0].startswith("#"):
            continue
        reading.take(f"line {number}", words)
    if reading.quorum is None:
        raise QUORUM.at("policy", "no line `quorum`")
    return TlogPolicy(tuple(reading.logs), reading.witnesses, reading.quorum)


def _lines(data: bytes) -> list[str]:
    if len(data) > MAX_POLICY or data.count(b"\n") > MAX_LINES:
        raise SIZE.at("policy", f"{len(data)} bytes")
    if data.translate(None, _ALLOWED):
        raise LINE.at("policy", "a control character")
    if data and not data.endswith(b"\n"):
        raise LINE.at("policy", "the last line has no newline")
    # Comments may have any bytes; names and keys that are not UTF-8 are refused where they stand.
    return data.decode("utf-8", "surrogateescape").split("\n")[:-1]


class _Reading:
    """What the lines so far have defined."""

    def __init__(self) -> None:
        self.logs: list[PolicyLog] = []
        self.witnesses: dict[str, tuple[Verifier, str | None]] = {}
        self.quorum: Quorum | None = None
        self._groups: dict[str, tuple[Quorum, int]] = {}
        self._keys: set[bytes] = set()
        self._members: set[str] = set()

    def take(self, where: str, words: list[str]) -> None:
        kind, rest = words[0], words[1:]
        _check_text(where, rest)
        if kind == "log" and 1 <= len(rest) <= 2:
            self._log(where, rest)
        elif kind == "witness" and 2 <= len(rest) <= 3:
            self._witness(where, rest)
        elif kind == "group" and len(rest) >= 3:
            self._group(where, rest[0], rest[1], rest[2:])
        elif kind == "quorum" and len(rest) == 1:
            self._quorum(where, rest[0])
        else:
            raise LINE.at(where, repr(kind)[:80])

    def _log(self, where: str, rest: list[str]) -> None:
        verifier = self._key(where, rest[0], LOG_TYPES)
        if len(self.logs) == MAX_DEFINED:
            raise SIZE.at(where, "too many logs")
        self.logs.append(PolicyLog(verifier, rest[1] if rest[1:] else None))

    def _witness(self, where: str, rest: list[str]) -> None:
        self._check_new(where, rest[0])
        verifier = self._key(where, rest[1], (COSIGNATURE, ML_DSA_COSIGNATURE))
        self.witnesses[rest[0]] = (verifier, rest[2] if rest[2:] else None)

    def _group(self, where: str, name: str, threshold: str, members: list[str]) -> None:
        self._check_new(where, name)
        if len(members) > MAX_DEFINED:
            raise SIZE.at(where, "too many members")
        for member in members:
            if member in self._members:
                raise NAME.at(where, f"{member} is a member already"[:200])
            self._members.add(member)
        parts = [self._defined(where, member) for member in members]
        depth = 1 + max(depth for _, depth in parts)
        if depth > MAX_DEPTH:
            raise SIZE.at(where, f"{depth} levels")
        quorum = Quorum(_threshold(where, threshold, len(parts)), tuple(part for part, _ in parts))
        self._groups[name] = (quorum, depth)

    def _quorum(self, where: str, name: str) -> None:
        if self.quorum is not None:
            raise QUORUM.at(where, "a second line `quorum`")
        if name == NONE:
            self.quorum = Quorum(0, ())
            return
        part, _ = self._defined(where, name)
        self.quorum = Quorum(1, (part,)) if isinstance(part, str) else part

    def _defined(self, where: str, name: str) -> tuple[str | Quorum, int]:
        if name in self.witnesses:
            return name, 0
        if name not in self._groups:
            raise NAME.at(where, f"{name} is not defined above"[:200])
        return self._groups[name]

    def _check_new(self, where: str, name: str) -> None:
        if name == NONE or name in self.witnesses or name in self._groups:
            raise NAME.at(where, f"{name} is taken"[:200])
        if len(self.witnesses) + len(self._groups) == MAX_DEFINED:
            raise SIZE.at(where, "too many witnesses and groups")

    def _key(self, where: str, vkey: str, types: tuple[int, ...]) -> Verifier:
        try:
            verifier = Verifier.parse(vkey)
        except CellbookError as error:
            raise KEY.at(where, error.describe()) from error
        if verifier.type not in types:
            raise KEY.at(where, f"signature type {verifier.type:02x}")
        # By the key alone: under two names it would still be one witness, counted twice.
        if verifier.key.raw in self._keys:
            raise KEY.at(where, f"the key of {verifier.name} is there already")
        self._keys.add(verifier.key.raw)
        return verifier


def _check_text(where: str, words: list[str]) -> None:
    try:
        " ".join(words).encode()
    except UnicodeEncodeError:
        raise LINE.at(where, "it is not UTF-8") from None


def _threshold(where: str, text: str, count: int) -> int:
    if text in ("any", "all"):
        return 1 if text == "any" else count
    if not re.fullmatch("[1-9][0-9]{0,3}", text) or int(text) > count:
        raise LINE.at(where, f"{text[:40]!r} of {count}")
    return int(text)
