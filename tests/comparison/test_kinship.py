"""Kinship over whole ancestries: any number of links, cousins, renamed repositories, merges.

Shapes and cards only: what is asked is whether `compare` and `check` see all that `lineage` sees.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from math import prod
from pathlib import Path

import pytest

from checkpoint.folders import llama_tensors, make_header
from cli.commands import Command, make_command
from famtree import api
from famtree.types.comparison import Comparison, LineageVerdict
from gguf_files import decoder_tensors, design_of, write_gguf
from hub.repository import make_sparse
from hub.server import HubServer
from judged_links import adapter_files
from lineage_hubs import LLAMA_3, add_model

BASE = "meta-llama/Llama-3.1-8B"
INSTRUCT, FORMER = "meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Meta-Llama-3.1-8B-Instruct"
HEADER = make_header(llama_tensors())
SIZE = len(HEADER) + 2 * sum(map(prod, llama_tensors().values()))


def add_llama(hub: HubServer, name: str, *parents: str) -> None:
    """Add a checkpoint of this size with weights of its own, of which only the header is there."""
    shard = replace(
        make_sparse("model.safetensors", SIZE, HEADER), sha256=sha256(name.encode()).hexdigest()
    )
    add_model(hub, name, list(parents) or None, config=LLAMA_3, files={"model.safetensors": shard})


def judge(a: str, b: str) -> LineageVerdict:
    return api.compare(a, b, engines=["vllm"]).relation.lineage


def find_ancestor(found: LineageVerdict) -> tuple[str, int, int] | None:
    one = found.common_ancestor
    return None if one is None else (one.ref, one.distance_a, one.distance_b)


def answer(found: Comparison, question: str) -> str:
    return next(
        one.answer for one in found.interchange if one.question == question and one.engine is None
    )


@pytest.fixture
def famtree(capsys: pytest.CaptureFixture[str]) -> Command:
    return make_command(capsys)


@pytest.fixture
def renamed(hub: HubServer) -> HubServer:
    add_llama(hub, INSTRUCT)
    hub.add(FORMER, {}, moved_to=INSTRUCT)
    add_llama(hub, "x/one", FORMER)
    add_llama(hub, "y/two", INSTRUCT)
    add_llama(hub, "unsloth/copy", INSTRUCT)
    add_llama(hub, "z/three", "unsloth/copy")
    return hub


@pytest.fixture
def chain(hub: HubServer) -> HubServer:
    add_llama(hub, BASE)
    add_llama(hub, "p/finetune", BASE)
    add_llama(hub, "q/dpo", "p/finetune")
    add_llama(hub, "r/other", BASE)
    add_llama(hub, "n/stranger")
    return hub


def test_both_names_of_a_renamed_repository_are_one_parent(renamed: HubServer) -> None:
    for a, b in (("x/one", "y/two"), ("y/two", "x/one")):
        found = judge(a, b)
        assert (found.verdict, found.status) == ("siblings", "consistent")
        assert find_ancestor(found) == (INSTRUCT, 1, 1)
        assert found.path == [a, INSTRUCT, b]
    cousins = judge("y/two", "z/three")
    assert (cousins.verdict, find_ancestor(cousins)) == ("related", (INSTRUCT, 1, 2))
    [edge] = [one for one in api.lineage("x/one").edges if one.child == "x/one"]
    assert edge.parent == INSTRUCT


@pytest.mark.parametrize("child", ["x/one", "y/two"])
@pytest.mark.parametrize("parent", [INSTRUCT, FORMER])
def test_a_parent_is_expected_under_either_name(
    renamed: HubServer, famtree: Command, tmp_path: Path, child: str, parent: str
) -> None:
    assert famtree("identify", child, "--expect-parent", parent).code == 0
    policy = tmp_path / "famtree.toml"
    policy.write_text(
        f'schema = "famtree/policy/1"\n[[checkpoint]]\nref = "{child}"\n'
        f'expect_parent = "{parent}"\n'
    )
    assert famtree("check", str(policy)).code == 0


@pytest.mark.parametrize("parent", ["unsloth/copy", "n/nothing", "meta-llama", "./here"])
def test_another_parent_is_not_the_expected_one(
    renamed: HubServer, famtree: Command, parent: str
) -> None:
    found = famtree("identify", "y/two", "--expect-parent", parent)
    assert found.code == 1
    assert "is not among its parents" in found.err


def test_descent_over_two_links(chain: HubServer, famtree: Command) -> None:
    found = judge("q/dpo", BASE)
    assert (found.verdict, found.status, found.distance) == ("a-derives-from-b", "consistent", 2)
    assert (found.path, found.relation) == (["q/dpo", "p/finetune", BASE], None)
    back = judge(BASE, "q/dpo")
    assert (back.verdict, back.distance) == ("b-derives-from-a", 2)
    for other in (BASE, "r/other"):
        asked = ("compare", "q/dpo", other, "--engine", "vllm", "--expect", "same-lineage")
        assert famtree(*asked).code == 0


def test_cousins_have_a_common_ancestor(chain: HubServer) -> None:
    found = judge("q/dpo", "r/other")
    assert (found.verdict, found.distance) == ("related", 3)
    assert find_ancestor(found) == (BASE, 2, 1)
    assert find_ancestor(judge("r/other", "q/dpo")) == (BASE, 1, 2)


def test_strangers_of_one_design_stay_undetermined(chain: HubServer, famtree: Command) -> None:
    for other in (BASE, "q/dpo", "r/other"):
        found = judge("n/stranger", other)
        assert (found.verdict, found.status) == ("undetermined", "unresolved")
        assert (found.distance, found.path, found.common_ancestor) == (None, [], None)
    asked = ("compare", "n/stranger", BASE, "--engine", "vllm", "--expect", "same-lineage")
    assert famtree(*asked).code == 1


def test_an_adapter_on_a_quantized_copy_belongs_to_the_original(hub: HubServer) -> None:
    add_llama(hub, INSTRUCT)
    packed = {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}
    copy = "unsloth/Meta-Llama-3.1-8B-Instruct-bnb-4bit"
    add_model(hub, copy, INSTRUCT, config=LLAMA_3, changes=packed)
    hub.add("me/lora", adapter_files(copy, hidden=4096))
    found = judge("me/lora", INSTRUCT)
    assert (found.verdict, found.distance) == ("a-derives-from-b", 2)
    assert found.path == ["me/lora", copy, INSTRUCT]
    assert found.status in ("consistent", "declared")
    whole = api.compare("me/lora", INSTRUCT, engines=["vllm"])
    assert answer(whole, "lora") in ("yes", "conditional")


def test_a_gguf_of_a_finetune_of_a_finetune(chain: HubServer) -> None:
    stated = design_of("llama", block_count=32, embedding_length=4096, feed_forward_length=14336,
                       attention__head_count=32, attention__head_count_kv=8)  # fmt: skip
    tensors = decoder_tensors(layers=32, hidden=4096, heads=32, kv=8, ffn=14336, rows=128256)
    head = write_gguf(stated, tensors, data=False)
    file = make_sparse("dpo-Q4_K_M.gguf", 4_900_000_000, head)
    chain.add("q/dpo-GGUF", {file.name: file}, card={"base_model": "q/dpo"})
    found = judge("q/dpo-GGUF", BASE)
    assert (found.verdict, found.distance) == ("a-derives-from-b", 3)
    assert found.path == ["q/dpo-GGUF", "q/dpo", "p/finetune", BASE]
    assert found.status in ("consistent", "declared")
    cousin = judge("q/dpo-GGUF", "r/other")
    assert (cousin.verdict, find_ancestor(cousin)) == ("related", (BASE, 3, 1))


def test_merges_with_a_common_grandparent(chain: HubServer) -> None:
    for name, parents in {"m/one": ("a/1", "a/2"), "m/two": ("b/1", "b/2")}.items():
        for parent in parents:
            add_llama(chain, parent, BASE)
        add_llama(chain, name, *parents)
    found = api.compare("m/one", "m/two", engines=["mergekit"])
    lineage = found.relation.lineage
    assert (lineage.verdict, find_ancestor(lineage)) == ("related", (BASE, 2, 2))
    assert answer(found, "merge") == "yes"
    strangers = api.compare("m/one", "n/stranger", engines=["mergekit"])
    assert answer(strangers, "merge") != "yes"


def test_each_named_by_the_other_is_kinship_without_direction(hub: HubServer) -> None:
    add_llama(hub, "a/one", "b/two")
    add_llama(hub, "b/two", "a/one")
    for a, b in (("a/one", "b/two"), ("b/two", "a/one")):
        found = judge(a, b)
        assert (found.verdict, found.relation, found.status) == (
            "related", "finetune", "consistent",
        )  # fmt: skip
        assert "names the other" in found.reason


PAIRS = [("q/dpo", BASE), ("q/dpo", "r/other"), ("q/dpo", "n/stranger"), ("m/one", "q/dpo")]


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_a_comparison_asks_no_more_than_two_lineages(
    chain: HubServer, tmp_path: Path, a: str, b: str
) -> None:
    add_llama(chain, "m/one", "q/dpo", "r/other")

    def count(ask: Callable[[], object]) -> int:
        shutil.rmtree(tmp_path / "hf", ignore_errors=True)
        chain.seen.clear()
        ask()
        return chain.seen.requests

    lineages = [count(lambda ref=ref: api.lineage(ref)) for ref in (a, b)]  # type: ignore[misc]
    assert 0 < count(lambda: api.compare(a, b, engines=["vllm"])) <= sum(lineages)
