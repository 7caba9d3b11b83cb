from __future__ import annotations

import pytest

from famtree.errors import AccessError, FamtreeError
from famtree.formats.error_report import build_error_document
from famtree.formats.schema import ErrorDocument
from rendering import show


def test_document_fits_its_schema() -> None:
    document = build_error_document(AccessError("no", hint="ask", code="gated"))
    assert document["error"]["code"] == "gated"
    assert ErrorDocument.model_validate(document).model_dump(mode="json") == document


@pytest.mark.parametrize(("hint", "text"), [("", "error: no\n"), ("ask", "error: no\nhint: ask\n")])
def test_lines(hint: str, text: str) -> None:
    assert show("error", "text", FamtreeError("no", hint=hint)) == text


def test_message_is_one_bounded_line() -> None:
    error = FamtreeError("a\n\tb" + "c" * 10_000)
    message = build_error_document(error)["error"]["message"]
    assert message.startswith("a bcc")
    assert len(message) == 2000
    assert message.endswith("…")
