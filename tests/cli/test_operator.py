"""Requests of key holders and answers of the registrar, against real ledgers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.request import make_request, parse_request, verify_request
from keys.errors import CellbookError
from keys.signer import generate
from ledger.custody.governance.statements import KeyAdded, OperatorRegistered, parse_governance
from ledger.wire import cbor
from ledger.wire.statement import parse_statement
from tests.cli.running import SCRIPT, clean_environment, refused, run, run_json

MAKER = "https://maker.example"
PARTICULARS = ("--name", "Maker", "--country", "CN", "--role", "maker")


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger ``shop``, and the key file of a maker."""
    monkeypatch.chdir(tmp_path)
    run("init", "shop")
    run("keygen", "maker.pem", "--save-passphrase")
    request("maker.pem", "maker.request", *PARTICULARS)


def request(key: str, out: str, *args: object, **options: Any) -> Any:
    return run_json(
        *("operator", "request", "--key", key, "--uri", MAKER, "--trust", "shop/trust.toml"),
        *("--out", out, *args),
        **options,
    )


def registrar(*args: object, **options: Any) -> Any:
    """A command of the registrar, to the ledger's folder."""
    return run_json(
        *("operator", *args, "--registrar", "shop-registrar/registrar.pem", "--home", "shop"),
        **options,
    )


def shown() -> Any:
    return run_json("operator", "show", MAKER, "--home", "shop")


def test_an_operator_from_request_to_removal() -> None:
    kid = run_json("inspect", "maker.request")["facts"]["kid"]
    added = registrar("add", "maker.request")
    assert (added["index"], added["duplicate"]) == (2, False)
    state = shown()
    assert (state["name"], state["country"], state["roles"]) == ("Maker", "CN", ["maker"])
    assert [key["kid"] for key in state["keys"]] == [kid]

    run("keygen", "second.pem", "--save-passphrase")
    second = request("second.pem", "second.request")["kid"]
    registrar("add-key", "second.request")
    registrar("change", MAKER, "--role", "maker", "--role", "repurposer")
    since = "2026-06-03T10:00:00+08:00"
    registrar(
        *("revoke-key", MAKER, "--kid", kid, "--reason", "stolen", "--compromised-since", since)
    )
    state = shown()
    assert state["roles"] == ["maker", "repurposer"]
    first_key, second_key = state["keys"]
    assert first_key["revoked"] is not None
    assert first_key["compromised_since"] == "2026-06-03T02:00:00+00:00"
    assert (second_key["kid"], second_key["revoked"]) == (second, None)

    registrar("remove", MAKER, "--reason", "closed")
    assert shown()["removed"] is not None
    printed = run("operator", "show", MAKER, "--home", "shop").stdout
    for part in ("removed by entry", "revoked by entry", "compromised since 2026-06-03T02:00"):
        assert part in printed
    assert run_json("fsck", "shop")["size"] > 7


def test_codes_are_stated_kept_and_given_up() -> None:
    registrar("add", "maker.request", "--maker-code", "4A6", "--gs1-prefix", "9506000")
    assert (shown()["maker_codes"], shown()["gs1_prefixes"]) == (["4A6"], ["9506000"])
    registrar("change", MAKER, "--role", "maker", "--role", "installer")
    assert shown()["maker_codes"] == ["4A6"]
    registrar("change", MAKER, "--maker-code", "001", "--maker-code", "X12")
    assert (shown()["maker_codes"], shown()["gs1_prefixes"]) == (["001", "X12"], ["9506000"])
    assert "001, X12, 9506000" in run("operator", "show", MAKER, "--home", "shop").stdout
    registrar("change", MAKER, "--no-codes", "--maker-code", "X12")
    assert (shown()["maker_codes"], shown()["gs1_prefixes"]) == (["X12"], [])


def test_places_are_stated_and_stay() -> None:
    place = ("--facility", "HZ-1", "CN", "Huizhou works", "1 Road, Huizhou")
    registrar("add", "maker.request", *place)
    works = {"id": "HZ-1", "country": "CN", "name": "Huizhou works", "address": "1 Road, Huizhou"}
    assert shown()["facilities"] == [works]
    registrar("change", MAKER, "--role", "maker")
    assert shown()["facilities"] == [works]
    registrar("change", MAKER, "--facility", "SZ-2", "CN", "", "")
    assert [place["id"] for place in shown()["facilities"]] == ["SZ-2"]
    printed = run("operator", "show", MAKER, "--home", "shop").stdout
    assert "facility SZ-2, CN" in printed


def test_what_is_signed_is_shown() -> None:
    registrar_key = ("--registrar", "shop-registrar/registrar.pem")
    result = run("operator", "add", "maker.request", *registrar_key, "--home", "shop")
    assert f"signs about {MAKER}:" in result.stderr
    assert '"type": "operator-registered"' in result.stderr
    assert "registered: entry 2" in result.stdout


