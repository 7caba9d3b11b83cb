"""A draft, completed by a person, passes every check and recognises its checkpoint."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from examining import identify_source
from famtree import api
from famtree.registry.load import DATA, load_registry
from famtree.sources.open import open_source
from famtree.sources.reference import parse_reference
from famtree.types.identification import Identification
from fingerprints.vocabularies import tokenizer_json

CONFIG = {
    "model_type": "zephyrine",
    "architectures": ["ZephyrineForCausalLM"],
    "num_hidden_layers": 22,
    "hidden_size": 1792,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
    "intermediate_size": 4928,
    "vocab_size": 73472,
    "rope_theta": 220000.0,
    "rms_norm_eps": 1e-06,
    "max_position_embeddings": 16384,
    "hidden_act": "silu",
    "bos_token_id": 3,
    "eos_token_id": 4,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
}
EXAMPLE = Path(__file__).parents[2] / "fixtures" / "example"
GENERATION = {"eos_token_id": [4, 9], "temperature": 0.7}
SIDE = {"chat_template": '<|im_start|>"{{ x }}"\n<think>\x7f', "tokenizer_class": "Zephyrine\u007f"}


def write_checkpoint(folder: Path, **changes: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG | changes))
    (folder / "generation_config.json").write_text(json.dumps(GENERATION))
    (folder / "tokenizer_config.json").write_text(json.dumps(SIDE))
    (folder / "tokenizer.json").write_bytes(tokenizer_json())
    return folder


def complete(text: str) -> str:
    """Fill in what the draft leaves to a person."""
    for empty, filled in (
        ('\nname = ""', '\nname = "Zephyrine"'),
        ('\nmaker = ""', '\nmaker = "Acme"'),
        ('\nsources = [""]', '\nsources = ["https://example.org/zephyrine"]'),
    ):
        assert text.count(empty) == 1
        text = text.replace(empty, filled)
    return text


@pytest.fixture(scope="module")
def drafted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = write_checkpoint(tmp_path_factory.mktemp("draft") / "Zephyrine-1B")
    return folder, api.draft(str(folder), offline=True)


@pytest.fixture(scope="module")
def registry_folder(drafted: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("registry") / "data"
    shutil.copytree(DATA, folder)
    (folder / "zephyrine.toml").write_text(complete(drafted[1]), encoding="utf-8")
    return folder


def ask(checkpoint: Path, registry: Path) -> Identification:
    source = open_source(parse_reference(str(checkpoint)), offline=True)
    return identify_source(source, load_registry(registry))


def test_unfinished_draft_is_refused(drafted: tuple[Path, str], tmp_path: Path) -> None:
    shutil.copy(DATA / "_generic.toml", tmp_path)
    (tmp_path / "zephyrine.toml").write_text(drafted[1], encoding="utf-8")
    found = api.check_registry(tmp_path)
    assert any("sources: a source is empty" in fault for fault in found)
    assert any("name: name and maker must be given" in fault for fault in found)


def test_completed_draft_passes_every_check(registry_folder: Path) -> None:
    assert api.check_registry(registry_folder) == []


def test_drafted_checkpoint_is_identified(drafted: tuple[Path, str], registry_folder: Path) -> None:
    assert ask(drafted[0], DATA).outcome == "unknown"
    found = ask(drafted[0], registry_folder)
    assert found.outcome == "identified"
    assert found.family is not None
    assert (found.family.key, found.decided_by) == ("zephyrine", "exact")
    assert found.confidence >= 0.9


def test_a_relative_is_identified_by_the_drafted_rule(
    registry_folder: Path, tmp_path: Path
) -> None:
    relative = write_checkpoint(tmp_path / "tuned", num_hidden_layers=20, vocab_size=73480)
    found = ask(relative, registry_folder)
    assert found.family is not None
    assert (found.family.key, found.size) == ("zephyrine", None)


def test_draft_holds_facts_and_no_guesses(drafted: tuple[Path, str]) -> None:
    table = tomllib.loads(drafted[1])
    (generation,) = table["generation"]
    (rule,) = generation["rule"]
    assert rule["when"]["recipe"]["rope_theta"] == 220000.0
    assert rule["when"]["architecture"]["vocab_rows"] == 73472
    assert not {"layers", "hidden_size", "heads"} & rule["when"]["architecture"].keys()
    (size,) = generation["size"]
    assert (size["layers"], size["hidden_size"], size["ffn"]) == (22, 1792, 4928)
    (known,) = table["tokenizer"]
    assert known["entries"] == 11
    (exemplar,) = table["exemplar"]
    assert exemplar["repo"] == "Zephyrine-1B"
    assert exemplar["digests"].keys() == {"architecture", "recipe", "tokenizer"}


def test_draft_of_next_to_nothing_is_still_a_file(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "\\"]\\n#x", "vocab_size": 7}')
    table = tomllib.loads(api.draft(str(tmp_path), offline=True))
    assert table["key"] == "x"
    assert "size" not in table["generation"][0]


@pytest.fixture
def several(tmp_path: Path) -> list[str]:
    """Two sizes of one design, and a third checkpoint of another class."""
    large = {"num_hidden_layers": 40, "hidden_size": 3584, "max_position_embeddings": 65536}
    parts = {"architectures": ["ZephyrineForConditionalGeneration"], "tie_word_embeddings": False}
    members: dict[str, dict[str, Any]] = {
        "zephyrine-1b": {},
        "zephyrine-7b": large,
        "zephyrine-vl": parts,
    }
    return [str(write_checkpoint(tmp_path / name, **one)) for name, one in members.items()]


def test_what_several_checkpoints_share_is_stated_once(several: list[str]) -> None:
    table = tomllib.loads(text := api.draft(*several, offline=True))
    (generation,) = table["generation"]
    assert generation["common"]["architecture"]["vocab_rows"] == 73472
    one, other = (rule["when"] for rule in generation["rule"])
    assert "vocab_rows" not in one["architecture"].keys() | other["architecture"].keys()
    assert one["recipe"]["context"] == {"one_of": [16384, 65536]}
    assert (one["architecture"]["tied"], other["architecture"]["tied"]) == (True, False)
    assert [size["layers"] for size in generation["size"]] == [22, 40]
    assert [size["name"] for size in generation["size"]] == ["1B", "7B"]
    assert len(table["tokenizer"]) == 1
    assert [one["repo"] for one in table["exemplar"]] == [Path(one).name for one in several]
    assert "# No family on record comes near.\n" in text


def test_a_family_is_drafted_checked_and_known(several: list[str], tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "zephyrine.toml").write_text(complete(api.draft(*several, offline=True)), "utf-8")
    assert api.check_registry(own) == []
    for checkpoint in several:
        found = api.identify(checkpoint, offline=True, registry=own)
        assert found.family is not None
        assert (found.family.key, found.outcome) == ("zephyrine", "identified")


def test_a_draft_of_a_known_family_says_so() -> None:
    text = api.draft(str(EXAMPLE), offline=True)
    assert "# mistral/mistral-7b-v0.3: nothing; name it in hard_to_tell_from" in text
