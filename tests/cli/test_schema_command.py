from __future__ import annotations

import pytest

from cli.commands import Command
from famtree.cli.schema import Document
from famtree.formats.schema import SCHEMA_NAMES, build_schema


def test_choices_are_the_documents_with_a_schema() -> None:
    assert tuple(Document) == SCHEMA_NAMES


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_schema_is_printed(command: Command, name: str) -> None:
    done = command("schema", name)
    assert (done.code, done.err) == (0, "")
    assert done.document == build_schema(Document(name).value)
