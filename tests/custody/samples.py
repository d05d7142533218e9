"""One event of every kind, with as many fields as such an event has in practice."""

from __future__ import annotations

from typing import Any

from ledger.custody.events import (
    Accept,
    Assessment,
    Correction,
    Decommission,
    Dispute,
    Event,
    Evidence,
    Identifier,
    Incident,
    Install,
    Intake,
    Manufacture,
    Model,
    Reading,
    Recycle,
    Refuse,
    Relabel,
    Release,
    Repair,
    Repurpose,
    Resolution,
    Waste,
    Withdrawal,
)
from ledger.custody.events.afterlife import (
    Material,
    Recovery,
    Remainder,
    RepurposeInput,
    RepurposeOutput,
    Residue,
    SafetyEvidence,
    WasteEnded,
)
from ledger.custody.events.base import RegulatoryReport
from ledger.custody.events.life import (
    Bms,
    BmsAccess,
    DataInterface,
    EprNumber,
    Onboarding,
    PlacedOnMarket,
    ReplacedPart,
)
from ledger.custody.events.measured import Counters
from ledger.custody.events.model import Component, Declared
from ledger.custody.events.record import Recall, Recovered
from ledger.custody.events.tests import Accreditation, Resistance, Sale, SelfDischarge
from ledger.custody.events.transfer import Carriage, Customs, SalePapers, UsedAcrossBorder

PACK = "urn:cellbook:gbt34014:4A6PCPM27KLPCLE742946319"
CELL = "urn:cellbook:gbt34014:001CB240000003B3C0221953"
OTHER_CELL = "urn:cellbook:gbt34014:04QCB76836300JBC40000903"
SECOND_LIFE = "urn:cellbook:gbt34014:4A6PBPMG630000001RP"
MAKER = "urn:uscc:91350100M000100Y43"
BUYER = "urn:lei:5493001KJTIIGC8Y1R12"
REF = bytes(range(32))
DIGEST = b"\xd1" * 32
WHEN = "2026-06-03T10:00:00+08:00"
COMMON: dict[str, Any] = {"occurred_at": WHEN, "time_precision": "second", "country": "CN"}

MANUFACTURE = Manufacture(
    **COMMON,
    facility_id="CN-350900-01",
    source_ref="mes-000417",
    mandate=REF,
    on_behalf_of=MAKER,
    evidence=(
        Evidence(
            kind="eol-test",
            sha256=DIGEST,
            doc_no="EOL-417",
            doc_date="2026-06-03",
            media_type="application/pdf",
            size=81_204,
        ),
    ),
    regulatory_report=RegulatoryReport(
        platform="MIIT traceability",
        submission_no="R-1",
        reported_at="2026-06-04T09:00:00+08:00",
        receipt_sha256=DIGEST,
    ),
    ids=(
        Identifier(scheme="gbt34014", value="4A6PCPM27KLPCLE742946319"),
        Identifier(scheme="gs1-dl", value="https://id.gs1.org/01/09506000134352/21/7"),
    ),
    level="pack",
    model_ref="urn:cellbook:model:LF280K-48:3",
    batch_id="B-2026-154",
    made_on="2026-06-03",
    battery_category="industrial",
    stationary=True,
    responsible_operator=MAKER,
    passport_id="https://passport.example/4A6P",
    chemistry="LFP 磷酸铁锂",
    rated_capacity_mah=280_000,
    rated_energy_wh=14_336,
    nominal_voltage_mv=51_200,
    mass_g=102_500,
    children=(CELL, OTHER_CELL),
    bms=Bms(model="BM-4", hw="2.1", fw="5.0.3"),
    data_interface=DataInterface(
        protocol="CAN 2.0B",
        port="J3",
        read_only=True,
        credentials_needed=False,
        parameters=("soc", "soh", "full_cycles"),
        document_sha256=DIGEST,
    ),
    placed_on_market=PlacedOnMarket(region="EU", date="2026-07-01"),
    epr_numbers=(EprNumber(country="DE", number="12345678"),),
)

