"""Documents that are made from the code are those of this code."""

from __future__ import annotations

from tests.documents import outdated


def test_generated_documents_are_current() -> None:
    assert list(outdated()) == [], "run `make docs`"
