"""A vocabulary that is left unread because the answer stands without it is told of in a folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from famtree import identify
from famtree.checkpoint.vocabulary import MAX_ANY, MAX_LOCAL


@pytest.mark.parametrize("size", [MAX_LOCAL + 1, MAX_ANY + 1])
def test_a_large_vocabulary(
    fixture_checkpoints: dict[str, Path], tmp_path: Path, size: int
) -> None:
    folder = tmp_path / "model"
    # Linked, not copied: the weights have holes that a copy would fill, 16 GB of them.
    shutil.copytree(fixture_checkpoints["llama-3.1-8b"], folder, copy_function=os.link)
    (folder / "tokenizer.json").unlink(missing_ok=True)
    with (folder / "tokenizer.json").open("wb") as stream:
        stream.write(b'{"model": {}}')
        stream.truncate(size)
    found = identify(str(folder))
    assert found.family is not None
    [told] = [one.message for one in found.warnings if one.code == "tokenizer-unread"]
    assert "tokenizer.json" in told
    (folder / "tokenizer.json").write_bytes(b'{"model": {"vocab": {"a": 0}, "merges": []}}')
    assert "tokenizer-unread" not in {one.code for one in identify(str(folder)).warnings}
