from __future__ import annotations

from famtree.fingerprints.from_traits import fingerprint_traits
from famtree.matchers.sizes import match_sizes, share_of_sizes
from famtree.registry.load import load_registry
from matchers.facts import SEVEN_B, changed


def sizes_of(traits: dict[str, object]) -> dict[tuple[str, str], object]:
    return dict(match_sizes(fingerprint_traits(traits).architecture, load_registry()))


def test_an_official_shape_gains_and_is_named() -> None:
    match = sizes_of(SEVEN_B)["llama", "llama-2"]
    assert match.size.name == "7B"  # type: ignore[attr-defined]
    assert match.weight > 0  # type: ignore[attr-defined]


def test_a_shared_shape_gains_less_than_a_rare_one() -> None:
    shared = sizes_of(SEVEN_B)["llama", "llama-2"]
    rare = sizes_of(
        changed(
            SEVEN_B, architecture__layers=48, architecture__hidden_size=8192,
            architecture__heads=64, architecture__kv_heads=8, architecture__ffn=22016,
        )
    )["llama", "code-llama"]  # fmt: skip
    assert rare.weight > shared.weight  # type: ignore[attr-defined]


def test_a_custom_shape_costs_and_another_depth_costs_less() -> None:
    custom = sizes_of(changed(SEVEN_B, architecture__ffn=9999))["llama", "llama-2"]
    stacked = sizes_of(changed(SEVEN_B, architecture__layers=36))["llama", "llama-2"]
    assert custom.custom  # type: ignore[attr-defined]
    assert custom.weight < stacked.weight < 0  # type: ignore[attr-defined]


def test_without_a_shape_nothing_is_said() -> None:
    assert sizes_of({"recipe.norm_eps": 1e-5}) == {}


def test_share_of_sizes() -> None:
    registry = load_registry()
    assert share_of_sizes("kv_heads", 8, registry) > share_of_sizes("kv_heads", 7, registry)


def test_encoder_decoders_differ_by_decoder_depth() -> None:
    traits = {
        "architecture.layers": 32,
        "architecture.hidden_size": 1280,
        "architecture.heads": 20,
        "architecture.ffn": 5120,
        "architecture.vocab_rows": 51866,
    }
    for depth, name in ((32, "large-v3"), (4, "large-v3-turbo")):
        match = sizes_of({**traits, "architecture.decoder_layers": depth})["whisper", "whisper"]
        assert match.size.name == name  # type: ignore[attr-defined]


def test_rows_below_the_vocabulary_are_not_that_size() -> None:
    """A 70B with the rows of Llama 2 has no room for Code Llama's tokens."""
    large: dict[str, object] = {
        "architecture.layers": 80, "architecture.hidden_size": 8192, "architecture.heads": 64,
        "architecture.kv_heads": 8, "architecture.ffn": 28672,
    }  # fmt: skip
    for rows, custom in ((32000, True), (32015, False), (32016, False), (32064, False)):
        match = sizes_of({**large, "architecture.vocab_rows": rows})["llama", "code-llama"]
        assert match.custom is custom  # type: ignore[attr-defined]


def test_padding_that_was_trimmed_leaves_the_size() -> None:
    shape: dict[str, object] = {
        "architecture.layers": 28, "architecture.hidden_size": 3584, "architecture.heads": 28,
        "architecture.kv_heads": 4, "architecture.ffn": 18944,
    }  # fmt: skip
    for rows in (152064, 151936, 151665):
        match = sizes_of({**shape, "architecture.vocab_rows": rows})["qwen", "qwen2.5"]
        assert match.size.name == "7B"  # type: ignore[attr-defined]


def test_a_siblings_official_size_is_no_custom_one() -> None:
    found = sizes_of(SEVEN_B)
    sibling, stranger = found["llama", "llama-4"], found["qwen", "qwen2.5"]
    assert sibling.weight < stranger.weight  # type: ignore[attr-defined]
