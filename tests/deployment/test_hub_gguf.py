"""GGUF files of a Hub: folders of parts, several quantizations, and no size worked out of bits."""

from __future__ import annotations

import pytest

from deployment.test_fit import ask, find
from examining import examine_source
from famtree.identification.subject import Subject
from famtree.interchange.side import Plan
from famtree.sources.hub import HubSource
from famtree.sources.reference import parse_reference
from gguf_files import decoder_tensors, design_of, vocabulary_of, write_gguf
from hub.repository import make_sparse
from hub.server import HubServer

DEEPSEEK = design_of(
    "deepseek2", block_count=61, context_length=163840, embedding_length=7168,
    feed_forward_length=18432, attention__head_count=128, attention__head_count_kv=1,
    attention__kv_lora_rank=512, attention__q_lora_rank=1536, attention__key_length=576,
    attention__value_length=512, attention__key_length_mla=192, attention__value_length_mla=128,
    rope__dimension_count=64, rope__freq_base=10000.0, rope__scaling__type="yarn",
    rope__scaling__factor=40.0, rope__scaling__original_context_length=4096, expert_count=256,
    expert_used_count=8, expert_shared_count=1, expert_feed_forward_length=2048,
    leading_dense_block_count=3, vocab_size=129280,
)  # fmt: skip
GPT_OSS = design_of(
    "gpt-oss", block_count=24, context_length=131072, embedding_length=2880,
    feed_forward_length=2880, expert_feed_forward_length=2880, expert_count=32,
    expert_used_count=4, attention__head_count=64, attention__head_count_kv=8,
    attention__key_length=64, attention__value_length=64, attention__sliding_window=128,
    rope__freq_base=150000.0,
)  # fmt: skip


def name_part(word: str, at: int, count: int) -> str:
    return f"{word}/m-{word}-{at:05d}-of-{count:05d}.gguf"


def publish(hub: HubServer, name: str, files: dict[str, int], design: dict[str, object]) -> Subject:
    """Serve files of given sizes; each holds the design and a header too long to be read whole."""
    head = write_gguf(design | vocabulary_of(201_088), decoder_tensors(), data=False)
    hub.add(name, {one: make_sparse(one, size, head) for one, size in files.items()})
    return examine_source(HubSource(parse_reference(name)))


def test_parts_in_folders_are_one_model_of_the_size_of_its_files(hub: HubServer) -> None:
    """671B in nine parts beside another copy in six: 15 GB and 6.5 M tokens were answered once."""
    files = {name_part("Q4_K_M", at, 9): 44_900_000_000 for at in range(1, 10)}
    files |= {name_part("UD-Q2_K_XL", at, 6): 40_000_000_000 for at in range(1, 7)}
    subject = publish(hub, "org/R1-GGUF", files, DEEPSEEK)
    found = subject.identification
    assert found.family is not None
    assert found.family.key == "deepseek"
    assert [one.code for one in found.warnings].count("gguf-files") == 1
    fit = ask(subject, None, "llama.cpp", plan=Plan(gpu_memory=512, context=65536))
    assert (fit.memory.weights_bytes, fit.memory.weights_source) == (404_100_000_000, "files")
    assert fit.memory.kv_bytes_per_token == 61 * (512 + 64) * 2
    one = find(fit, "llama.cpp")
    assert one.needed_bytes == 404_100_000_000 + 65536 * 70_272
    assert (one.answer, one.fits, one.max_context) == ("yes", "yes", 163_840)
    assert (
        find(ask(subject, None, "llama.cpp", plan=Plan(gpu_memory=400)), "llama.cpp").fits == "no"
    )


@pytest.mark.parametrize(("memory", "fits"), [(13.3, "yes"), (12.5, "no")])
def test_a_file_of_the_hub_is_never_counted_smaller_than_it_is(
    hub: HubServer, memory: float, fits: str
) -> None:
    """20.9 B parameters x 4 bits are 10.46 GB: scales and 8-bit parts are in the file, too."""
    subject = publish(hub, "org/oss-GGUF", {"m-mxfp4.gguf": 12_099_492_576}, GPT_OSS)
    plan = Plan(gpu_memory=memory, context=4096)
    fit = ask(subject, None, "llama.cpp", plan=plan)
    assert (fit.memory.weights_bytes, fit.memory.weights_source) == (12_099_492_576, "files")
    assert find(fit, "llama.cpp").fits == fits
