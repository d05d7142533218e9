"""docs/formats.md against real bytes: every label, name and number on the wire, as a literal.

A change of a constant must not change what is written: who changes a format must change a literal
here, and the document.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import cbor2
import msgspec
import pytest

from api.problems import concise
from api.sequence import SEQUENCE, byte_string
from cli.request import OperatorRequest, make_request
from keys import cose_key
from keys.possession import prove
from keys.signer import generate
from ledger.custody import lots, states
from ledger.custody.events import EVENTS
from ledger.custody.governance import handover, mandates
from ledger.custody.governance import statements as governance
from ledger.custody.governance.statements import GOVERNANCE
from ledger.custody.lists import rows as lists
from ledger.custody.names.naming import family_uri, log_uri
from ledger.custody.payload import Payload
from ledger.log.ledger import Ledger
from ledger.proof import dossier, participation, receipt, supplier
from ledger.proof.trust import dump_trust, load_trust
from ledger.wire import limits
from ledger.wire.base64text import encode_base64url
from ledger.wire.hash_envelope import HashEnvelope
from ledger.wire.statement import SUBMISSION, parse_statement, sign_envelope
from tests.log.building import NOW, World

FORMATS = (Path(__file__).parents[2] / "docs" / "formats.md").read_text("utf-8")
RULE = re.compile(r"^([a-zA-Z][\w-]*) =(?!>)", re.MULTILINE)
TABLE: dict[tuple[str, int], type[Payload]] = {**GOVERNANCE, **mandates.MANDATES}
BUILT_IN = {"uint", "int", "tstr", "bstr", "bytes", "bool", "nil", "any", "cbor", "size", "regexp"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("formats"), operators=("owner",)) as world:
        yield world


@pytest.fixture(scope="module")
def pack(world: World) -> str:
    battery = world.battery()
    world.live(battery, "manufacture")
    world.end_epoch()
    return battery


def sign1(data: bytes) -> tuple[dict[Any, Any], dict[Any, Any], bytes | None, bytes]:
    """The four parts of a tagged COSE_Sign1, as another program reads them."""
    tag = cbor2.loads(data)
    assert isinstance(tag, cbor2.CBORTag)
    assert tag.tag == 18
    protected, unprotected, payload, signature = tag.value
    return cbor2.loads(protected), dict(unprotected), payload, signature


def test_a_signed_statement(world: World) -> None:
    battery = world.battery()
    leaf = world.event("manufacture", battery)
    headers, unprotected, payload, signature = sign1(leaf)
    key = world.operators["owner"].signer.key
    assert headers == {
        1: -19,
        3: "application/vnd.cellbook.event+cbor",
        4: key.kid,
        15: {1: "https://owner.example", 2: battery, 3: world.family, 6: NOW},
        16: "application/vnd.cellbook.event+cose",
    }
    assert list(headers) == [1, 3, 4, 15, 16]
    assert unprotected == {}
    assert payload is not None
    event = cbor2.loads(payload)
    assert {"type", "version", "occurred_at", "time_precision", "country"} <= event.keys()
    assert (event["type"], event["version"]) == ("manufacture", 1)
    protected = cbor2.loads(leaf).value[0]
    signed = cbor2.dumps(["Signature1", protected, b"", payload])
    key.verify(signed, signature)
    statement = parse_statement(leaf)
    assert statement.content_id == sha256(signed).digest()
    assert statement.leaf_hash == sha256(b"\x00" + leaf).digest()
    assert statement.locator == encode_base64url(sha256(leaf).digest())
    assert len(statement.locator) == 43


def test_governance_statements(world: World, pack: str) -> None:
    genesis, registered = stored(world, 0), stored(world, 2)
    log = "urn:cellbook:log:log.example/test"
    typ, content = 16, 3
    assert (genesis[0][typ], genesis[0][content]) == (
        "application/vnd.cellbook.governance+cose",
        "application/vnd.cellbook.governance+cbor",
    )
    assert genesis[0][15] == {1: world.family, 2: log, 3: world.family, 6: NOW}
    assert registered[0][15] == {
        1: "urn:cellbook:authority:registrar",
        2: "https://owner.example",
        3: world.family,
        6: NOW,
    }
    assert registered[0][typ] == "application/vnd.cellbook.governance+cose"
    assert registered[1]["type"] == "operator-registered"
    head = stored(world, world.store.head().last_head or 0)
    assert head[0][typ] == "application/vnd.cellbook.head+cose"
    assert head[0][content] == "application/vnd.cellbook.governance+cbor"
    assert head[0][15][1] == head[0][15][2] == log
    assert head[1].keys() == {"type", "version", "tree_size", "time", "index_root", "previous"}


def stored(world: World, index: int) -> tuple[dict[Any, Any], dict[str, Any]]:
    entry = world.store.entry(index)
    assert entry is not None
    headers, _, payload, _ = sign1(entry.leaf)
    assert payload is not None
    return headers, cbor2.loads(payload)


def test_a_hash_envelope(world: World, pack: str) -> None:
    operator = world.operators["owner"]
    document = HashEnvelope(sha256(b"report").digest(), "application/pdf", "https://lab.example/1")
    leaf = sign_envelope(
        operator.signer, document, iss=operator.uri, sub=pack, aud=world.family, iat=NOW
    )
    headers, _, payload, _ = sign1(leaf)
    assert list(headers) == [1, 4, 15, 16, 258, 259, 260]
    assert headers[16] == "application/vnd.cellbook.hash-envelope+cose"
    assert (headers[258], headers[259], headers[260]) == (
        -16,
        "application/pdf",
        "https://lab.example/1",
    )
    assert payload == sha256(b"report").digest()


def test_the_participation_file() -> None:
    data = participation.encode_participation(
        participation.Participation(
            "cn-miit-whitelist",
            "91440300MA5FKPKM15",
            "2026-07-30",
            b"note",
            (dossier.DossierEntry(0, b"leaf", b"receipt"),),
            (),
            {},
        )
    )
    value = cbor2.loads(data)
    asked = ["cellbook-participation", "cn-miit-whitelist", "91440300MA5FKPKM15", "2026-07-30"]
    assert value["question"] == sha256(cbor2.dumps(asked)).digest()
    assert keys_in("participation")[1] == value.keys()


def test_the_supplier_file() -> None:
    entries = (dossier.DossierEntry(0, b"leaf", b"receipt"),)
    lists = {"cn-miit-whitelist": {"91440300MA5FKPKM15": {}}}
    operator, day = "https://recycler.example", "2026-07-30"
    file = supplier.Supplier(operator, day, b"note", entries, (), lists)
    value = cbor2.loads(supplier.encode_supplier(file))
    asked = ["cellbook-supplier", operator, day]
    assert value["question"] == sha256(cbor2.dumps(asked)).digest()
    assert keys_in("supplier")[1] == value.keys()
    assert supplier.decode_supplier(supplier.encode_supplier(file)) == file


def test_the_genesis_policy(world: World) -> None:
    policy = stored(world, 0)[1]
    assert policy["leaf"] == "cose-sign1-tag18-empty-unprotected/1"
    assert policy["algorithms"] == [-19, -9, -48, -49]
    assert policy["profiles"] == [{"name": "core", "version": 4}]
    assert [key["purpose"] for key in policy["log_keys"]] == [
        "checkpoint",
        "receipts",
        "statements",
    ]
    assert [one["role"] for one in policy["authorities"]] == ["registrar"]
    assert policy["limits"] == {}, "what is the default is left out"
    assert "previous" not in policy
    assert "epoch_s" not in policy


def test_names(world: World) -> None:
    root = world.key("root", "root").key
    said = cbor2.dumps(["cellbook-family", root.to_cbor(), "Test ledger"])
    expected = f"urn:cellbook:family:{encode_base64url(sha256(said).digest())}"
    assert family_uri(root, "Test ledger") == world.family == expected
    assert log_uri("log.example/test") == "urn:cellbook:log:log.example/test"


def test_keys() -> None:
    key = generate().key
    assert key.to_cbor() == bytes.fromhex("a4010103322006215820") + key.raw
    thumbprint = sha256(bytes.fromhex("a301012006215820") + key.raw).digest()
    assert key.kid == thumbprint
    assert cose_key.from_map({1: 1, 3: -8, -1: 6, -2: key.raw}) == key
    point = generate(-9).key
    assert point.to_cbor()[:10] == bytes.fromhex("a5010203282001215820")


def test_proof_of_possession() -> None:
    signer = generate()
    proof = prove(signer, "https://maker.example", ["events"], "urn:cellbook:family:x")
    signed = cbor2.dumps(
        [
            "cellbook-possession/1",
            "urn:cellbook:family:x",
            "https://maker.example",
            ["events"],
            signer.key.kid,
        ]
    )
    signer.key.verify(signed, proof)


def test_the_operators_request() -> None:
    data = make_request(
        generate(),
        "https://maker.example",
        "urn:cellbook:family:x",
        name="Maker",
        country="CN",
        roles=["maker"],
    )
    value = cbor2.loads(data)
    assert (value["type"], value["version"]) == ("cellbook-operator-request", 1)
    assert keys_in("operator-request") == (required_of(OperatorRequest), fields_of(OperatorRequest))
    assert value.keys() == fields_of(OperatorRequest)


def test_a_receipt(world: World, pack: str) -> None:
    data = world.ledger.receipt(first_entry(world.ledger, pack))
    headers, unprotected, payload, signature = sign1(data)
    size = headers[-65537]
    kid = world.home.signers().receipts.key.kid
    log = "urn:cellbook:log:log.example/test"
    assert list(headers) == [1, 4, 15, 16, 395, -65537]
    assert {label: headers[label] for label in (1, 4, 16, 395)} == {
        1: -19,
        4: kid,
        16: "application/vnd.cellbook.receipt+cose",
        395: 1,
    }
    assert headers[15] == {1: log, 2: log, 6: headers[15][6]}
    assert payload is None
    assert list(unprotected) == [396]
    assert list(unprotected[396]) == [-1]
    (proof,) = unprotected[396][-1]
    stated, index, path = cbor2.loads(proof)
    assert stated == size
    assert all(len(step) == 32 for step in path)
    root = world.store.head().root
    protected = cbor2.loads(data).value[0]
    signed = cbor2.dumps(["Signature1", protected, b"", root])
    world.home.signers().receipts.key.verify(signed, signature)
    assert stored(world, index)[1]["type"] == "manufacture"


def test_a_signed_root(world: World, pack: str) -> None:
    """A receipt with an empty unprotected header: the same for every entry of a dossier."""
    size = int(world.ledger.checkpoint().split(b"\n")[1])
    data = world.ledger.signed_root()
    assert world.ledger.signed_root(size) == data
    headers, unprotected, payload, signature = sign1(data)
    assert (headers[-65537], unprotected, payload) == (size, {}, None)
    tag = cbor2.loads(data)
    file = dossier.decode_dossier(world.ledger.dossier(pack))
    for entry in file.entries:
        proof = cbor2.loads(entry.receipt).value[1][396][-1][0]
        again = [tag.value[0], {396: {-1: [proof]}}, None, signature]
        assert entry.receipt == cbor2.dumps(cbor2.CBORTag(18, again))


def first_entry(ledger: Ledger, pack: str) -> bytes:
    return ledger.battery(pack).entries[0].entry_id


def test_a_transparent_statement(world: World, pack: str) -> None:
    data = world.ledger.transparent_statement(first_entry(world.ledger, pack))
    _, unprotected, _, _ = sign1(data)
    assert list(unprotected) == [394]
    assert [cbor2.loads(one).tag for one in unprotected[394]] == [18]


def test_a_checkpoint(world: World, pack: str) -> None:
    text, _, lines = world.ledger.checkpoint().decode().partition("\n\n")
    origin, size, root = text.split("\n")
    assert origin == "log.example/test"
    assert int(size) == world.store.head().size
    assert b64decode(root) == world.store.head().root
    raw = world.home.signers().checkpoint.key.raw
    key_id = sha256(b"log.example/test\n\x01" + raw).digest()[:4]
    assert lines.startswith("— log.example/test ")
    signed = b64decode(lines.split(" ")[2])
    assert signed[:4] == key_id
    assert len(signed) == 4 + 64


def test_tiles_and_entry_bundles(world: World, pack: str) -> None:
    size = world.store.head().size
    hashes = world.ledger.tile(f"tile/0/000.p/{size}")
    bundle = world.ledger.tile(f"tile/entries/000.p/{size}")
    assert len(hashes) == 32 * size
    length = int.from_bytes(bundle[:2], "big")
    assert hashes[:32] == sha256(b"\x00" + bundle[2 : 2 + length]).digest()


def test_a_dossier(world: World, pack: str) -> None:
    value = cbor2.loads(world.ledger.dossier(pack))
    assert keys_in("dossier")[1] - {"lists", "predecessor"} == value.keys()
    assert keys_in("past")[0] == dossier._FIELDS_OF_PAST
    assert (value["type"], value["version"]) == ("cellbook-dossier", 2)
    assert value["subject"] == pack
    assert value["checkpoint"] == world.ledger.checkpoint()
    for index, leaf, signed in value["entries"]:
        assert sign1(leaf)[1] == {}
        proof = cbor2.loads(sign1(signed)[1][396][-1][0])
        assert proof[1] == index
    names = [row[0] for row in value["index"]]
    assert names == sorted(names, key=str.encode)
    assert {pack, "https://owner.example", "urn:cellbook:log:log.example/test"} <= set(names)
    root = sign1(value["entries"][-1][1])[2]
    assert root is not None
    for uri, count, chain, (depth, present, siblings, *other) in value["index"]:
        if count == 0:
            continue
        assert other == []
        left = siblings
        key = sha256(b"\x20subject\0" + uri.encode()).digest()
        stated = sha256(b"\x25" + count.to_bytes(8, "big") + chain).digest()
        node = sha256(b"\x22" + key + stated).digest()
        for level in reversed(range(depth)):
            sibling = sha256(b"\x21").digest()
            if present[level // 8] >> (7 - level % 8) & 1:
                left, sibling = left[:-32], left[-32:]
            right = key[level // 8] >> (7 - level % 8) & 1
            node = sha256(b"\x23" + (sibling + node if right else node + sibling)).digest()
        assert node == cbor2.loads(root)["index_root"]


def test_the_trust_file(world: World) -> None:
    usual = msgspec.structs.replace(load_trust(world.home.trust_bytes()), max_age_days=7)
    lines = dump_trust(usual).decode().split("\n")
    names = [line.partition(" = ")[0] for line in lines if line and line[0] != "#"]
    example = FORMATS.split("```toml\n")[1].partition("```")[0]
    assert names == re.findall(r"^(\w+) = ", example, re.MULTILINE)
    assert 'type = "cellbook-trust"' in lines
    assert "version = 1" in lines


def test_a_batch_and_a_problem() -> None:
    assert byte_string(b"x" * 24) == b"\x58\x18" + b"x" * 24
    problem = cbor2.loads(concise(SEQUENCE.at("byte 0", "found"), "abc"))
    assert problem.keys() == {-1, -2, "urn:cellbook:problem"}
    ours = problem["urn:cellbook:problem"]
    assert keys_in("problem")[1] == {"urn:cellbook:problem", *ours}
    assert (ours["code"], ours["status"], ours["location"]) == (
        "malformed.sequence",
        400,
        "/entries/abc",
    )


@pytest.mark.parametrize("kind", sorted(kind for kind, _ in TABLE))
def test_payloads_have_the_documented_fields(kind: str) -> None:
    struct = TABLE[kind, 1]
    required, all_of = keys_in(kind)
    assert all_of == fields_of(struct) | {"type"}
    assert required == required_of(struct) | {"type", "version"}


@pytest.mark.parametrize(
    ("rule", "struct"),
    [
        ("log-key", governance.LogKey),
        ("authority", governance.Authority),
        ("profile", governance.Profile),
        ("limits", governance.Limits),
        ("key-grant", governance.KeyGrant),
        ("successor", handover.Successor),
        ("predecessor", handover.Predecessor),
        ("proved", handover.Proved),
        ("carried-subject", handover.CarriedSubject),
        ("index-proof", handover.IndexProof),
        ("past-entry", handover.PastEntry),
        ("assessed", states.Assessed),
        ("released", states.Released),
        ("facts", states.Facts),
        ("health", states.Health),
        ("list-row", lists.ListRow),
        ("device-key", mandates.DeviceKey),
    ],
)
def test_parts_have_the_documented_fields(rule: str, struct: type[msgspec.Struct]) -> None:
    assert keys_in(rule) == (required_of(struct), fields_of(struct))


def test_states_have_the_documented_fields() -> None:
    for rule, struct in (
        ("battery-state", states.BatteryState),
        ("alias-state", states.AliasState),
    ):
        required, all_of = keys_in(rule)
        assert all_of == fields_of(struct) | {"type"}
        assert required == required_of(struct) | {"type"}
    assert states.Mark.__struct_fields__ == ("entry_id", "index", "occurred")


def test_events_have_the_documented_fields() -> None:
    _, common = keys_in("event")
    for struct in EVENTS.values():
        assert common - {"type"} <= fields_of(struct)
        assert common <= required_of(struct) | {"type", "version"}


def test_the_grammar_is_closed() -> None:
    """Every name in it is defined once, and brackets match."""
    grammar = "\n".join(blocks())
    defined = RULE.findall(grammar)
    assert len(defined) == len(set(defined))
    bare = re.sub(r'"[^"]*"|;[^\n]*', "", grammar)
    for left, right in ("()", "[]", "{}"):
        assert bare.count(left) == bare.count(right), left
    labels = set(re.findall(r"([a-z][\w-]*)\s*:", bare))
    for name in re.findall(r"(?<![\w.#])[a-zA-Z][\w-]*", bare):
        assert name in {*defined, *labels, *BUILT_IN}, name


def test_the_documented_limits() -> None:
    table = {
        "a submitted statement": SUBMISSION,
        "a receipt": receipt.LIMITS,
        "a dossier": dossier.LIMITS,
        "a participation file": participation.LIMITS,
        "a supplier file": supplier.LIMITS,
        "a lot document": lots.LIMITS,
        "a lot proof": lots.PROOF_LIMITS,
        "anything else": limits.DEFAULT,
    }
    for name, bounds in table.items():
        numbers = (bounds.size, bounds.depth, bounds.items, bounds.total)
        row = f"| {name} | " + " | ".join(f"{number:,}" for number in numbers) + " |"
        assert row in FORMATS


def blocks() -> list[str]:
    return re.findall(r"```cddl\n(.*?)```", FORMATS, re.DOTALL)


def keys_in(rule: str) -> tuple[set[str], set[str]]:
    """The text keys in the definition of ``rule``: those that must be there, and all."""
    for block in blocks():
        parts = re.split(r"^(?=[a-zA-Z][\w-]* =(?!>))", block, flags=re.MULTILINE)
        for part in parts:
            if part.startswith(f"{rule} ="):
                found = re.findall(r'(\? )?"([\w:.-]+)" =>', part)
                return {name for mark, name in found if not mark}, {name for _, name in found}
    raise AssertionError(f"docs/formats.md does not define {rule}")


def fields_of(struct: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(struct)}


def required_of(struct: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(struct) if field.required}