ONBOARDED = Manufacture(
    **COMMON,
    facility_id="CN-350900-01",
    ids=(Identifier(scheme="gbt34014", value="001CB240000003B3C0221953"),),
    level="cell",
    onboarding=Onboarding(
        known_since="2026-05-01",
        source="label and delivery note",
        reason="made before the ledger was kept",
        label_photo_sha256=DIGEST,
    ),
)

COUNTED: dict[str, Any] = {
    "full_cycles": 1_204,
    "full_cycles_source": "bms",
    "energy_throughput_wh": 19_000_000,
    "charge_throughput_mah": 337_000_000,
    "extreme_temp_min": 95,
}

INSTALL = Install(
    **COMMON,
    **COUNTED,
    installed_on="2026-06-05",
    first_installation=True,
    host_kind="vehicle",
    application="bus",
    host_id="LZYTBGCW8G1000001",
    operation="re-use",
    assessment_ref=REF,
    host_odometer_km=12,
    fw="5.0.3",
)

DECOMMISSION = Decommission(
    **COMMON,
    **COUNTED,
    install_ref=REF,
    removed_on="2031-02-11",
    reason="range below need",
    host_kind="vehicle",
    host_id="LZYTBGCW8G1000001",
    host_odometer_km=412_000,
    bms_access=BmsAccess(result="ok", read_at=WHEN, tool="reader 3", protocol="UDS", fw="5.0.3"),
    soh_permille=821,
    soh_basis="bms",
    soc_permille=300,
    visual_damage="none",
    transport_condition="normal",
    deep_discharge_count=0,
    overcharge_count=0,
    log_sha256=DIGEST,
    scrap_certificate_no="SC-9",
)

ASSESSMENT = Assessment(
    **COMMON,
    facility_id="LAB-7",
    scope="children",
    units=(CELL,),
    purpose="repurposing",
    scheme="UL 1974",
    edition="2018",
    lab="Battery Laboratory 7",
    test_country="CN",
    accreditation=Accreditation(
        body="CNAS", number="L0001", scope="secondary cells", valid_to="2030-01-31"
    ),
    tested_from="2026-05-28",
    tested_to="2026-06-02",
    ambient_temp_dc=251,
    c_rate_milli=333,
    rest_minutes=60,
    ocv_mv=52_810,
    measured_capacity_mah=229_900,
    reference_capacity_mah=280_000,
    usable_energy_wh=11_771,
    soh_permille=821,
    soh_basis="capacity",
    soh_method="full discharge",
    soh_uncertainty_permille=8,
    soce_permille=815,
    resistance=Resistance(resistance_uohm=9_800, method="DC pulse 10 s", soc_permille=500),
    self_discharge=SelfDischarge(self_discharge_permille_month=21, window_hours=336),
    power_fade_permille=120,
    resistance_increase_permille=340,
    roundtrip_permille=948,
    insulation_kohm=5_000,
    cell_spread_mv=14,
    visual_check="no swelling, no corrosion",
    bms_check="no fault codes",
    history_source="BMS log and dossier",
    negative_events=(),
    full_cycles=1_204,
    full_cycles_source="bms",
    verdict="fit-with-limits",
    intended_use="stationary storage",
    limits="0.5 C, 0 to 40 °C",
    certificate_no="C-77",
    issued_on="2026-06-03",
    valid_until="2027-06-02",
    report_sha256=DIGEST,
    seller=Sale(related=False),
    tester="W. Li",
)

