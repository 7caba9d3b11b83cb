"""What is asked for over a network: small files and headers, a vocabulary only in doubt."""

from __future__ import annotations

from checkpoint.folders import (
    CONFIG,
    RecordingSource,
    identify_recorded,
    llama_tensors,
    make_header,
)
from famtree.types.source import CheckpointSource
from fingerprints.vocabularies import tokenizer_json

SETTLED = {
    "config.json": CONFIG,
    "generation_config.json": {"eos_token_id": [128001, 128009], "temperature": 0.6},
    "tokenizer.json": tokenizer_json(),
}
# A design nobody published, in a model_type that many use.
UNSETTLED = SETTLED | {
    "config.json": CONFIG | {"vocab_size": 77777, "rope_theta": 123456.0, "hidden_size": 3072}
}


def test_recording_source_is_a_source() -> None:
    source: CheckpointSource = RecordingSource({})
    assert source.list_files().files == ()


def test_settled_answer_asks_for_no_vocabulary() -> None:
    source = RecordingSource(SETTLED)
    result = identify_recorded(source)
    assert (result.outcome, result.confidence > 0.93) == ("identified", True)
    assert "tokenizer.json" not in source.whole
    assert set(source.whole) == {"config.json", "generation_config.json"}


def test_unsettled_answer_does() -> None:
    source = RecordingSource(UNSETTLED)
    result = identify_recorded(source)
    assert source.whole.count("tokenizer.json") == 1
    assert result.fingerprint.tokenizer is not None
    assert result.fingerprint.tokenizer.status == "read"


def test_nothing_is_read_twice() -> None:
    source = RecordingSource(UNSETTLED)
    identify_recorded(source)
    assert len(source.whole) == len(set(source.whole))


def test_no_weight_byte_is_asked_for() -> None:
    """The file has only its header: a read behind it would come back empty and be recorded."""
    header = make_header(llama_tensors())
    size = len(header) + 16_060_522_496
    source = RecordingSource(
        SETTLED | {"model.safetensors": header}, sizes={"model.safetensors": size}
    )
    result = identify_recorded(source)
    assert result.parameters == 8_030_261_248
    assert not result.checkpoint.weights_read
    assert "model.safetensors" not in source.whole
    assert source.ranges
    # The first read guesses the header's length; what it takes beyond is thrown away unread.
    assert all(stop <= max(len(header), 64 * 1024) for _, _, stop in source.ranges)
    assert sum(stop - start for _, start, stop in source.ranges) <= max(len(header), 64 * 1024)


def test_pickles_are_never_opened() -> None:
    source = RecordingSource(SETTLED | {"pytorch_model.bin": b"pickle", "training_args.bin": b"x"})
    identify_recorded(source)
    asked = {*source.whole, *(name for name, _, _ in source.ranges)}
    assert not any(name.endswith(".bin") for name in asked)


def test_code_in_the_repository_is_never_fetched() -> None:
    source = RecordingSource(SETTLED | {"modeling_oak.py": b"import os", "configuration.py": b""})
    identify_recorded(source)
    assert not any(name.endswith(".py") for name in source.whole)
