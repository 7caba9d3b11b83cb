"""Adapters: ranks and targets from the header, the family by a base whose widths they have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from checkpoint.folders import CONFIG, make_header
from famtree import Session
from famtree.api import identify
from famtree.errors import ConfigError
from famtree.matchers.classify import Classification
from famtree.types.identification import Identification, Outcome
from fingerprints.vocabularies import tokenizer_json
from gguf_files import write_gguf

BASE = "meta-llama/Llama-3.1-8B"
H, FFN, KV, ROWS = 4096, 14336, 1024, 128256
OUTER = {"q_proj": (H, H), "k_proj": (H, KV), "v_proj": (H, KV), "o_proj": (H, H),
         "gate_proj": (H, FFN), "up_proj": (H, FFN), "down_proj": (FFN, H)}  # fmt: skip
Shapes = dict[str, tuple[int, ...]]


def lora(targets: tuple[str, ...] = tuple(OUTER), *, rank: int = 16, blocks: int = 32) -> Shapes:
    found: Shapes = {}
    for block in range(blocks):
        for target in targets:
            group = "mlp" if target.split("_")[0] in ("gate", "up", "down") else "self_attn"
            at = f"base_model.model.model.layers.{block}.{group}.{target}"
            inputs, outputs = OUTER[target]
            found[f"{at}.lora_A.weight"] = (rank, inputs)
            found[f"{at}.lora_B.weight"] = (outputs, rank)
    return found


def look(
    folder: Path, shapes: Shapes, config: Any = None, name: str = "adapter_model.safetensors"
) -> Identification:
    path = folder / name
    data = make_header(shapes, dtype="F32")
    path.write_bytes(data)
    with path.open("r+b") as stream:
        stream.truncate(
            len(data) + max(entry["data_offsets"][1] for entry in json.loads(data[8:]).values())
        )
    if config is not None:
        (folder / "adapter_config.json").write_text(json.dumps(config))
    return identify(str(folder))


def config_for(base: str = BASE, **more: Any) -> dict[str, Any]:
    return {"peft_type": "LORA", "base_model_name_or_path": base, "r": 99, **more}


def name_answer(result: Identification) -> tuple[str, str | None, str | None, str | None]:
    family = result.family.key if result.family else None
    generation = result.generation.key if result.generation else None
    return result.outcome, family, generation, result.decided_by


def declare(folder: Path, base: Any, key: str = "base_model_name_or_path", **more: Any) -> Any:
    """Return the answer to an adapter whose weights nobody can read."""
    folder.mkdir(exist_ok=True)
    (folder / "adapter_model.bin").write_bytes(b"never opened")
    config = {"peft_type": "LORA", key: base, **more}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return identify(str(folder))


def test_a_recorded_base_with_these_widths_gives_the_family(tmp_path: Path) -> None:
    result = look(tmp_path, lora(), config_for(lora_alpha=32))
    assert result.outcome == "identified"
    assert result.family is not None
    assert result.generation is not None
    assert (result.family.key, result.generation.key) == ("llama", "llama-3.1")
    assert (result.decided_by, result.confidence) == ("declared", 0.92)
    adapter = result.adapter
    assert adapter is not None
    assert (adapter.method, adapter.rank, adapter.alpha) == ("lora", 16, 32.0)
    assert adapter.targets == sorted(OUTER)
    assert (adapter.layers, adapter.source, adapter.base_check) == (32, "header", "consistent")
    assert adapter.parameters == 41_943_040  # rank 16 on all linear layers of this model


@pytest.mark.parametrize("field", ["down_proj", "k_proj", "q_proj"])
def test_other_widths_contradict_the_base(tmp_path: Path, field: str) -> None:
    shapes = {
        name: (shape[0] * 2 if ".lora_B." in name else shape[0], shape[1])
        if f".{field}." in name
        else shape
        for name, shape in lora().items()
    }
    result = look(tmp_path, shapes, config_for())
    if field == "q_proj":  # gates beside the queries double their width in some designs
        assert result.outcome == "identified"
        return
    assert (result.outcome, result.candidates) == ("unknown", [])
    assert result.adapter is not None
    assert result.adapter.base_check == "contradicted"
    assert result.adapter.base_conflicts
    assert [one.code for one in result.warnings] == ["base-contradicted", "parent-contradicted"]
    assert all(BASE in one.message for one in result.warnings)


def test_more_blocks_than_the_base_has_contradict_it(tmp_path: Path) -> None:
    result = look(tmp_path, lora(("q_proj",), blocks=33), config_for())
    assert result.adapter is not None
    assert result.adapter.base_conflicts == ["a module in block 32, where the base has 32"]


def test_a_name_with_an_official_size_of_these_widths(tmp_path: Path) -> None:
    result = look(tmp_path, lora(), config_for("somebody/my-llama-3.1-8b-tuned"))
    assert result.family is not None
    assert result.family.key == "llama"
    assert 0.5 < result.confidence < 0.9
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    result = look(wrong, lora(), config_for("somebody/gpt-2-tuned"))
    assert result.family is None
    assert result.adapter is not None
    assert result.adapter.base_check == "contradicted"


def test_a_header_without_a_config_is_described_and_settles_nothing(tmp_path: Path) -> None:
    result = look(tmp_path, lora(("q_proj", "v_proj"), rank=8))
    assert (result.outcome, result.checkpoint.format) == ("unknown", "adapter")
    assert result.adapter is not None
    assert (result.adapter.rank, result.adapter.targets) == (8, ["q_proj", "v_proj"])
    assert (result.adapter.base, result.adapter.base_check) == (None, "unchecked")


def test_rank_patterns_dora_saved_modules_and_added_tokens(tmp_path: Path) -> None:
    shapes = lora(("q_proj", "down_proj"), rank=8)
    odd = "base_model.model.model.layers.3.mlp.down_proj"
    shapes[f"{odd}.lora_A.weight"], shapes[f"{odd}.lora_B.weight"] = (32, FFN), (H, 32)
    shapes[f"{odd}.lora_magnitude_vector"] = (H,)
    shapes["base_model.model.lm_head.modules_to_save.default.weight"] = (ROWS + 8, H)
    shapes["base_model.model.model.embed_tokens.weight"] = (ROWS + 8, H)
    result = look(tmp_path, shapes, config_for())
    adapter = result.adapter
    assert adapter is not None
    assert (adapter.method, adapter.rank) == ("dora", 8)
    assert adapter.ranks == {"down_proj": [8, 32]}
    assert adapter.saved_modules == ["embed_tokens", "lm_head"]
    assert (adapter.vocab_rows, adapter.added_rows) == (ROWS + 8, 8)
    assert result.family is not None


def test_tokens_trained_alone(tmp_path: Path) -> None:
    shapes = lora(("q_proj", "o_proj"))
    shapes["base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta"] = (5, H)
    adapter = look(tmp_path, shapes, config_for()).adapter
    assert adapter is not None
    assert adapter.trained_tokens == 5
    assert adapter.method == "lora"


def test_an_adapter_of_mlx_is_stored_transposed(tmp_path: Path) -> None:
    shapes: Shapes = {}
    for block in range(16, 32):
        at = f"model.layers.{block}.self_attn.v_proj"
        shapes |= {f"{at}.lora_a": (H, 8), f"{at}.lora_b": (8, KV)}
    config = {"fine_tune_type": "lora", "lora_parameters": {"rank": 8, "alpha": 16}, "model": BASE}
    result = look(tmp_path, shapes, config, "adapters.safetensors")
    assert result.checkpoint.format == "adapter"
    adapter = result.adapter
    assert adapter is not None
    assert (adapter.rank, adapter.layers, adapter.alpha) == (8, 16, 16.0)
    assert (adapter.base, adapter.base_check) == (BASE, "consistent")


def test_an_adapter_in_gguf(tmp_path: Path) -> None:
    tensors: dict[str, tuple[str, tuple[int, ...]]] = {}
    for block in range(32):
        at = f"blk.{block}.ffn_down.weight"
        tensors |= {f"{at}.lora_a": ("F16", (16, FFN)), f"{at}.lora_b": ("F16", (H, 16))}
    metadata = {
        "general.type": "adapter", "general.architecture": "llama", "adapter.type": "lora",
        "general.base_model.count": 1,
        "general.base_model.0.repo_url": f"https://huggingface.co/{BASE}",
    }  # fmt: skip
    (tmp_path / "lora.gguf").write_bytes(write_gguf(metadata, tensors))
    result = identify(str(tmp_path / "lora.gguf"))
    assert result.adapter is not None
    assert (result.adapter.rank, result.adapter.base) == (16, BASE)
    assert result.adapter.base_check == "consistent"
    assert result.family is not None
    assert result.family.key == "llama"


def test_a_config_alone_is_declared(tmp_path: Path) -> None:
    (tmp_path / "adapter_model.bin").write_bytes(b"never opened")
    stated = config_for(target_modules=["v_proj", "q_proj"], use_dora=True, r=4)
    (tmp_path / "adapter_config.json").write_text(json.dumps(stated))
    result = identify(str(tmp_path))
    assert name_answer(result) == ("identified", "llama", "llama-3.1", "declared")
    assert result.confidence < 0.9
    adapter = result.adapter
    assert adapter is not None
    assert (adapter.method, adapter.rank, adapter.source) == ("dora", 4, "config")
    assert adapter.targets == ["q_proj", "v_proj"]


@pytest.mark.parametrize(
    "config", [{"r": -1, "target_modules": 7}, {"lora_alpha": "x", "modules_to_save": {}},
               {"peft_type": [], "base_model_name_or_path": {}, "lora_parameters": []}]
)  # fmt: skip
def test_odd_configs_are_survived(tmp_path: Path, config: dict[str, Any]) -> None:
    shapes: Shapes = {"base_model.model.lora_A.weight": (1,), "x.lora_B": (), "lora_A": (2, 2)}
    assert look(tmp_path, shapes, config).outcome == "unknown"


def test_a_whole_model_has_no_adapter(fixture_checkpoints: dict[str, Path]) -> None:
    assert identify(str(fixture_checkpoints["gpt2"])).adapter is None


@pytest.mark.parametrize(
    ("base", "answer"),
    [
        ("mistralai/Mistral-7B-Instruct-v0.1", ("mistral", "mistral-7b-v0.1")),
        ("unsloth/Qwen2.5-3B-Instruct-unsloth-bnb-4bit", ("qwen", "qwen2.5")),
        ("unsloth/llama-3.2-1b-bnb-4bit", ("llama", "llama-3.2")),
        ("unsloth/DeepSeek-R1-Distill-Llama-8B-unsloth-bnb-4bit", ("llama", "llama-3.1")),
        ("unsloth/DeepSeek-R1-Distill-Qwen-14B-bnb-4bit", ("qwen", "qwen2.5")),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", ("llama", "llama-3.3")),
        (
            "/root/.cache/huggingface/hub/models--Qwen--Qwen3-14B/snapshots/"
            "40c069824f4251a91eefaf281ebe4c544efd3e18",
            ("qwen", "qwen3"),
        ),
        ("C:\\models\\gemma-2-9b-it\\", ("gemma", "gemma-2")),
    ],
)
def test_every_spelling_of_a_base(tmp_path: Path, base: str, answer: tuple[str, str]) -> None:
    result = declare(tmp_path, base)
    assert name_answer(result) == ("identified", *answer, "declared")
    assert 0.6 < result.confidence < 0.9
    assert result.kind == "adapter"
    assert result.for_ is not None
    assert (result.for_.family, result.for_.generation, result.for_.layout) == (*answer, "lora")


@pytest.mark.parametrize("base", ["acme/oddity", "deepseek-ai/DeepSeek-R1-0528-Qwen3-8B", "./out"])
def test_a_base_of_no_one_family_settles_nothing(tmp_path: Path, base: str) -> None:
    result = declare(tmp_path, base)
    assert (result.outcome, result.family, result.kind) == ("unknown", None, "adapter")
    assert result.unknown_because == "not-judged"


@pytest.mark.parametrize("key", ["base_model_name_or_path", "model", "base_model", "model_name"])
def test_what_trainers_call_the_base(tmp_path: Path, key: str) -> None:
    result = declare(tmp_path, BASE, key)
    assert name_answer(result) == ("identified", "llama", "llama-3.1", "declared")
    assert result.lineage.parents == [BASE]


def test_a_cached_base_names_repository_and_revision(tmp_path: Path) -> None:
    commit = "40c069824f4251a91eefaf281ebe4c544efd3e18"
    base = f"/root/.cache/huggingface/hub/models--Qwen--Qwen3-14B/snapshots/{commit}"
    result = declare(tmp_path, base)
    assert result.lineage.parents == ["Qwen/Qwen3-14B"]


FALCON = "tiiuae/falcon-7b"


def test_what_fits_the_base_is_believed_more(tmp_path: Path) -> None:
    silent = declare(tmp_path / "silent", FALCON)
    for name, fit in (("targets", {"target_modules": ["query_key_value"]}),
                      ("task", {"task_type": "CAUSAL_LM"})):  # fmt: skip
        result = declare(tmp_path / name, FALCON, **fit)
        assert result.confidence > silent.confidence
        assert {one.code for one in result.warnings} == {one.code for one in silent.warnings}


@pytest.mark.parametrize(
    "odd",
    [{"target_modules": ["q_proj", "v_proj"]}, {"task_type": "SEQ_2_SEQ_LM"}, {"config": "odd"},
     {"vocabulary": True}],
)  # fmt: skip
def test_what_does_not_fit_the_base_is_told_and_lowers(tmp_path: Path, odd: dict[str, Any]) -> None:
    """A vocabulary beside the adapter may settle nothing, and then leaves the base to speak."""
    silent = declare(tmp_path / "silent", FALCON).confidence
    folder = tmp_path / "odd"
    folder.mkdir()
    if odd.pop("vocabulary", False):
        (folder / "tokenizer.json").write_bytes(tokenizer_json())
    if design := odd.pop("config", None):
        config = {"model_type": design, "architectures": ["OddForCausalLM"]}
        (folder / "config.json").write_text(json.dumps(config))
    result = declare(folder, FALCON, **odd)
    assert name_answer(result) == ("identified", "falcon", "falcon-1", "declared")
    assert result.confidence < 0.6 * silent
    assert "base-doubted" in {one.code for one in result.warnings}


def test_a_broken_config_does_not_stop_an_adapter(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{broken")
    result = declare(tmp_path, BASE)
    assert name_answer(result) == ("identified", "llama", "llama-3.1", "declared")
    assert "config-unread" in {one.code for one in result.warnings}
    (tmp_path / "adapter_config.json").write_text("{broken too")
    with pytest.raises(ConfigError):
        identify(str(tmp_path))


def test_a_design_beside_the_adapter_is_believed_before_its_base(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    result = declare(tmp_path, "google/gemma-2-9b-it")
    assert name_answer(result)[1] == "llama"
    assert result.decided_by != "declared"


def test_a_file_of_that_name_that_is_no_adapter(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    (tmp_path / "adapter_config.json").write_text('{"serial": "COM1", "baud": 9600}')
    result = identify(str(tmp_path))
    assert (result.kind, result.adapter) == ("model", None)


@pytest.mark.parametrize(
    ("config", "outcome", "settled"),
    [({}, "ambiguous", False), ({}, "identified", False), (CONFIG, "ambiguous", False),
     (CONFIG, "identified", True)],
)  # fmt: skip
def test_no_vocabulary_alone_settles_what_an_adapter_is_for(
    tmp_path: Path, config: dict[str, Any], outcome: Outcome, settled: bool
) -> None:
    """Trainers save a tokenizer beside nearly every adapter, and many designs share it."""
    declare(tmp_path, BASE)
    checkpoint = Session(offline=True).examine(str(tmp_path)).checkpoint
    found = replace(checkpoint.found, config=config)
    result = Classification(outcome, 0.5, None, None)
    findings = replace(checkpoint.findings, found=found, result=result)
    assert (findings.settled, findings.adapted is None) == (settled, settled)


@pytest.mark.parametrize(
    ("library", "family"), [("peft", "llama"), ("diffusers", "llama"), ("transformers", None)]
)
def test_a_card_that_the_trainer_wrote_names_the_base(
    tmp_path: Path, library: str, family: str | None
) -> None:
    card = f"---\nbase_model: {BASE}\nlibrary_name: {library}\n---\n"
    (tmp_path / "README.md").write_text(card)
    assert name_answer(declare(tmp_path, None))[1] == family
