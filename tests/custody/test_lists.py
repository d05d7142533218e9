"""Lists: rows, leaves, documents, proofs; and the vectors of all of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import CellbookError
from ledger.custody.lists.listed import ListAnswer, Word, answer, wanted
from ledger.custody.lists.membership import (
    ListProof,
    ProvedLeaf,
    parse_proof,
    proof_value,
    prove,
    verify_membership,
)
from ledger.custody.lists.rows import (
    MAX_ROWS_OF_ONE,
    ListDocument,
    ListLeaf,
    ListRow,
    check_root,
    document_of,
    encode_document,
    encode_leaf,
    parse_document,
    parse_leaf,
)
from ledger.custody.lists.schemes import (
    SCHEMES,
    category_of,
    check_listing,
    check_scheme,
    identifier_of,
    title_of,
)
from ledger.custody.lists.snapshots import Stated, stated
from ledger.custody.rules.listing import LIST_RULES, Work, judge_lists
from ledger.custody.states import ListedSnapshot
from ledger.custody.values.times import parse_moment
from ledger.tree.merkle import EMPTY_ROOT
from ledger.wire import cbor

FILE = Path(__file__).parent.parent / "vectors" / "lists.json"
VECTORS: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
CASES: list[dict[str, Any]] = VECTORS["cases"]
SCHEME, OFFSET = "cn-miit-whitelist", 480


def listed(name: str) -> ListDocument:
    """The list of this name in the vectors."""
    rows = VECTORS["lists"][name]
    return document_of((row[0], msgspec.convert(row[1], ListRow)) for row in rows)


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [case for case in CASES if case["kind"] == kind]


def named(case: dict[str, Any]) -> str:
    return str(case["name"])


def snapshots_of(case: dict[str, Any]) -> list[tuple[Stated, ListDocument]]:
    """The snapshots of a case, in log order."""
    found = []
    for index, item in enumerate(VECTORS["histories"][case["history"]], 10):
        document = listed(item["list"])
        snapshot = ListedSnapshot(
            publisher=item["publisher"],
            announcement=item["announcement"],
            effective=item["effective"],
            leaves=len(document.leaves),
            rows=document.rows,
            root=document.root,
            source_sha256=bytes(32),
            index=index,
        )
        found.append((stated(snapshot, parse_moment(item["logged"]), OFFSET), document))
    return found


def answered(case: dict[str, Any], day: str) -> ListAnswer:
    """What the snapshots of a case say, by proofs that went through bytes."""
    both = snapshots_of(case)
    snapshots = [item for item, _ in both]
    documents = {item.snapshot.index: document for item, document in both}
    proofs = {
        item.snapshot.index: through_bytes(
            prove(documents[item.snapshot.index], case["identifier"])
        )
        for item in wanted(snapshots, day)
    }
    return answer(SCHEME, case["identifier"], day, snapshots, proofs)


def through_bytes(proof: ListProof) -> ListProof:
    again = parse_proof(cbor.decode(cbor.encode(proof_value(proof))))
    assert again == proof
    return again


def told(word: Word | None, day: str) -> Any:
    if word is None:
        return None
    late = " afterwards" if word.stated.is_late else ""
    return [f"{word.stated.snapshot.effective}{late}", *word.categories(day)]


def code_of(error: pytest.ExceptionInfo[CellbookError]) -> str:
    return error.value.code


@pytest.mark.parametrize("case", of_kind("answer"), ids=named)
def test_answers(case: dict[str, Any]) -> None:
    found = answered(case, case["day"])
    says = {
        item.publisher: {"then": told(item.then, case["day"]), "now": told(item.now, case["day"])}
        for item in found.publishers
    }
    assert says == case["says"]
    assert list(found.listed()) == case["listed"]
    assert list(found.disagreements()) == case.get("disagreements", [])


@pytest.mark.parametrize("case", of_kind("rule"), ids=named)
def test_list_rules(case: dict[str, Any]) -> None:
    happened, logged = (answered(case, case[name]) for name in ("happened", "logged"))
    work = Work("urn:cellbook:gbt34014:x", 7, case["event"], happened, logged)
    findings = list(judge_lists(work))
    assert [finding.rule for finding in findings] == case["findings"]
    assert not any(finding.breach for finding in findings)
    for finding, part in zip(findings, case.get("details", []), strict=False):
        assert part in finding.detail


@pytest.mark.parametrize("case", of_kind("document"), ids=named)
def test_documents(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["hex"])
    if case["error"] == "ok":
        document = parse_document(data)
        assert document.root.hex() == case["root"]
        assert encode_document(document) == data
        check_listing(SCHEME, document)
        return
    with pytest.raises(CellbookError) as refused:
        check_listing(SCHEME, parse_document(data))
    assert code_of(refused) == case["error"]


@pytest.mark.parametrize("case", of_kind("proof"), ids=named)
def test_proofs(case: dict[str, Any]) -> None:
    count, root = case["count"], bytes.fromhex(case["root"])
    data = bytes.fromhex(case["hex"])
    if case["error"] == "ok":
        leaf = verify_membership(parse_proof(cbor.decode(data)), case["identifier"], count, root)
        assert (leaf is not None) == case["present"]
        return
    with pytest.raises(CellbookError) as refused:
        verify_membership(parse_proof(cbor.decode(data)), case["identifier"], count, root)
    assert code_of(refused) == case["error"]


def test_names_of_vectors_are_unique_and_say_why() -> None:
    assert len({case["name"] for case in CASES}) == len(CASES)
    assert all(case["why"] for case in CASES)


@pytest.mark.parametrize("rule_id", [rule.id for rule in LIST_RULES])
def test_every_list_rule_has_vectors_both_ways(rule_id: str) -> None:
    own = [case for case in of_kind("rule") if case["rule"] == rule_id]
    assert any(rule_id in case["findings"] for case in own)
    assert any(rule_id not in case["findings"] for case in own)


# The order of identifiers, for which any text of the alphabet does

identifiers = st.text("ABC019", min_size=1, max_size=4)


def row(category: str = "recycling", **fields: str) -> ListRow:
    return ListRow(name="A", category=category, **fields)


@given(st.sets(identifiers, max_size=20), identifiers)
def test_whoever_is_listed_is_shown_and_whoever_is_not_is_shown_not_to_be(
    members: set[str], asked: str
) -> None:
    document = document_of((member, row()) for member in members)
    count, root = len(members), document.root
    proof = through_bytes(prove(document, asked))
    found = verify_membership(proof, asked, count, root)
    assert found == (ListLeaf(asked, (row(),)) if asked in members else None)
    assert parse_document(encode_document(document)) == document


def shown(proof: ListProof, asked: str, document: ListDocument) -> bool | str:
    """Whether the proof shows that ``asked`` is listed; "nothing" where it is refused."""
    try:
        found = verify_membership(proof, asked, len(document.leaves), document.root)
    except CellbookError as error:
        return "nothing" if error.code == "failed.list.proof" else error.code
    return found is not None


@given(st.sets(identifiers, min_size=1, max_size=12), identifiers, st.data())
def test_no_choice_of_leaves_shows_the_contrary(
    members: set[str], asked: str, data: st.DataObject
) -> None:
    """Any one or two genuine leaves of the list show the truth, or nothing."""
    document = document_of((member, row()) for member in members)
    chosen = data.draw(st.lists(st.sampled_from(sorted(members)), max_size=2))
    leaves = tuple(prove(document, member).leaves[0] for member in chosen)
    found = shown(ListProof(leaves), asked, document)
    assert found in ("nothing", asked in members)


def test_the_empty_list_lists_nobody() -> None:
    document = document_of([])
    assert document.root == EMPTY_ROOT
    assert verify_membership(prove(document, "A"), "A", 0, EMPTY_ROOT) is None
    with pytest.raises(CellbookError) as refused:
        verify_membership(ListProof(()), "A", 1, EMPTY_ROOT)
    assert code_of(refused) == "failed.list.proof"


def test_rows_come_in_one_order_however_they_are_given() -> None:
    rows = [("B", row()), ("A", row("second-life")), ("A", row())]
    assert encode_document(document_of(rows)) == encode_document(document_of(reversed(rows)))


def test_rows_hold_from_their_first_day_to_their_last() -> None:
    held = row(valid_from="2023-01-01", valid_to="2026-07-30")
    days = ("2022-12-31", "2023-01-01", "2026-07-30", "2026-07-31")
    assert [held.is_in_force(day) for day in days] == [False, True, True, False]
    assert row().is_in_force("1999-01-01")


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([("A", row()), ("A", row())], "malformed.list.order"),
        ([("A B", row())], "malformed.list.leaf"),
        ([("甲", row())], "malformed.list.leaf"),
        ([("", row())], "malformed.list.leaf"),
        ([("A" * 129, row())], "malformed.list.leaf"),
        ([("A", row(batch=str(n))) for n in range(MAX_ROWS_OF_ONE + 1)], "malformed.list.size"),
        ([(f"A{n}", row()) for n in range(50_001)], "malformed.list.size"),
    ],
    ids=["twice", "space", "script", "empty", "long", "rows of one", "identifiers"],
)
def test_lists_that_cannot_be(rows: list[tuple[str, ListRow]], code: str) -> None:
    with pytest.raises(CellbookError) as refused:
        document_of(rows)
    assert code_of(refused) == code


def test_a_row_does_not_end_before_it_begins() -> None:
    with pytest.raises(CellbookError) as refused:
        row(valid_from="2026-07-30", valid_to="2026-07-29")
    assert code_of(refused) == "malformed.list.row"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (["A", []], "malformed.list.leaf"),
        (["A", {}], "malformed.list.leaf"),
        ([7, [{"name": "A", "category": "c"}]], "malformed.list.leaf"),
        (["A", [{"name": "A", "category": "c"}], 1], "malformed.list.leaf"),
        (["A", [{"name": "A"}]], "malformed.list.row"),
        (["A", [{"name": "A", "category": "c", "price": 1}]], "malformed.list.row"),
        (["A", [{"name": "A\n", "category": "c"}]], "malformed.payload.text"),
        (["A", [{"name": "A", "category": "c", "valid_to": "2026-02-30"}]], "malformed.date"),
        (["A", [{"name": "A", "category": "c", "batch": None}]], "malformed.list.leaf"),
        (["A", [{"name": "B", "category": "c"}, {"name": "A", "category": "c"}]],
         "malformed.list.order"),
    ],
)  # fmt: skip
def test_leaves_that_cannot_be(value: Any, code: str) -> None:
    with pytest.raises(CellbookError) as refused:
        parse_leaf(cbor.encode(value))
    assert code_of(refused) == code


def test_a_leaf_comes_back() -> None:
    leaf = ListLeaf("A", (row(province="广东", removal_reason="撤销"),))
    assert parse_leaf(encode_leaf(leaf)) == leaf


def test_a_document_is_the_one_of_its_snapshot() -> None:
    document = listed("before")
    check_root(document, document.root, len(document.leaves), document.rows)
    for changed in ((EMPTY_ROOT, 0, 0), (b"\x01" * 32, 0, 0), (document.root, 1, 0)):
        root, more, rows = changed
        with pytest.raises(CellbookError) as refused:
            check_root(document, root, len(document.leaves) + more, document.rows + rows)
        assert code_of(refused) == "failed.list.root"


def test_exactly_the_proofs_that_count_are_wanted() -> None:
    case = of_kind("answer")[0]
    both = snapshots_of(case)
    snapshots = [item for item, _ in both]
    proofs = {item.snapshot.index: prove(document, "A") for item, document in both}
    needed = {item.snapshot.index for item in wanted(snapshots, case["day"])}
    assert needed < proofs.keys()
    with pytest.raises(CellbookError) as refused:
        answer(SCHEME, "A", case["day"], snapshots, proofs)
    assert code_of(refused) == "failed.list.foreign"
    with pytest.raises(CellbookError) as refused:
        answer(SCHEME, "A", case["day"], snapshots, {})
    assert code_of(refused) == "failed.list.missing"


@pytest.mark.parametrize(
    "value",
    [
        7,
        [1],
        [[0, b"", []]] * 3,
        [[0, b""]],
        [[-1, b"", []]],
        [[1 << 40, b"", []]],
        [[0, "leaf", []]],
        [[0, bytes(65_536), []]],
        [[0, b"", [bytes(32)] * 17]],
        [[0, b"", ["hash"]]],
        [[0, b"", {}]],
    ],
)
def test_proofs_that_are_none(value: Any) -> None:
    with pytest.raises(CellbookError) as refused:
        parse_proof(value)
    assert code_of(refused) == "malformed.list.proof"


def test_a_path_of_the_wrong_length_is_refused_before_anything_is_hashed() -> None:
    document = listed("before")
    item = prove(document, document.leaves[0].identifier).leaves[0]
    longer = ProvedLeaf(item.index, item.leaf, (*item.path, bytes(32)))
    with pytest.raises(CellbookError) as refused:
        verify_membership(ListProof((longer,)), "A", len(document.leaves), document.root)
    assert code_of(refused) == "malformed.proof.path"


# Schemes


@pytest.mark.parametrize("name", ["", "A", "a-", "-a", "a--b", "a b", "a" * 65, "a\n", "名单"])
def test_names_that_schemes_do_not_have(name: str) -> None:
    with pytest.raises(CellbookError) as refused:
        check_scheme(name)
    assert code_of(refused) == "malformed.list.scheme"


def test_categories_have_one_form() -> None:
    assert [category_of(SCHEME, text) for text in ("梯次利用", "recycling")] == [
        "second-life",
        "recycling",
    ]
    assert category_of("cnas-laboratories", "任何") == "任何"
    with pytest.raises(CellbookError) as refused:
        category_of(SCHEME, "any")
    assert code_of(refused) == "malformed.list.row"


def test_an_operator_is_listed_under_its_code() -> None:
    assert identifier_of("urn:uscc:91440300MA5FKPKM1T") == "91440300MA5FKPKM1T"
    assert identifier_of("https://a.example") == "https://a.example"
    assert title_of("cnas-laboratories") == "cnas-laboratories"
    assert title_of(SCHEME) == SCHEMES[SCHEME].title
