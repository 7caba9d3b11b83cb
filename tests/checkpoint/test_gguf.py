"""From a GGUF file, a folder or a repository of them to the document."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from famtree.api import identify
from famtree.errors import HeaderError, NotFoundError, UnreadableError
from famtree.types.identification import Identification
from gguf_files import Tensors, decoder_tensors, design_of, vocabulary_of, write_gguf
from hub.repository import HubFile, make_file, make_sparse
from hub.server import HubServer

# Qwen3-8B, as its config.json has it; the vocabulary is left out.
DESIGN = design_of(
    "qwen3", block_count=36, embedding_length=4096, feed_forward_length=12288,
    attention__head_count=32, attention__head_count_kv=8, attention__key_length=128,
    context_length=40960, attention__layer_norm_rms_epsilon=1e-6, rope__freq_base=1e6,
    vocab_size=151936,
) | {"general.file_type": 15, "tokenizer.ggml.bos_token_id": 151643}  # fmt: skip
TENSORS: dict[str, tuple[str, tuple[int, ...]]] = decoder_tensors(
    layers=36, hidden=4096, heads=32, kv=8, ffn=12288, rows=151936
)
for _block in range(36):
    for _norm in ("attn_q_norm", "attn_k_norm"):
        TENSORS[f"blk.{_block}.{_norm}.weight"] = ("F32", (128,))
QWEN3_8B = 8_190_735_360
SIZE = 6 << 30


def header(metadata: dict[str, Any] = DESIGN, tensors: Tensors | None = TENSORS) -> bytes:
    return write_gguf(metadata, tensors, data=False)


def on_disk(path: Path, data: bytes, size: int = SIZE) -> Path:
    """Write a file whose weights are a hole."""
    path.write_bytes(data)
    with path.open("r+b") as stream:
        stream.truncate(size)
    return path


def codes(result: Identification) -> list[str]:
    return [one.code for one in result.warnings]


def is_the_model(result: Identification) -> None:
    assert result.family is not None
    assert (result.family.key, result.size) == ("qwen", "8B")
    assert result.checkpoint.format == "gguf"


def test_a_file(tmp_path: Path) -> None:
    path = on_disk(tmp_path / "Qwen3-8B-Q4_K_M.gguf", header())
    result = identify(str(path))
    is_the_model(result)
    assert result.checkpoint.source == "gguf"
    assert result.parameters == QWEN3_8B
    assert result.quantization is not None
    assert (result.quantization.method, result.quantization.scheme) == ("gguf", "Q4_K_M")
    assert result.quantization.effective_bits_per_weight == pytest.approx(4.65, abs=0.1)
    assert result.cost.bytes <= 1 << 20
    assert codes(result) == []


def test_a_header_beyond_the_limit_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("famtree.sources.gguf_open.LOCAL_LIMIT", 4096)
    unheard = design_of("unheard_of", block_count=36)
    result = identify(str(on_disk(tmp_path / "m.gguf", header(unheard))))
    assert codes(result).count("header-unread") == 1


def test_a_folder_names_what_else_is_there(tmp_path: Path) -> None:
    on_disk(tmp_path / "m.Q4_K_M.gguf", header())
    on_disk(tmp_path / "m.Q8_0.gguf", b"never read")
    result = identify(str(tmp_path))
    is_the_model(result)
    assert result.checkpoint.source == "local"
    (notice,) = result.warnings
    assert notice.code == "gguf-files"
    assert "m.Q8_0.gguf" in notice.message


def test_safetensors_go_before_gguf_unless_it_is_asked_for(tmp_path: Path) -> None:
    path = on_disk(tmp_path / "m.gguf", header())
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    (tmp_path / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    assert identify(str(tmp_path)).checkpoint.format == "safetensors"
    is_the_model(identify(str(path)))


def test_a_config_beside_it_counts_with_its_repository(tmp_path: Path) -> None:
    metadata = design_of("llama", block_count=32, embedding_length=4096)
    on_disk(tmp_path / "m.gguf", header(metadata, None), 1 << 20)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "mistral"}))
    architecture = identify(str(tmp_path)).fingerprint.architecture
    assert (architecture.text_model_type, architecture.layers) == ("mistral", 32)
    alone = identify(str(tmp_path / "m.gguf")).fingerprint.architecture
    assert alone.text_model_type is None


def test_split_files_are_one_model(tmp_path: Path) -> None:
    names = list(TENSORS)
    half = len(names) // 2
    first = {name: TENSORS[name] for name in names[:half]}
    second = {name: TENSORS[name] for name in names[half:]}
    on_disk(tmp_path / "m-00001-of-00002.gguf", header(DESIGN, first))
    result = identify(str(tmp_path))
    assert "shard-missing" in codes(result)
    on_disk(tmp_path / "m-00002-of-00002.gguf", header({"split.no": 1}, second))
    result = identify(str(tmp_path / "m-00001-of-00002.gguf"))
    result = identify(str(tmp_path))
    is_the_model(result)
    assert result.parameters == QWEN3_8B
    assert codes(result) == []


@pytest.mark.parametrize(
    ("kind", "metadata"),
    [
        ("adapter", {"general.type": "adapter", "general.architecture": "llama"}),
        ("mmproj", {"general.type": "mmproj", "general.architecture": "clip"}),
        ("mmproj", {"general.architecture": "clip", "clip.vision.block_count": 24}),
        ("imatrix", {"general.type": "imatrix"}),
    ],
)
def test_what_is_no_model_says_so(tmp_path: Path, kind: str, metadata: dict[str, Any]) -> None:
    result = identify(str(on_disk(tmp_path / "x.gguf", header(metadata, None), 4096)))
    assert result.outcome == "unknown"
    assert codes(result) == [f"gguf-{kind}"]
    assert result.reason == result.warnings[0].message


def test_damage_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(header()[:5000])
    with pytest.raises(HeaderError, match="claims"):
        identify(str(path))


def test_arrays_that_contradict_each_other_are_a_notice(tmp_path: Path) -> None:
    metadata = {**DESIGN, "tokenizer.ggml.tokens": ["a"], "tokenizer.ggml.merges": ["nospace"] * 9}
    result = identify(str(on_disk(tmp_path / "x.gguf", header(metadata))))
    is_the_model(result)


def hub_files(**more: bytes | HubFile) -> dict[str, bytes | HubFile]:
    metadata = {**DESIGN, **vocabulary_of(200_000)}
    return {
        "Qwen3-8B-Q4_K_M.gguf": make_sparse("Qwen3-8B-Q4_K_M.gguf", SIZE, header(metadata)),
        "Qwen3-8B-Q8_0.gguf": make_sparse("Qwen3-8B-Q8_0.gguf", SIZE, header()),
        **more,
    }


def test_a_repository_costs_little(hub: HubServer) -> None:
    # The usual Q8_0 has no vocabulary in this test, so its header comes with the first bytes.
    hub.add("org/Qwen3-8B-GGUF", {"Qwen3-8B-Q8_0.gguf": hub_files()["Qwen3-8B-Q8_0.gguf"]})
    result = identify("org/Qwen3-8B-GGUF")
    is_the_model(result)
    assert (result.checkpoint.source, result.checkpoint.weights_read) == ("hub", False)
    assert result.cost.requests == 2
    assert result.cost.bytes <= 1 << 20


def test_the_vocabulary_is_read_only_when_it_matters(hub: HubServer) -> None:
    hub.add("org/Qwen3-8B-GGUF", hub_files())
    result = identify("org/Qwen3-8B-GGUF")
    assert "gguf-files" in codes(result)
    assert result.cost.bytes <= 20 << 20
    if result.fingerprint.tokenizer is None:
        assert result.cost.bytes <= 1 << 20


def test_an_unclear_design_reads_it(hub: HubServer) -> None:
    metadata = {**design_of("llama", block_count=2, embedding_length=256), **vocabulary_of(150_000)}
    hub.add("org/x", {"x.gguf": make_file("x.gguf", write_gguf(metadata, decoder_tensors()))})
    steps: list[str] = []
    result = identify("hf://org/x/x.gguf", on_progress=steps.append)
    assert result.checkpoint.source == "gguf"
    tokenizer = result.fingerprint.tokenizer
    assert tokenizer is not None
    assert tokenizer.entries == 150_000
    assert result.fingerprint.architecture.ffn == 512
    assert any("MB" in step for step in steps)


def test_a_file_without_an_ending_is_read_by_what_it_begins_with(tmp_path: Path) -> None:
    metadata = design_of("llama") | vocabulary_of(1000)
    data = write_gguf(metadata, decoder_tensors())
    (tmp_path / "m.gguf").write_bytes(data)
    blob = tmp_path / "blobs" / f"sha256-{sha256(data).hexdigest()}"
    blob.parent.mkdir()
    blob.write_bytes(data)
    named, found = identify(str(tmp_path / "m.gguf")), identify(str(blob))
    assert found.checkpoint.source == found.checkpoint.format == "gguf"
    assert found.fingerprint == named.fingerprint
    assert found.outcome == named.outcome


def test_a_file_that_is_asked_for(hub: HubServer) -> None:
    hub.add("org/x", hub_files(**{"config.json": b"{}", "model.safetensors": b"?"}))
    result = identify("hf://org/x/Qwen3-8B-Q8_0.gguf")
    is_the_model(result)
    assert result.checkpoint.source == "gguf"
    with pytest.raises(NotFoundError):
        identify("hf://org/x/absent.gguf")


def test_a_file_that_is_not_served(hub: HubServer) -> None:
    hub.add("org/x", {"x.gguf": make_file("x.gguf", b"GGUF")})
    with pytest.raises(UnreadableError):
        identify("org/x")


@pytest.mark.parametrize("architecture", ["llama", "qwen3"])
def test_the_recipe_is_that_of_the_original(tmp_path: Path, architecture: str) -> None:
    """Equal facts have equal digests, whether a GGUF or a config.json states them."""
    metadata = design_of(
        architecture, block_count=2, embedding_length=256, feed_forward_length=512,
        attention__head_count=4, attention__head_count_kv=2, attention__key_length=64,
        context_length=4096, attention__layer_norm_rms_epsilon=1e-5, rope__freq_base=5e5,
        rope__dimension_count=64, vocab_size=1000,
    ) | {"tokenizer.ggml.bos_token_id": 1}  # fmt: skip
    (tmp_path / "m.gguf").write_bytes(write_gguf(metadata, decoder_tensors()))
    config = {
        "model_type": architecture, "num_hidden_layers": 2, "hidden_size": 256,
        "intermediate_size": 512, "num_attention_heads": 4, "num_key_value_heads": 2,
        "head_dim": 64, "max_position_embeddings": 4096, "rms_norm_eps": 1e-5,
        "rope_theta": 500000.0, "vocab_size": 1000, "bos_token_id": 1, "hidden_act": "silu",
    }  # fmt: skip
    (tmp_path / "original").mkdir()
    (tmp_path / "original" / "config.json").write_text(json.dumps(config))
    left = identify(str(tmp_path / "m.gguf")).fingerprint.recipe
    right = identify(str(tmp_path / "original")).fingerprint.recipe
    assert left.digest == right.digest