REPURPOSE = Repurpose(
    **COMMON,
    facility_id="REP-2",
    operation="repurposing",
    inputs=(RepurposeInput(id=PACK, assessment_ref=REF),),
    outputs=(
        RepurposeOutput(
            id=SECOND_LIFE,
            level="pack",
            category_after="industrial",
            passport_id="https://passport.example/R",
            model_ref="urn:cellbook:model:HOME-10:1",
            rated_capacity_mah=220_000,
            rated_energy_wh=11_264,
            nominal_voltage_mv=51_200,
            mass_g=98_000,
        ),
    ),
    remainder=(Remainder(lot="L-5", mass_g=4_500, reason="housing", destination="scrap metal"),),
    new_application="home storage",
    market="CN",
    responsible_operator=MAKER,
    bms_action="replaced",
    counters_before=Counters(full_cycles=1_204),
    parts_replaced=(ReplacedPart(part="BMS", removed="BM-4", fitted="BM-6"),),
    safety_evidence=(SafetyEvidence(standard="IEC 62619:2022", certificate_no="S-1"),),
    placed_on_market=PlacedOnMarket(region="CN", date="2026-06-20"),
    warranty_months=60,
)

RECYCLE = Recycle(
    **COMMON,
    facility_id="RC-1",
    lot_id="LOT-88",
    stage="final",
    process="hydrometallurgical",
    permit_no="P-12",
    units=(OTHER_CELL,),
    received_on="2026-05-20",
    completed_on="2026-06-03",
    inputs_count=412,
    inputs_root=DIGEST,
    mass_g=102_500,
    outputs=(Material(material="lithium carbonate", mass_g=3_100, destination="cathode maker"),),
    residues=(Residue(waste_code="19 10 04", mass_g=900, handler="handler 3"),),
    allocation_method="by mass",
    efficiency_permille=812,
    recovery=(Recovery(metal="lithium", recovered_permille=905),),
    destruction_certificate_no="D-1",
    destruction_certificate_sha256=DIGEST,
)

RELEASE = Release(
    **COMMON,
    transfer_id="T-1",
    units=(CELL,),
    shipment_id="S-1",
    moves=("possession", "ownership"),
    giver=MAKER,
    receiver=BUYER,
    released_at=WHEN,
    papers=SalePapers(
        invoice_no="I-1",
        invoice_sha256=DIGEST,
        contract_no="K-1",
        contract_sha256=DIGEST,
        incoterm="DAP",
    ),
    carriage=Carriage(un_number="UN3480", transport_condition="normal", packing_instruction="P903"),
    across_border=UsedAcrossBorder(
        destination="DE",
        not_waste_declaration_sha256=DIGEST,
        test_record_ref=REF,
        direct_reuse_statement_sha256=DIGEST,
        protection_sha256=DIGEST,
    ),
    customs=Customs(
        hs_code="8507.60", mrn="26DE1", gross_mass_g=120_000, count=2, importer="I", epr_no="1"
    ),
)