def test_on_a_terminal_the_registrar_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.governing.has_terminal", lambda: True)
    args = ("operator", "add", "maker.request", "--registrar", "shop-registrar/registrar.pem")
    run(*args, "--out", "maker.cose", stdin="n\n", code=130)
    assert not Path("maker.cose").exists()
    run(*args, "--out", "maker.cose", stdin="y\n")
    run(*args, "--out", "again.cose", "--yes")


def test_written_for_later_it_is_the_same_statement() -> None:
    args = ("add", "maker.request", "--registrar", "shop-registrar/registrar.pem")
    made = run_json("operator", *args, "--out", "maker.cose")
    statement = parse_statement(Path("maker.cose").read_bytes())
    assert statement.locator == made["entry_id"]
    assert statement.sub == MAKER
    content = parse_governance(statement.payload)
    assert isinstance(content, OperatorRegistered)
    assert (content.name, content.roles) == ("Maker", ("maker",))


def test_refusals_of_the_ledger_come_through() -> None:
    registrar("add", "maker.request")
    rest = ("--registrar", "shop-registrar/registrar.pem", "--home", "shop")
    refused("rejected.key.owner", "operator", "add-key", "maker.request", *rest, code=1)
    absent = "https://nobody.example"
    gone = ("operator", "remove", absent, "--reason", "x", *rest)
    refused("rejected.operator", *gone, code=1)
    refused("missing.operator", "operator", "show", absent, "--home", "shop", code=3)
    refused("missing.operator", "operator", "change", absent, "--name", "x", *rest, code=3)
    impostor = ("--registrar", "maker.pem", "--home", "shop")
    args = ("operator", "remove", MAKER, "--reason", "x", *impostor)
    refused("rejected.issuer.authority", *args, code=1)
    assert shown()["removed"] is None


