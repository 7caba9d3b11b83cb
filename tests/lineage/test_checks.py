from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from famtree.checkpoint.facts import NodeFacts, make_traits
from famtree.fingerprints.from_traits import fingerprint_traits
from famtree.lineage.checks import check_link

BASE: dict[str, Any] = {
    "architecture.text_model_type": "oak",
    "architecture.layers": 32,
    "architecture.hidden_size": 4096,
    "architecture.heads": 32,
    "architecture.head_dim": 128,
    "architecture.ffn": 11008,
    "architecture.vocab_rows": 32000,
    "architecture.qk_norm": False,
}


def node(ref: str = "a/x", *, hashes: str = "", **changes: Any) -> NodeFacts:
    traits = {**BASE, **{f"architecture.{name}": value for name, value in changes.items()}}
    return NodeFacts(
        ref=ref,
        traits=make_traits(fingerprint_traits(traits)),
        weight_hashes=frozenset({(hashes, 1)}) if hashes else frozenset(),
    )


def test_equal_shapes_are_consistent_and_never_verified() -> None:
    check = check_link(node("a/child"), node(), "finetune")
    assert (check.relation, check.status) == ("finetune", "consistent")


def test_equal_weight_hashes_verify_a_copy() -> None:
    check = check_link(node("b/y", hashes="f"), node(hashes="f"), "finetune")
    assert (check.relation, check.status) == ("copy", "verified")


def test_another_width_rules_a_finetune_out() -> None:
    check = check_link(node("b/y", hidden_size=5120, ffn=13824, heads=40), node(), "finetune")
    assert check.status == "contradicted"
    assert any(one.weight < 0 for one in check.evidence)


def test_fewer_layers_are_pruning_and_more_are_stacking() -> None:
    assert check_link(node("b/y", layers=16), node(), "finetune").relation == "pruned"
    assert check_link(node("b/y", layers=48), node(), "finetune").relation == "upscaled"
    assert check_link(node("b/y", layers=200), node(), "finetune").status == "contradicted"


def test_a_quantized_copy_keeps_depth_and_vocabulary() -> None:
    assert check_link(node("b/y", layers=16), node(), "quantized").status == "contradicted"
    assert check_link(node("b/y", vocab_rows=20000), node(), "quantized").status == "contradicted"


def test_query_norms_do_not_appear_by_training() -> None:
    assert check_link(node("b/y", qk_norm=True), node(), "finetune").status == "contradicted"


def test_appended_rows_are_no_contradiction() -> None:
    assert check_link(node("b/y", vocab_rows=32016), node(), "finetune").status == "consistent"


def test_a_student_may_differ_from_its_teacher() -> None:
    assert check_link(node("b/y", hidden_size=64), node(), "distill").status == "declared"


def test_too_little_in_common_stays_declared() -> None:
    bare = NodeFacts("b/y", make_traits(fingerprint_traits({"architecture.layers": 32})))
    assert check_link(bare, node(), "finetune").status == "declared"


def test_a_stated_surgery_has_a_direction() -> None:
    small = node("b/y", hidden_size=3072, heads=24, ffn=8192)
    assert check_link(small, node(), "pruned").status == "consistent"
    assert check_link(node("b/y"), small, "pruned").status == "contradicted"
    assert check_link(small, node(), "upscaled").status == "contradicted"


def test_experts_where_there_were_none_are_upcycled() -> None:
    mixture = node("b/y", experts=8, text_model_type="oakmoe")
    check = check_link(mixture, node(), "finetune")
    assert (check.relation, check.status) == ("upcycled", "consistent")
    assert check_link(node(), mixture, "finetune").status == "contradicted"
    foreign = node("b/y", experts=8, vocab_rows=50000)
    assert check_link(foreign, node(), "finetune").status == "contradicted"


def test_an_official_sibling_is_not_pruned() -> None:
    """Depth alone differs: stated sizes tell a sibling from a cut."""
    small = replace(node("b/y", layers=16), generation="oak-1", size="3B")
    large = replace(node(), generation="oak-1", size="7B")
    assert check_link(small, large, "finetune").status == "contradicted"
    assert check_link(small, replace(large, size=None), "finetune").relation == "pruned"
    assert check_link(small, large, "pruned").status == "consistent"


def test_shapes_of_tensors_count_where_both_are_read() -> None:
    names = [f"model.layers.{number}.mlp.up_proj.weight" for number in range(10)]
    left = replace(node("b/y"), shapes=dict.fromkeys(names, (8, 4)))
    assert check_link(left, replace(node(), shapes=left.shapes), "finetune").status == "consistent"
    other = replace(node(), shapes=dict.fromkeys(names, (8, 5)))
    assert check_link(left, other, "finetune").status == "contradicted"


def test_a_recipe_s_depth_stands_for_the_parent_s() -> None:
    deep = node("b/y", layers=48)
    assert check_link(deep, node(), "merge", stacked=48).status == "consistent"
    assert check_link(deep, node(), "merge", stacked=40).status == "contradicted"