ACCEPT = Accept(
    **COMMON,
    transfer_id="T-1",
    release_ref=REF,
    units=(CELL,),
    accepted_at=WHEN,
    condition_on_arrival="undamaged",
)
REFUSE = Refuse(
    **COMMON, transfer_id="T-1", release_ref=REF, reason="swollen", condition_on_arrival="swollen"
)
INTAKE = Intake(
    **COMMON,
    transfer_id="T-2",
    reason="from a garage without a key",
    handed_over_by="garage",
    delivery_note_sha256=DIGEST,
)
WITHDRAWAL = Withdrawal(
    **COMMON, transfer_id="T-2026-9", release_ref=REF, reason="the sale was called off"
)
WASTE = Waste(
    **COMMON,
    action="ended",
    jurisdiction="EU",
    legal_basis="Art. 73",
    date="2026-06-03",
    holder="dismantler 4",
    responsible_operator=BUYER,
    waste_code="16 06 07*",
    scheme="GRS",
    movement_document="M-1",
    ended=WasteEnded(
        test_country="DE",
        test_record_sha256=DIGEST,
        invoice_or_contract_sha256=DIGEST,
        protection_sha256=DIGEST,
    ),
)
READING = Reading(
    **COMMON,
    **COUNTED,
    read_at=WHEN,
    protocol="SunSpec 802",
    fw="5.0.3",
    soh_permille=900,
    soh_basis="bms",
    soc_permille=512,
    bms_reset="replaced under warranty",
    log_sha256=DIGEST,
)
REPAIR = Repair(
    **COMMON,
    repaired_on="2026-06-03",
    reason="contactor",
    parts_replaced=(ReplacedPart(part="contactor"),),
    bms_action="reset",
    counters_before=Counters(full_cycles=700, extreme_temp_min=4),
    report_sha256=DIGEST,
)
RELABEL = Relabel(
    **COMMON,
    new_ids=(Identifier(scheme="gbt34014", value="X12MCPM27KLPCLX2M2382320"),),
    old_label="unreadable",
    reason="worn",
    label_photo_sha256=DIGEST,
)
INCIDENT = Incident(
    **COMMON,
    kind="recall",
    happened_at=WHEN,
    discovered_at=WHEN,
    severity="major",
    units=(CELL,),
    description="campaign",
    quarantine_place="hall 2",
    transport_condition="damaged",
    codes=("P0A7F",),
    photos_sha256=(DIGEST,),
    report_sha256=DIGEST,
    recall=Recall(campaign="R-26-4", issuer="maker", remedy="exchange"),
    authority_file_no="A-1",
)
RECOVERY = Incident(
    **COMMON,
    kind="recovery",
    happened_at=WHEN,
    discovered_at=WHEN,
    severity="minor",
    recovered=Recovered(identity_check="code and BMS serial", assessment_ref=REF),
)
CORRECTION = Correction(
    **COMMON, entry_ref=REF, kind="replace", reason="wrong date", replacement=DIGEST
)
DISPUTE = Dispute(**COMMON, entry_ref=REF, reason="never accepted", claim="the pack is here")
RESOLUTION = Resolution(
    **COMMON, entry_ref=REF, dispute_ref=DIGEST, arbiter=MAKER, outcome="upheld", reason="papers"
)
MODEL = Model(
    **COMMON,
    model_id="LF280K-48",
    model_version="3",
    battery_category="industrial",
    chemistry="LFP",
    substances=("LiFePO4", "graphite"),
    rated_capacity_mah=280_000,
    rated_energy_wh=14_336,
    mass_g=102_500,
    min_voltage_mv=40_000,
    nominal_voltage_mv=51_200,
    max_voltage_mv=58_400,
    power_w=7_000,
    initial_resistance_uohm=7_200,
    expected_cycles=6_000,
    c_rate_milli=500,
    roundtrip_permille=950,
    conformity_sha256=DIGEST,
    composition=(Component(part="cathode", substance="LiFePO4", share_permille=310),),
    part_numbers=("BM-4",),
    dismantling_sha256=DIGEST,
    safety_sha256=DIGEST,
    test_reports_sha256=(DIGEST,),
    carbon_footprint=Declared(status="pending"),
    due_diligence=Declared(status="declared", sha256=DIGEST),
)

EVENTS_BY_NAME: dict[str, Event] = {
    "manufacture": MANUFACTURE,
    "onboarded": ONBOARDED,
    "install": INSTALL,
    "decommission": DECOMMISSION,
    "assessment": ASSESSMENT,
    "repurpose": REPURPOSE,
    "recycle": RECYCLE,
    "release": RELEASE,
    "accept": ACCEPT,
    "refuse": REFUSE,
    "withdrawal": WITHDRAWAL,
    "intake": INTAKE,
    "waste": WASTE,
    "reading": READING,
    "repair": REPAIR,
    "relabel": RELABEL,
    "incident": INCIDENT,
    "recovery": RECOVERY,
    "correction": CORRECTION,
    "dispute": DISPUTE,
    "resolution": RESOLUTION,
    "model": MODEL,
}
