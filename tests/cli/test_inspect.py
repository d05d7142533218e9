"""``inspect`` on every file of ours, made by a real ledger, and on what is left of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from api.sequence import byte_string
from cli.notation import as_json, notation
from cli.recognise import recognise
from cli.request import make_request
from keys.cose_key import CoseKey
from keys.errors import CellbookError
from keys.signer import generate
from ledger.custody.lists.rows import document_of, encode_document
from ledger.custody.lots import encode_lot, encode_lot_proof, lot_of, prove_unit
from ledger.proof.dossier import decode_dossier
from ledger.proof.receipt import LIMITS, TREE_SIZE
from ledger.tree.tiles import tile_path
from ledger.wire import cbor
from ledger.wire.cose import CONTENT_TYPE, TYP, UNDERSTOOD, encode_sign1, parse_sign1, sign1
from ledger.wire.statement import CONTENT_EVENT, TYP_EVENT, locator_to_id
from tests.cli.running import refused, run, run_json
from tests.log.building import ORIGIN, World, operator_uri
from tests.log.listing import SCHEME, Publishers, row


class Files(msgspec.Struct, frozen=True):
    """Real files, and what they are about."""

    folder: Path
    battery: str
    entry_id: bytes
    key: CoseKey
    family: str

    def __call__(self, name: str) -> Path:
        return self.folder / name


def proving(world: World, pack: str) -> dict[str, bytes]:
    """Files of a ledger with a list, and messages about its tree."""
    document = document_of([("91440300MA5FKPKM15", row())])
    world.accepted(Publishers(world).snapshot(document, "2026-01-01"))
    world.store.put_list_document(document.root, encode_document(document))
    world.end_epoch()
    lot = lot_of([world.battery() for _ in range(3)], bytes(32))
    receipt = decode_dossier(world.ledger.dossier(pack)).entries[-1].receipt
    signed = parse_sign1(receipt, limits=LIMITS, understood=UNDERSTOOD | {395, TREE_SIZE})
    proof = {396: {-2: [cbor.encode([3, 5, [bytes(32)]])]}}
    grown = encode_sign1(signed.protected, cbor.encode(proof), None, signed.signature)
    return {
        "recycler.supplier": world.ledger.suppliers.file(operator_uri("owner"), "2026-02-01"),
        "listed.participation": world.ledger.lists.participation(
            SCHEME, "91440300MA5FKPKM15", "2026-02-01"
        ),
        "list.cbor": encode_document(document),
        "lot.cbor": encode_lot(lot),
        "unit.lot": encode_lot_proof(prove_unit(lot, lot.units[1])),
        "signed-root": encode_sign1(signed.protected, {}, None, signed.signature),
        "consistency.cose": grown,
    }


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Files]:
    folder = tmp_path_factory.mktemp("files")
    with World(tmp_path_factory.mktemp("world"), operators=("owner",)) as world:
        pack = world.battery()
        event = world.event("manufacture", pack)
        (outcome,) = world.accepted(event)
        world.live(pack, "install")
        assert outcome.entry_id is not None
        signer = generate()
        content = {
            "pack.dossier": world.ledger.dossier(pack),
            "event.cose": event,
            "transparent.cose": world.ledger.transparent_statement(outcome.entry_id),
            "receipt.cose": world.ledger.receipt(outcome.entry_id),
            "checkpoint": world.ledger.checkpoint(),
            "batch": byte_string(event) + byte_string(b"anything"),
            "one.batch": byte_string(event),
            "trust.toml": world.home.trust_bytes(),
            "key.cbor": signer.key.to_cbor(),
            "keys.cbor": cbor.encode(list(map(CoseKey.to_map, world.ledger.keys()))),
            "register.request": make_request(
                signer, "https://a.example", world.family, name="A", country="CN", roles=["maker"]
            ),
            "key.request": make_request(signer, "https://a.example", world.family),
            "root.pem": (world.path / "root" / "root.pem").read_bytes(),
            "problem.cbor": cbor.encode({-1: "Rejected", -2: "no"}),
        }
        world.end_epoch()
        content |= proving(world, pack)
        size = world.ledger.checkpoint().split(b"\n")[1]
        for level in (0, None):
            path = tile_path(level, 0, int(size))
            (folder / path).parent.mkdir(parents=True)
            (folder / path).write_bytes(world.ledger.tile(path))
            (folder / ("tile-file" if level == 0 else "bundle-file")).write_text(path)
        for name, data in content.items():
            (folder / name).write_bytes(data)
        yield Files(folder, pack, outcome.entry_id, signer.key, world.family)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("pack.dossier", "dossier"),
        ("event.cose", "Signed Statement"),
        ("transparent.cose", "Transparent Statement"),
        ("receipt.cose", "receipt"),
        ("checkpoint", "checkpoint"),
        ("batch", "batch"),
        ("one.batch", "batch"),
        ("trust.toml", "trust file"),
        ("key.cbor", "COSE_Key"),
        ("keys.cbor", "COSE_KeySet"),
        ("register.request", "request to the registrar"),
        ("key.request", "request to the registrar"),
        ("root.pem", "encrypted private key"),
        ("problem.cbor", "CBOR"),
        ("recycler.supplier", "supplier file"),
        ("listed.participation", "participation file"),
        ("list.cbor", "list document"),
        ("lot.cbor", "lot document"),
        ("unit.lot", "proof of a unit in a lot"),
        ("signed-root", "signed root"),
        ("consistency.cose", "consistency receipt"),
    ],
)
def test_kinds(name: str, kind: str, files: Files) -> None:
    shown = run_json("inspect", files(name))
    assert (shown["kind"], shown["verified"]) == (kind, False)
    assert "refused" not in shown["facts"]
    printed = run("inspect", files(name)).stdout
    assert printed.startswith(f"{kind}, {files(name).stat().st_size} bytes, SHA-256 ")
    assert "\nNOTHING WAS VERIFIED" in printed
    assert printed.endswith(shown["diagnostic"] + "\n")


VERIFYING = {
    "dossier": "cellbook verify",
    "supplier file": "cellbook supplier verify",
    "participation file": "cellbook list verify",
}
OTHERS = {
    "pack.dossier": ("dossier", "cellbook verify"),
    "recycler.supplier": ("supplier file", "cellbook supplier verify"),
    "listed.participation": ("participation file", "cellbook list verify"),
    "unit.lot": ("proof of a unit in a lot", "cellbook lot verify"),
    "event.cose": ("Signed Statement", "cellbook submit"),
    "trust.toml": ("trust file", "the option --trust"),
}


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        (wanted, name)
        for wanted in VERIFYING
        for name, (kind, _) in OTHERS.items()
        if kind != wanted
    ],
)
def test_a_file_of_another_kind_is_a_mistake_and_no_forgery(
    wanted: str, name: str, files: Files
) -> None:
    command = VERIFYING[wanted].split()[1:]
    told = run(*command, files(name), "--trust", files("trust.toml"), code=2)
    kind, taken_by = OTHERS[name]
    assert told.stdout == ""
    assert f"it is a {kind}, which is for {taken_by}, and no {wanted}" in told.stderr
    assert "code: usage.file.kind" in told.stderr


def test_a_file_of_another_kind_is_no_proof_of_a_unit(files: Files) -> None:
    told = run("lot", "verify", files("pack.dossier"), "--count", "3", "--root", "00" * 32, code=2)
    assert "which is for cellbook verify, and no proof of a unit in a lot" in told.stderr


def test_a_statement_is_summed_up(files: Files) -> None:
    for name in ("event.cose", "transparent.cose"):
        facts = run_json("inspect", files(name))["facts"]
        assert locator_to_id(facts["entry id"]) == files.entry_id
        assert facts["content"] == "manufacture, version 1"
        assert (facts["subject"], facts["family"]) == (files.battery, files.family)
    assert facts["receipts"] == 1


def test_nested_cbor_is_shown_decoded(files: Files) -> None:
    printed = run("inspect", files("pack.dossier")).stdout
    assert '"type": "manufacture"' in printed
    assert "395: 1" in printed
    assert f"'{ORIGIN}\\n" in printed
    event = run_json("inspect", files("event.cose"))["value"]
    protected, _, payload, signature = event["value"]
    assert protected["cbor"]["1"] == -19
    assert payload["cbor"]["type"] == "manufacture"
    assert len(signature["bytes"]) == 128


def test_facts_of_the_other_files(files: Files) -> None:
    def facts(name: str) -> dict[str, object]:
        found = run_json("inspect", files(name))["facts"]
        assert isinstance(found, dict)
        return found

    assert facts("pack.dossier")["battery"] == files.battery
    assert facts("receipt.cose")["log"] == f"urn:cellbook:log:{ORIGIN}"
    assert str(facts("checkpoint")["signed by"]).startswith(f"{ORIGIN}, key id ")
    assert facts("batch") == {"statements": 2}
    assert facts("recycler.supplier")["operator"] == operator_uri("owner")
    assert facts("recycler.supplier")["lists"] == SCHEME
    assert facts("listed.participation")["identifier"] == "91440300MA5FKPKM15"
    assert facts("list.cbor")["identifiers"] == 1
    assert facts("unit.lot")["place"] == "unit 1 of 3"
    assert facts("consistency.cose")["proofs"] == "from size 3 to 5"
    assert facts("signed-root")["log"] == f"urn:cellbook:log:{ORIGIN}"
    assert facts("trust.toml")["family"] == files.family
    assert facts("key.cbor")["kid"] == files.key.kid.hex()
    assert facts("register.request")["asks"] == "to register A, CN: maker"
    assert facts("key.request")["asks"] == "to add a key"


@pytest.mark.parametrize(("pointer", "kind"), [("tile-file", "tile"), ("bundle-file", "bundle")])
def test_tiles(pointer: str, kind: str, files: Files) -> None:
    path = files(pointer).read_text()
    shown = run_json("inspect", files(path))
    assert shown["kind"].endswith(kind)
    count = list(shown["facts"].values())[-1]
    assert path.endswith(f".p/{count}")
    assert len(shown["value"]) == count


def test_a_statement_that_no_ledger_takes_is_shown_with_the_reason(tmp_path: Path) -> None:
    file = tmp_path / "x.cose"
    file.write_bytes(sign1(generate(), {CONTENT_TYPE: CONTENT_EVENT, TYP: TYP_EVENT}, b"\xa0"))
    shown = run_json("inspect", file)
    assert shown["kind"] == "Signed Statement"
    assert shown["facts"]["refused"].startswith("malformed.statement.claims: ")
    assert TYP_EVENT in shown["diagnostic"]


@pytest.mark.parametrize(
    "data",
    [
        cbor.encode({"type": ["cellbook-dossier"]}),
        cbor.encode({"type": {}}),
        cbor.encode(cbor.Tag(18, [cbor.encode({1: -19, TYP: [1]}), {}, b"", b""])),
        cbor.encode(cbor.Tag(18, [cbor.encode({1: -19, 395: []}), {}, None, b""])),
        cbor.encode(cbor.Tag(18, [b"", {}, None, b""])),
        cbor.encode(cbor.Tag(18, 1)),
        cbor.encode([{}]),
        cbor.encode({}),
    ],
)
def test_cbor_of_odd_shape_is_shown(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(data)
    run_json("inspect", tmp_path / "file")


def test_private_keys_are_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "private"
    secret = bytes(range(32))
    file.write_bytes(cbor.encode({1: 1, -1: 6, -2: generate().key.raw, -4: secret}))
    for printed in (
        refused("rejected.key.private", "inspect", file, code=1),
        run("inspect", file, "--json", code=1).output,
    ):
        assert secret.hex() not in printed


@pytest.mark.parametrize(
    ("data", "error", "where"),
    [
        (b"", "malformed.cbor.empty", ""),
        (b"\x82\x01", "malformed.cbor.truncated", "byte 2"),
        (b"\xa2\x01\x02\x01\x03", "malformed.cbor.duplicate-key", "byte 3"),
        (b"\x9f\x01\xff", "malformed.cbor.indefinite", "byte 0"),
        (b"\x82\x01\xf9\x3c\x00", "malformed.cbor.float", "byte 2"),
        (b"\x01\x01", "malformed.cbor.trailing", "byte 1"),
        (b"\x81" * 40 + b"\x01", "malformed.cbor.depth", "byte 1"),
        (b"\x41a\x42b", "malformed.sequence", "byte 2"),
        (b'type = "cellbook-trust"\n', "malformed.trust", "trust file"),
        (b"\x00\x00\x00\x00\xff\xff", "malformed.cbor.trailing", "byte 1"),
    ],
)
def test_what_is_none_of_our_files(data: bytes, error: str, where: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(data)
    assert where in refused(error, "inspect", file, code=1)


def test_unreadable_files(tmp_path: Path) -> None:
    refused("usage.file.read", "inspect", tmp_path / "none", code=2)
    refused("usage.file.read", "inspect", tmp_path, code=2)


def test_damaged_files_are_shown_or_refused(files: Files) -> None:
    """Never a fault: what is shown is what the bytes say, and it can be printed."""
    for file in sorted(path for path in files.folder.rglob("*") if path.is_file()):
        whole = file.read_bytes()
        step = max(1, len(whole) // 120)
        for at in range(0, len(whole), step):
            flipped = whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :]
            for data in (whole[:at], flipped):
                look(data, str(file))


def look(data: bytes, name: str) -> None:
    try:
        content = recognise(data, name)
    except CellbookError:
        return
    assert content.text is not None or notation(content.value)
    json.dumps([as_json(content.value), content.facts])
