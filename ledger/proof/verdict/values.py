"""What a verification established, as values: ``report`` prints them and ``export`` makes JSON.

A Verdict exists only for a genuine record: everything that would make the record doubtful was
raised before. Whether the battery meets the rules, and whether the label is this battery's, stands
in it.
"""

from __future__ import annotations

import msgspec

from ledger.custody.rules import Finding
from ledger.custody.rules.listing import Work
from ledger.custody.states import BatteryState
from ledger.proof.checks.vouching import NOT_CHECKED as NOT_CHECKED
from ledger.proof.checks.vouching import STATED as STATED
from ledger.proof.checks.vouching import Vouched
from ledger.proof.verdict.required import Required


class Record(msgspec.Struct, frozen=True):
    """The genuine part: ``size`` entries under ``root``, stated by the log at ``time`` (Unix
    seconds, its own clock). ``entries`` are those in the file, ``events`` those about batteries.

    ``signed_by`` is the vkey of the log's key under the checkpoint.
    ``completeness`` says by whose word nothing was left out, ``vouched`` who has cosigned.
    ``policy`` is the number of the newest policy in the file. ``ledger`` is what the reader's own
    trust file calls the ledger: nothing in the dossier vouches for that name. ``before`` are the
    logs that it follows (origin and size), the newest first: indexes below 0 count from their ends.
    """

    ledger: str
    origin: str
    genesis: bytes
    family: str
    size: int
    root: bytes
    time: int
    policy: int
    profiles: tuple[tuple[str, int], ...]
    entries: int
    events: int
    file_sha256: bytes
    completeness: str
    vouched: Vouched
    signed_by: str
    before: tuple[tuple[str, int], ...] = ()


class Signer(msgspec.Struct, frozen=True):
    """Who signed, by the registrar's word: its URI, registered name and country."""

    uri: str
    name: str
    country: str


class LifeEvent(msgspec.Struct, frozen=True):
    """One event of the battery, or of one whose history it rests on.

    ``battery`` is the statement's sub, ``of`` the battery of the record that it tells of: the
    dossier's own where it concerns that. ``occurred_at`` is the signer's claim, ``log_time`` (Unix
    seconds) the log's. ``remarks`` are short texts for people. ``forbidden_by`` are the rules of
    the policy in force for which registration must have refused it.
    """

    index: int
    entry_id: bytes
    kind: str
    battery: str
    of: str
    occurred_at: str
    log_time: int
    signer: Signer
    what: str
    remarks: tuple[str, ...]
    forbidden_by: tuple[str, ...]


class Profile(msgspec.Struct, frozen=True):
    """What the battery is, by what its makers signed. None: nobody stated it.

    Capacities in mAh, energies in Wh, masses in g, voltages in mV. ``predecessors`` are the
    batteries that it was made from. ``model_issuer`` is who stated the model; values from it are
    here only where that was the battery's maker.
    """

    level: str | None
    second_life: bool
    predecessors: tuple[str, ...]
    category: str | None = None
    chemistry: str | None = None
    model: str | None = None
    model_issuer: str | None = None
    rated_capacity_mah: int | None = None
    rated_energy_wh: int | None = None
    nominal_voltage_mv: int | None = None
    mass_g: int | None = None


class Health(msgspec.Struct, frozen=True):
    """The last assessment of the battery, or of what it was made from, as the laboratory signed it.

    Shares in permille, temperature in tenths of a degree Celsius, rate in thousandths of C.
    """

    battery: str
    index: int
    tested_to: str
    verdict: str
    soh_permille: int
    uncertainty_permille: int
    basis: str
    method: str
    ambient_temp_dc: int
    c_rate_milli: int
    measured_capacity_mah: int
    reference_capacity_mah: int
    usable_energy_wh: int | None
    valid_until: str | None
    scheme: str
    edition: str


class Label(msgspec.Struct, frozen=True):
    """Whether the code that was typed is one of the battery's; ``why`` says why it is not."""

    typed: str
    why: str | None

    @property
    def matches(self) -> bool:
        return self.why is None


class StatedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A digest (SHA-256) in the entry at ``index``. ``place`` is the field, such as ``evidence.1``
    or ``report_sha256``; what the issuer did not state is None."""

    index: int
    event: str
    place: str
    sha256: bytes
    kind: str | None = None
    size: int | None = None
    media_type: str | None = None


class Verdict(msgspec.Struct, frozen=True):
    """Everything that was established about ``subject`` at time ``at`` (Unix seconds).

    ``profiles`` are those by which the history was judged: the buyer's choice, else those of the
    newest policy. ``breaches`` are what registration refuses by them, ``remarks`` what it records.
    ``required`` says what became of each rule that the buyer requires. ``works`` are the events
    whose signers should be on a list, with what the lists in the file say of them. ``unchecked``
    says in sentences what nobody checked here: it is never a pass.
    """

    subject: str
    identifiers: tuple[str, ...]
    at: int
    record: Record
    battery: BatteryState
    profile: Profile
    health: Health | None
    life: tuple[LifeEvent, ...]
    breaches: tuple[Finding, ...]
    remarks: tuple[Finding, ...]
    label: Label | None
    unchecked: tuple[str, ...]
    operators: tuple[Signer, ...]
    documents: tuple[StatedDocument, ...]
    profiles: tuple[tuple[str, int], ...]
    required: tuple[Required, ...]
    works: tuple[Work, ...]

    def fails(self, *, strict: bool = False) -> bool:
        """Whether something was found false: a rule broken, another label, a required rule that
        does not hold; with ``strict`` a remark as well."""
        mismatch = self.label is not None and not self.label.matches
        broken = any(item.outcome == "broken" for item in self.required)
        return bool(self.breaches) or mismatch or broken or (strict and bool(self.remarks))

    @property
    def is_undecided(self) -> bool:
        """Whether a rule that the buyer requires could not be judged."""
        return any(item.outcome == "undecided" for item in self.required)
