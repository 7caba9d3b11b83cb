"""Whole checkpoints of any bytes: each gives an answer or one of famtree's errors."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from famtree import api
from famtree.errors import FamtreeError
from famtree.formats.json_report import render_json
from fingerprints.json_strategies import OBJECTS
from hostile_input.case import config, header, sound_files
from hostile_input.gguf_cases import SOUND as SOUND_GGUF
from rendering import show

pytestmark = pytest.mark.property

NAMES = (
    "config.json", "generation_config.json", "tokenizer_config.json", "special_tokens_map.json",
    "added_tokens.json", "chat_template.jinja", "chat_template.json", "quantize_config.json",
    "quant_config.json", "hf_quant_config.json", "quanto_qmap.json", "adapter_config.json",
    "adapter_model.safetensors", "mergekit_config.yml", "README.md", "params.json",
    "model_index.json", "modules.json", "0_Transformer/config.json", "model.safetensors",
    "model-00001-of-00002.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
    "pytorch_model.bin.index.json", "model.gguf", "model-00001-of-00002.gguf", "tokenizer.json",
    "tokenizer.model", "tekken.json", "qwen.tiktoken", "spiece.model", "vocab.json", "merges.txt",
    "rwkv_vocab_v1.txt", "vocab.txt",
)  # fmt: skip
_SEEDS = (
    config(), SOUND_GGUF[:4000], sound_files()["model.safetensors"][0], header({}),
    b'{"weight_map": {"a": "b"}, "metadata": {}}', b"---\nbase_model: [a/b]\n---\ntext",
    b'{"model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": ["a b"]}}',
    b"\x0a\x05\x0a\x01a\x18\x01" * 3, b"YQ== 0\nYg== 1\n", b"0 'a' 1\n1 'b' 1\n", b"a b\n", b"",
    b"merge_method: linear\nmodels: [{model: a/b, parameters: {weight: 1}}]\n",
    b'{"config": {"default_vocab_size": 9, "default_num_special_tokens": 1}, "vocab": []}',
)  # fmt: skip


@st.composite
def _damaged(draw: st.DrawFn) -> bytes:
    """Draw a file that was sound before some of its bytes were replaced, added or dropped."""
    data = draw(st.sampled_from(_SEEDS))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        gone = draw(st.sampled_from((0, 0, 1, 4, 1000)))
        data = data[:at] + draw(st.binary(max_size=9)) + data[at + gone :]
    return data


CONTENTS = st.one_of(
    st.binary(max_size=200),
    _damaged(),
    OBJECTS.map(lambda found: json.dumps(found).encode()),
    OBJECTS.map(lambda found: header(found, 4)),
)
CHECKPOINTS = st.dictionaries(st.sampled_from(NAMES), CONTENTS, min_size=1, max_size=6)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(CHECKPOINTS)
def test_any_bytes(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as place:
        for name, data in files.items():
            path = Path(place, name)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
        for reference in [place, *(f"{place}/{name}" for name in files if _is_reference(name))]:
            _answers(reference)


def _is_reference(name: str) -> bool:
    return name.endswith((".safetensors", ".safetensors.index.json", ".gguf"))


def _answers(reference: str) -> None:
    try:
        found: Any = api.identify(reference)
    except FamtreeError as fault:
        told = fault
    else:
        json.loads(render_json(found.to_document()))
        assert "\x1b" not in show(
            "identification", "text", found, width=80, color=False, verbose=True
        )
        return
    # A folder is no checkpoint where one lies below it.
    assert told.exit_code in (3, 4) or "below it" in told.message
    assert told.message
