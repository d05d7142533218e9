"""``cellbook event``: every kind from options and from JSON, and every way to say it wrongly."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest

from cli.event import KINDS, event
from cli.event_fields import Field, fields_of
from keys import keyfile
from keys.signer import SoftwareSigner, generate
from ledger.custody.events import Event, Identifier, Model, encode_event, parse_event
from ledger.custody.events.model import Declared
from ledger.custody.identifiers import battery_uri
from ledger.custody.values.quantities import format_quantity, unit_of_field
from ledger.custody.values.times import parse_moment
from ledger.wire.base64text import encode_base64url
from ledger.wire.statement import check_signature, parse_statement
from tests.cli.running import refused, run, run_json
from tests.cli.test_modules import check_light, loaded
from tests.log.building import World, operator_uri
from tests.log.lives import make_event, repurpose_input
from tests.log.writers import now
from tests.service import running_service

CODE = "4A6PCPM27KLPCLE742946319"
PACK = battery_uri(CODE)
WHEN = "2026-03-20T10:00:00+08:00"
FAMILY = "urn:cellbook:family:x"
ISSUER = "https://works.example"
REF = b"\xd1" * 32
EXTRA: dict[str, dict[str, Any]] = {
    "decommission": {"install_ref": REF},
    "accept": {"release_ref": REF},
    "refuse": {"release_ref": REF},
    "withdrawal": {"release_ref": REF},
    "release": {"giver": ISSUER, "receiver": "https://other.example"},
    "repurpose": {
        "inputs": (repurpose_input(PACK, REF),),
        "outputs": (battery_uri("4A6PBPMG632946319RP"),),
        "responsible_operator": ISSUER,
    },
    "relabel": {"new_ids": (Identifier(scheme="gbt34014", value="4A6PCPM27KLPCLE742946318"),)},
    "correction": {"entry_ref": REF},
    "dispute": {"entry_ref": REF},
    "resolution": {"entry_ref": REF, "arbiter": ISSUER},
}


@pytest.fixture(scope="module")
def signing(tmp_path_factory: pytest.TempPathFactory) -> tuple[SoftwareSigner, tuple[Any, ...]]:
    """A key, and the options with which its holder signs."""
    folder = tmp_path_factory.mktemp("keys")
    signer = generate()
    keyfile.save(folder / "key.pem", signer, "a long enough passphrase")
    keyfile.write_private(folder / "passphrase", b"a long enough passphrase\n")
    return signer, ("--key", folder / "key.pem", "--issuer", ISSUER, "--family", FAMILY)


def sample(kind: str) -> Event:
    if kind != "model":
        return make_event(kind, PACK, WHEN, **EXTRA.get(kind, {}))
    return Model(
        occurred_at=WHEN,
        time_precision="day",
        country="CN",
        model_id="LF280K-48",
        model_version="3",
        battery_category="industrial",
        chemistry="LFP",
        substances=("lithium iron phosphate", "copper"),
        rated_capacity_mah=280_000,
        min_voltage_mv=40_000,
        nominal_voltage_mv=51_200,
        max_voltage_mv=58_400,
        c_rate_milli=500,
        roundtrip_permille=943,
        carbon_footprint=Declared(status="pending"),
        due_diligence=Declared(status="declared", sha256=REF),
        test_reports_sha256=(REF, bytes(32)),
    )


def values(kind: str) -> dict[str, Any]:
    """The fields of a sample as JSON has them."""
    plain = msgspec.to_builtins(sample(kind), builtin_types=(bytes,))
    return {name: _jsonable(item) for name, item in plain.items() if name not in ("type",)}


def _jsonable(value: Any) -> Any:
    if isinstance(value, bytes):
        return encode_base64url(value)
    if isinstance(value, dict):
        return {name: _jsonable(item) for name, item in value.items()}
    return [_jsonable(item) for item in value] if isinstance(value, list | tuple) else value


def options(kind: str) -> Iterator[str]:
    """The same fields as options, quantities as people write them."""
    stated = values(kind)
    for field in fields_of(kind):
        if field.wire in stated:
            value = stated[field.wire]
            items = (value or [""]) if field.many else [value]
            for item in items:
                yield from (field.option, _written(field, item))


def _written(field: Field, item: Any) -> str:
    if isinstance(item, dict):
        return json.dumps(item)
    if isinstance(item, bool):
        return str(item).lower()
    unit = unit_of_field(field.wire)
    return format_quantity(item, unit) if unit and isinstance(item, int) else str(item)


def named(kind: str) -> tuple[str, ...]:
    return () if kind == "model" else ("--battery", CODE)


def test_every_kind_has_a_sample_and_no_option_has_two_meanings() -> None:
    context = click.Context(event)
    for kind in KINDS:
        command = event.get_command(context, kind)  # type: ignore[attr-defined]
        assert command is not None
        names = [name for p in command.params for name in p.opts]
        assert len(set(names)) == len(names), kind
        assert len({p.name for p in command.params}) == len(command.params), kind
        assert {field.option for field in fields_of(kind)} < set(names)
        assert sample(kind) is not None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["options", "json"])
def test_every_kind_is_signed_as_it_was_said(
    kind: str, form: str, tmp_path: Path, signing: tuple[SoftwareSigner, tuple[Any, ...]]
) -> None:
    signer, sign = signing
    out = tmp_path / "event.cose"
    file = tmp_path / "fields.json"
    file.write_text(json.dumps(values(kind)))
    said = ("--fields", file) if form == "json" else tuple(options(kind))
    facts = run_json("event", kind, *named(kind), *said, *sign, "--at", WHEN, "--out", out)
    signed = parse_statement(out.read_bytes())
    assert signed.payload == encode_event(sample(kind))
    check_signature(signed, signer.key)
    subject = "urn:cellbook:model:LF280K-48:3" if kind == "model" else PACK
    assert (signed.iss, signed.sub, signed.aud, signed.iat) == (
        ISSUER,
        subject,
        FAMILY,
        parse_moment(WHEN),
    )
    assert facts["entry"] == signed.locator
    assert (facts["subject"], facts["file"]) == (subject, str(out))


@pytest.mark.parametrize("kind", KINDS)
def test_help_lists_every_field_with_need_and_unit(kind: str) -> None:
    text = " ".join(run("event", kind, "--help").stdout.split())
    for field in fields_of(kind):
        assert f"{field.option} " in text, field
        if field.unit is not None:
            assert "quantity in" in text
    assert "Required" in text
    assert "Traceback" not in text


def install(*more: object, **changes: str | None) -> list[object]:
    """The arguments of an installation, with changed or left out options."""
    said = {
        "--battery": CODE,
        "--occurred-at": WHEN,
        "--time-precision": "minute",
        "--country": "CN",
        "--installed-on": "2026-03-20",
        "--first-installation": "true",
        "--host-kind": "vehicle",
        "--application": "bus",
        **{"--" + name.replace("_", "-"): value for name, value in changes.items()},
    }
    pairs = [(name, value) for name, value in said.items() if value is not None]
    return ["event", "install", *(word for pair in pairs for word in pair), *more]


@pytest.mark.parametrize(
    ("changes", "code", "exit_code", "names"),
    [
        ({"country": None}, "usage.event.missing", 2, "--country"),
        ({"time_precision": None}, "usage.event.missing", 2, "--time-precision"),
        ({"country": "China"}, "malformed.payload.field", 1, "country"),
        ({"country": "cn"}, "malformed.payload.country", 1, "country"),
        ({"installed_on": "20.3.2026"}, "malformed.payload.field", 1, "installed_on"),
        ({"installed_on": "2026-02-30"}, "malformed.date", 1, "installed_on"),
        ({"occurred_at": "2026-03-20"}, "malformed.payload.field", 1, "occurred_at"),
        ({"host_odometer_km": "48100"}, "malformed.quantity.unit", 1, "--host-odometer-km"),
        ({"host_odometer_km": "48100 kg"}, "malformed.quantity.unit", 1, "--host-odometer-km"),
        ({"host_odometer_km": "48,100 km"}, "malformed.quantity.separator", 1, "odometer"),
        ({"host_odometer_km": "1.5 m"}, "malformed.quantity.inexact", 1, "odometer"),
        ({"charge_throughput_mah": "-1 Ah"}, "malformed.quantity", 1, "--charge-throughput-mah"),
        ({"full_cycles": "12.5"}, "usage.event.value", 2, "--full-cycles"),
        ({"full_cycles": "12"}, "malformed.payload.field", 1, "full_cycles_source"),
        ({"assessment_ref": "abc"}, "usage.event.value", 2, "--assessment-ref"),
        ({"assessment_ref": "g" * 64}, "usage.event.value", 2, "--assessment-ref"),
        ({"evidence": "{"}, "usage.event.json", 2, "--evidence"),
        ({"evidence": '{"kind": "photo", "size": 1.5}'}, "usage.event.json", 2, "--evidence"),
        ({"evidence": '{"kind": "a", "kind": "b"}'}, "usage.event.json", 2, "twice"),
        ({"evidence": '{"kind": "photo", "sha": "x"}'}, "usage.event.value", 2, "'sha'"),
        ({"evidence": '{"kind": "photo"}'}, "malformed.payload.field", 1, "sha256"),
        ({"battery": None}, "usage.event.battery", 2, ""),
        ({"battery": CODE[:-1]}, "malformed.code.length", 1, "23"),
        ({"battery": "https://id.gs1.org/01/09506000134352"}, "rejected.gs1.serial", 1, "(21)"),
        ({"battery": "urn:cellbook:model:LF280K:3"}, "unsupported.subject", 3, "model"),
        ({"issuer": "works.example"}, "rejected.operator.uri", 1, "--issuer"),
        ({"family": None}, "usage.event.family", 2, ""),
        ({"at": "yesterday"}, "malformed.time", 1, "--at"),
        ({"host_kind": "ship"}, "usage.command-line", 2, "host-kind"),
    ],
)  # fmt: skip
def test_what_is_said_wrongly_is_named_and_not_signed(
    changes: dict[str, str | None],
    code: str,
    exit_code: int,
    names: str,
    tmp_path: Path,
    signing: tuple[SoftwareSigner, tuple[Any, ...]],
) -> None:
    key = signing[1][1]
    given = {"issuer": ISSUER, "family": FAMILY, **changes}
    out = tmp_path / "event.cose"
    printed = refused(code, *install("--key", key, "--out", out, **given), code=exit_code)
    assert names in printed
    assert not out.exists()


def test_stdout_holds_the_event_and_nothing_else(
    signing: tuple[SoftwareSigner, tuple[Any, ...]],
) -> None:
    result = run(*install(*signing[1], "--out", "-"))
    assert parse_statement(result.stdout_bytes).sub == PACK


def test_a_receipt_needs_a_service(
    tmp_path: Path, signing: tuple[SoftwareSigner, tuple[Any, ...]]
) -> None:
    args = install(*signing[1], "--out", tmp_path / "no", "--receipt", tmp_path / "no2")
    refused("usage.command-line", *args, code=2)
    assert list(tmp_path.iterdir()) == []


def test_nowhere_to_go_is_a_usage_error(signing: tuple[SoftwareSigner, tuple[Any, ...]]) -> None:
    refused("usage.event.nowhere", *install(*signing[1]), code=2)


def test_without_a_time_it_happened_now_to_the_second(
    tmp_path: Path, signing: tuple[SoftwareSigner, tuple[Any, ...]]
) -> None:
    out = tmp_path / "event.cose"
    before = int(time.time())
    result = run(*install(*signing[1], "--out", out, occurred_at=None, time_precision=None), code=0)
    signed = parse_statement(out.read_bytes())
    said = parse_event(signed.payload)
    assert before <= signed.iat <= time.time()
    assert parse_moment(said.occurred_at) == signed.iat
    assert said.time_precision == "second"
    assert f"signed at   {said.occurred_at} (this computer's clock" in result.stdout


def test_options_win_over_the_file(
    tmp_path: Path, signing: tuple[SoftwareSigner, tuple[Any, ...]]
) -> None:
    out, file = tmp_path / "event.cose", tmp_path / "fields.json"
    file.write_text(json.dumps({"application": "tram", "host_odometer_km": "1 km", "fw": "2"}))
    run(*install(*signing[1], "--fields", file, "--out", out, host_odometer_km="2 km"))
    said = msgspec.to_builtins(parse_event(parse_statement(out.read_bytes()).payload))
    assert (said["application"], said["host_odometer_km"], said["fw"]) == ("bus", 2, "2")


def test_the_file_may_come_from_stdin_and_name_its_kind(
    tmp_path: Path, signing: tuple[SoftwareSigner, tuple[Any, ...]]
) -> None:
    out = tmp_path / "event.cose"
    text = json.dumps({"type": "install", "version": 1, **values("install")})
    sign = signing[1]
    run("event", "install", *named("install"), *sign, "--fields", "-", "--out", out, stdin=text)
    assert parse_statement(out.read_bytes()).payload == encode_event(sample("install"))
    refused(
        "usage.event.json",
        *("event", "repair", *named("repair"), *sign, "--fields", "-", "--out", tmp_path / "no"),
        code=2,
        stdin=text,
    )


@pytest.mark.parametrize(
    "text", ["[]", "", "nought", '{"a": NaN}', '{"version": 2}', "[" * 100_000, "1" * 5_000]
)
def test_a_file_that_is_no_object_is_refused(
    text: str, tmp_path: Path, signing: tuple[SoftwareSigner, tuple[Any, ...]]
) -> None:
    file = tmp_path / "fields.json"
    file.write_text(text)
    args = install(*signing[1], "--fields", file, "--out", tmp_path / "no")
    assert str(file) in refused("usage.event.json", *args, code=2)


def test_an_event_that_names_another_battery_first_is_not_signed(
    tmp_path: Path, signing: tuple[SoftwareSigner, tuple[Any, ...]]
) -> None:
    file = tmp_path / "fields.json"
    file.write_text(json.dumps(values("repurpose")))
    other = CODE[:-1] + "8"
    refused(
        "rejected.subject.part",
        *("event", "repurpose", "--battery", other, "--fields", file, *signing[1]),
        *("--out", tmp_path / "no"),
        code=1,
    )


def test_the_file_is_not_replaced(
    tmp_path: Path, signing: tuple[SoftwareSigner, tuple[Any, ...]]
) -> None:
    out = tmp_path / "event.cose"
    run(*install(*signing[1], "--out", out))
    data = out.read_bytes()
    refused("usage.file.write", *install(*signing[1], "--out", out), code=2)
    assert out.read_bytes() == data
    assert [file.name for file in tmp_path.iterdir()] == ["event.cose"]


def test_a_file_is_written_without_http_and_database(
    tmp_path: Path, signing: tuple[SoftwareSigner, tuple[Any, ...]]
) -> None:
    args = install(*signing[1], "--out", tmp_path / "event.cose")
    check_light(loaded(tmp_path, *args), "event")


def test_submitting_registers_it_and_keeps_the_receipt(tmp_path: Path) -> None:
    with World(tmp_path, clock=now, operators=("maker",)) as world:
        signer, trust = world.operators["maker"].signer, world.home.trust_path
        assert isinstance(signer, SoftwareSigner)
        keyfile.save(tmp_path / "key.pem", signer, "a long enough passphrase")
        (tmp_path / "fields.json").write_text(json.dumps(values("manufacture")))
        receipt = tmp_path / "made.receipt"
        args = (
            *("event", "manufacture", "--battery", CODE, "--fields", tmp_path / "fields.json"),
            *("--key", tmp_path / "key.pem", "--issuer", operator_uri("maker"), "--trust", trust),
        )
        env = {"CELLBOOK_PASSPHRASE": "a long enough passphrase"}
        with running_service(world.home.path) as service:
            args = (*args, "--url", service.url)
            facts = run_json(*args, "--receipt", receipt, "--at", WHEN, **env)
            assert facts["location"] == f"{service.url}/entries/{facts['entry']}"
            assert facts["duplicate"] is False
            again = run(*args, "--at", WHEN, **env)
            assert f"registered  {facts['location']} (it was before)" in again.stdout
            other = refused("rejected.ID-4", *args, "--batch-id", "B-2", code=1, **env)
            assert "registered already" in other
        assert receipt.read_bytes()[:1] == b"\xd2"
        assert world.ledger.find(CODE) == PACK