@pytest.fixture
def service() -> Iterator[str]:
    """The address of a real service on the ledger."""
    process = subprocess.Popen(
        [SCRIPT, "serve", "shop", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    )
    assert process.stdout is not None
    yield process.stdout.readline().split()[-1]
    process.terminate()
    process.wait(60)
    process.stdout.close()


def test_over_http(service: str) -> None:
    rest = ("--registrar", "shop-registrar/registrar.pem", "--url", service)
    added = run_json("operator", "add", "maker.request", *rest)
    assert added["location"] == f"{service}/entries/{added['entry_id']}"
    assert shown()["name"] == "Maker"
    refused("rejected.key.owner", "operator", "add-key", "maker.request", *rest, code=1)
    args = ("operator", "remove", MAKER, "--reason", "x", *rest)
    refused("usage.command-line", *args, code=2)
    run(*args, "--trust", "shop/trust.toml")
    assert shown()["removed"] is not None


def test_no_service_exits_3() -> None:
    args = ("operator", "add", "maker.request", "--registrar", "shop-registrar/registrar.pem")
    code = (
        "import sys, cli.remote as remote\n"
        "remote._FIRST_PAUSE = 0.001\n"
        "from cli.main import main\n"
        "main()\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", code, *args, "--url", "http://127.0.0.1:9"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env=clean_environment(PYTHONPATH=str(Path(__file__).parents[2])),
    )
    assert process.returncode == 3
    assert "code: unavailable.service.unreachable" in process.stderr


@pytest.mark.parametrize(
    "args",
    [
        ("add", "maker.request"),
        ("add", "maker.request", "--out", "x", "--home", "shop"),
        ("change", MAKER, "--name", "x", "--out", "x", "--trust", "shop/trust.toml"),
        ("change", MAKER, *PARTICULARS, "--out", "x"),
        ("change", MAKER, *PARTICULARS, "--country", "China", "--home", "shop"),
        ("change", MAKER, "--role", "king", "--home", "shop"),
        ("change", MAKER, "--maker-code", "4a6", "--home", "shop"),
        ("add", "maker.request", "--gs1-prefix", "95O6000", "--home", "shop"),
        ("change", MAKER, "--facility", "HZ-1", "China", "", "", "--home", "shop"),
        ("revoke-key", MAKER, "--kid", "ab", "--reason", "x", "--home", "shop"),
        ("remove", MAKER, "--home", "shop"),
        ("remove", "maker", "--reason", "x", "--home", "shop"),
        (
            *("revoke-key", MAKER, "--kid", "00" * 32, "--reason", "x", "--home", "shop"),
            *("--compromised-since", "yesterday"),
        ),
    ],
)
def test_wrong_options(args: tuple[str, ...]) -> None:
    rest = ("--registrar", "shop-registrar/registrar.pem")
    refused("usage.command-line", "operator", *args, *rest, code=2)
    assert not Path("x").exists()


@pytest.mark.parametrize(
    "args",
    [
        ("--name", "Maker"),
        ("--name", "Maker", "--role", "maker"),
        ("--family", "urn:cellbook:family:x"),
        (*PARTICULARS, "--country", "cn"),
    ],
)
def test_wrong_options_of_a_request(args: tuple[str, ...]) -> None:
    rest = ("--key", "maker.pem", "--uri", MAKER, "--trust", "shop/trust.toml", "--out", "x")
    refused("usage.command-line", "operator", "request", *rest, *args, code=2)
    assert not Path("x").exists()


def test_a_request_replaces_no_file() -> None:
    before = Path("maker.request").read_bytes()
    request("maker.pem", "maker.request", code=2)
    assert Path("maker.request").read_bytes() == before


def test_a_wrong_passphrase_signs_nothing() -> None:
    args = ("operator", "add", "maker.request", "--registrar", "shop-registrar/registrar.pem")
    wrong = {"CELLBOOK_PASSPHRASE": "not the right one at all"}
    refused("usage.keyfile.passphrase", *args, "--home", "shop", code=2, **wrong)
    refused("missing.operator", "operator", "show", MAKER, "--home", "shop", code=3)


def test_a_request_for_another_family_is_not_signed() -> None:
    run("init", "other")
    rest = ("--registrar", "shop-registrar/registrar.pem", "--out", "x")
    trust = ("--trust", "other/trust.toml")
    refused("rejected.request.family", "operator", "add", "maker.request", *rest, *trust, code=1)
    assert not Path("x").exists()


def test_a_request_without_particulars_adds_keys_only() -> None:
    request("maker.pem", "key.request")
    rest = ("--registrar", "shop-registrar/registrar.pem", "--out", "x")
    refused("rejected.request.particulars", "operator", "add", "key.request", *rest, code=1)
    run("operator", "add-key", "key.request", *rest)
    content = parse_governance(parse_statement(Path("x").read_bytes()).payload)
    assert isinstance(content, KeyAdded)


class TestRequests:
    """The file's bytes."""

    SIGNER = generate()
    FAMILY = "urn:cellbook:family:test"

    def make(self, **changes: object) -> bytes:
        """A good request, with fields changed after the proof was made; None leaves one out."""
        data = make_request(
            self.SIGNER, MAKER, self.FAMILY, name="Maker", country="CN", roles=["maker"]
        )
        value = cbor.decode(data)
        assert isinstance(value, dict)
        fields = {**value, **changes}
        return cbor.encode({key: part for key, part in fields.items() if part is not None})

    def test_it_is_read_as_it_was_made(self) -> None:
        asked = parse_request(self.make())
        verify_request(asked, self.FAMILY)
        assert asked.registration().keys == (asked.grant,)
        assert asked.key == self.SIGNER.key.to_cbor()

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"type": None}, "malformed.request"),
            ({"type": "cellbook-dossier"}, "malformed.request"),
            ({"version": None}, "malformed.request"),
            ({"version": "1"}, "malformed.request"),
            ({"version": 2}, "unsupported.request"),
            ({"extra": 1}, "malformed.request"),
            ({"family": None}, "malformed.request"),
            ({"country": "China"}, "malformed.request"),
            ({"roles": []}, "malformed.request"),
            ({"possession": "text"}, "malformed.request"),
            ({"uri": "maker"}, "rejected.operator.uri"),
        ],
    )
    def test_what_is_not_a_request(self, changes: dict[str, object], code: str) -> None:
        with pytest.raises(CellbookError) as caught:
            parse_request(self.make(**changes))
        assert caught.value.code == code

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"uri": "https://thief.example"}, "failed.possession"),
            ({"key": generate().key.to_cbor()}, "failed.possession"),
            ({"purposes": ["events", "registrar"]}, "failed.possession"),
            ({"possession": b"\x00" * 64}, "failed.possession"),
            ({"family": "urn:cellbook:family:other"}, "rejected.request.family"),
            ({"key": b"\xa0"}, "malformed.key.shape"),
        ],
    )
    def test_what_the_holder_did_not_ask_for(self, changes: dict[str, object], code: str) -> None:
        with pytest.raises(CellbookError) as caught:
            verify_request(parse_request(self.make(**changes)), self.FAMILY)
        assert caught.value.code == code

    def test_truncated(self) -> None:
        data = self.make()
        for end in range(0, len(data), 7):
            with pytest.raises(CellbookError) as caught:
                parse_request(data[:end])
            assert caught.value.code.startswith("malformed.cbor.")
