"""Real files from PyPI and npm (`scripts/fetch_real_files.py`); skipped where absent."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

import pytest

from famtree.api import identify
from famtree.fingerprints.tokenizer import build_tokenizer
from famtree.sources.gguf_header import GgufReader
from famtree.types.identification import Identification

# Read at import: the surroundings of a test have no FAMTREE_ variables.
_FOLDER = Path(os.environ.get("FAMTREE_REAL_FILES") or Path.home() / ".cache/famtree/real-files")
pytestmark = pytest.mark.corpus

FAMILIES = {
    "SmolLM2-135M-Instruct.Q4_1": ("smollm", "smollm2"),
    "gemma-3-270m-q4_k_m": ("gemma", "gemma-3"),
    "ggml-vocab-aquila": ("aquila", None),
    "ggml-vocab-baichuan": ("baichuan", None),
    "ggml-vocab-bert-bge": ("bert", None),
    "ggml-vocab-command-r": ("command-r", None),
    "ggml-vocab-deepseek-coder": ("deepseek", "deepseek-coder"),
    "ggml-vocab-deepseek-llm": ("deepseek", None),
    "ggml-vocab-falcon": ("falcon", None),
    "ggml-vocab-gemma-4": ("gemma", "gemma-4"),
    "ggml-vocab-gpt-2": ("gpt-2", None),
    "ggml-vocab-gpt-neox": ("gpt-neox", None),
    "ggml-vocab-llama-bpe": ("llama", "llama-3"),
    "ggml-vocab-llama-spm": ("llama", "llama-2"),
    "ggml-vocab-mpt": ("mpt", None),
    "ggml-vocab-phi-3": ("phi", "phi-3"),
    "ggml-vocab-qwen2": ("qwen", None),
    "ggml-vocab-qwen35": ("qwen", None),
    "ggml-vocab-starcoder": ("starcoder", None),
}


def real(name: str) -> Path:
    path = _FOLDER / name
    if not path.exists():
        pytest.skip(f"{path} is absent; scripts/fetch_real_files.py downloads it")
    return path


def look(name: str) -> Identification:
    return identify(str(real(f"{name}.gguf")))


@pytest.mark.parametrize("name", FAMILIES)
def test_families(name: str) -> None:
    family, generation = FAMILIES[name]
    result = look(name)
    assert result.family is not None
    assert result.family.key == family
    assert generation is None or (result.generation and result.generation.key == generation)


def test_a_small_model() -> None:
    result = look("SmolLM2-135M-Instruct.Q4_1")
    assert result.parameters == 134_515_008
    assert result.quantization is not None
    assert result.quantization.scheme == "Q4_1"
    assert result.variant == "instruct"


def test_a_label_that_lies() -> None:
    result = look("gemma-3-270m-q4_k_m")
    assert result.parameters == 268_098_176
    assert result.quantization is not None
    assert result.quantization.scheme == "Q4_K_M (mostly Q5_0)"


@pytest.mark.parametrize(
    ("one", "other"),
    [("ggml-vocab-gpt-neox", "ggml-vocab-mpt"), ("ggml-vocab-qwen2", "ggml-vocab-qwen35")],
)
def test_equal_vocabularies_have_equal_digests(one: str, other: str) -> None:
    left, right = (look(name).fingerprint.tokenizer for name in (one, other))
    assert left is not None
    assert right is not None
    assert left.vocabulary == right.vocabulary
    assert left.merges == right.merges
    assert left.sketch == right.sketch


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("llama3", "ggml-vocab-llama-bpe"),
        ("gpt2", "ggml-vocab-gpt-2"),
        ("minilm", "ggml-vocab-bert-bge"),
        ("minilm-copy", "ggml-vocab-bert-bge"),
    ],
)
def test_a_vocabulary_has_the_same_digests_in_both_forms(folder: str, name: str) -> None:
    left = identify(str(real(folder))).fingerprint.tokenizer
    right = look(name).fingerprint.tokenizer
    assert left is not None
    assert right is not None
    for field in ("vocabulary", "merges", "merges_sorted", "added", "sketch", "entries"):
        assert getattr(left, field) == getattr(right, field), field


def test_only_later_added_tokens_differ() -> None:
    """The two releases share the trained vocabulary and mark other tokens as special."""
    left = identify(str(real("command_r_plus"))).fingerprint.tokenizer
    right = look("ggml-vocab-command-r").fingerprint.tokenizer
    assert left is not None
    assert right is not None
    assert (left.vocabulary, left.merges) == (right.vocabulary, right.merges)
    assert left.added != right.added


def test_sentencepiece_and_json_of_one_vocabulary() -> None:
    path = real("wordllama") / "l2_supercat_tokenizer_config.json"
    files = {"tokenizer.json": path.read_bytes()}
    left, right = build_tokenizer(files), look("ggml-vocab-llama-spm").fingerprint.tokenizer
    assert left is not None
    assert right is not None
    assert (left.vocabulary, left.sketch) == (right.vocabulary, right.sketch)


def test_two_packages_hold_one_model() -> None:
    one, copy = (identify(str(real(name))) for name in ("minilm", "minilm-copy"))
    for result in (one, copy):
        assert result.family is not None
        assert result.family.key == "bert"
        assert result.parameters == 22_713_216
    assert one.fingerprint.architecture.digest == copy.fingerprint.architecture.digest
    hashes = {
        hashlib.sha256((real(name) / "model.safetensors").read_bytes()).hexdigest()
        for name in ("minilm", "minilm-copy")
    }
    assert len(hashes) == 1


def test_the_largest_header_is_quick() -> None:
    path = real("ggml-vocab-gemma-4.gguf")
    started = time.process_time()
    with path.open("rb") as stream:

        def fetch(start: int, stop: int) -> bytes:
            stream.seek(start)
            return stream.read(stop - start)

        reader = GgufReader(fetch, path.name, size=path.stat().st_size)
        assert reader.read_design().length < 4096
        assert reader.read_rest().complete
    assert time.process_time() - started < 0.4


# The published params.json of each size (mistralai/*, `params.json`), as far as it matters here.
_SEVEN_B = {
    "dim": 4096, "n_layers": 32, "head_dim": 128, "hidden_dim": 14336, "n_heads": 32,
    "n_kv_heads": 8, "norm_eps": 1e-5,
}  # fmt: skip
_TWELVE_B = _SEVEN_B | {"dim": 5120, "n_layers": 40, "rope_theta": 1e6, "vocab_size": 131072}


@pytest.mark.parametrize(
    ("name", "params", "generation"),
    [
        ("tokenizer.model.v1", {"vocab_size": 32000, "sliding_window": 4096}, "mistral-7b-v0.1"),
        (
            "mistral_instruct_tokenizer_240323.model.v3",
            {"vocab_size": 32768, "rope_theta": 1e6},
            "mistral-7b-v0.3",
        ),
        ("tekken_240718.json", _TWELVE_B, "mistral-nemo"),
        (
            "tekken_240911.json",
            _TWELVE_B | {"hidden_dim": 32768, "rope_theta": 1e8},
            "mistral-small-3",
        ),
    ],
)
def test_native_vocabularies(
    tmp_path: Path, name: str, params: dict[str, float], generation: str
) -> None:
    vocabulary = real("mistral-common") / name
    target = "tekken.json" if name.startswith("tekken") else "tokenizer.model"
    (tmp_path / target).write_bytes(vocabulary.read_bytes())
    (tmp_path / "params.json").write_text(json.dumps(_SEVEN_B | params))
    result = identify(str(tmp_path))
    assert result.family is not None
    assert result.family.key == "mistral"
    assert generation in {one.generation for one in result.candidates}
    assert result.fingerprint.tokenizer is not None
    assert result.fingerprint.tokenizer.vocabulary is not None


@pytest.mark.parametrize(
    ("target", "names"),
    [
        ("tekken.json", ("tekken_240718.json", "tekken_240911.json")),
        (
            "tokenizer.model",
            (
                "mistral_instruct_tokenizer_240323.model.v3",
                "mistral_instruct_tokenizer_241114.model.v7",
                "mistral_instruct_tokenizer_241114.model.v7m1",
            ),
        ),
    ],
)
def test_releases_of_one_vocabulary(target: str, names: tuple[str, ...]) -> None:
    """They differ in control tokens, or in nothing but bytes; what was trained is one."""
    found = {
        tokenizer.vocabulary
        for name in names
        if (tokenizer := build_tokenizer({target: (real("mistral-common") / name).read_bytes()}))
    }
    assert len(found) == 1
    assert None not in found
