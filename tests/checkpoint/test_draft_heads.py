"""A draft head has no family of its own; what it is for is told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checkpoint.folders import CONFIG, write_folder
from famtree.api import identify
from famtree.formats.plain import write_plain
from famtree.formats.table import Options
from famtree.formats.text_report import report_identification
from famtree.types.identification import Identification

HEAD = {**CONFIG, "architectures": ["LlamaForCausalLMEagle3"], "num_hidden_layers": 1,
        "draft_vocab_size": 32000}  # fmt: skip


def ask(folder: Path, config: dict[str, Any], **files: Any) -> Identification:
    return identify(str(write_folder(folder, {"config.json": config, **files})))


def test_a_head_is_of_its_kind_and_of_no_family(tmp_path: Path) -> None:
    result = ask(tmp_path / "m", HEAD)
    assert (result.kind, result.outcome, result.family) == ("draft-head", "unknown", None)
    assert (result.unknown_because, result.candidates) == ("not-judged", [])
    assert result.confidence >= 0.9
    assert (result.parameters, result.size, result.variant) == (None, None, None)
    target = result.for_
    assert target is not None
    assert (target.hidden_size, target.vocab_rows, target.layout) == (4096, 128256, "eagle3")
    assert result.to_document()["for"]["layout"] == "eagle3"
    assert "draft head" in result.reason


def test_more_layers_make_it_a_model(tmp_path: Path) -> None:
    result = ask(tmp_path / "m", {**HEAD, "num_hidden_layers": 32})
    assert (result.kind, result.for_) == ("model", None)


@pytest.mark.parametrize(
    "files",
    [
        {"README.md": "---\nbase_model: meta-llama/Llama-3.1-8B-Instruct\n---\n"},
        {"config.json": {**HEAD, "base_model_name_or_path": "meta-llama/Llama-3.1-8B-Instruct"}},
    ],
)
def test_a_named_target_gives_the_family_it_is_for(tmp_path: Path, files: dict[str, Any]) -> None:
    result = ask(tmp_path / "m", HEAD, **files)
    assert result.for_ is not None
    assert (result.for_.family, result.for_.generation) == ("llama", "llama-3.1")
    assert result.family is None


def test_widths_that_one_family_alone_has_name_it(tmp_path: Path) -> None:
    """248,320 rows beside a width of 5,120."""
    result = ask(tmp_path / "m", {**HEAD, "hidden_size": 5120, "vocab_size": 248320})
    assert result.for_ is not None
    assert result.for_.family == "qwen"


def test_the_report_names_the_kind(tmp_path: Path) -> None:
    text = write_plain(report_identification(ask(tmp_path / "m", HEAD), Options()))
    assert "none of its own" in text
    assert "draft-head (eagle3)" in text
