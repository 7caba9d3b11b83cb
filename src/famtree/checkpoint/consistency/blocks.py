"""The blocks of each tower against each other: a missing one, and a missing part of one.

Blocks differ with good reason: dense layers before experts, recurrent ones between attention,
layers that share keys with others, norms that the first one does without. What is told is a part
that a block cannot do without, or one that a single block among many of its kind lacks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from famtree.checkpoint.consistency.examined import Contradiction, Examined, join
from famtree.fingerprints.tensor_names import Module, Stack, load_roles

Element = tuple[str, str, str]
"""Path inside a block with numbers as #, leaf, dtype where it was read."""
Elements = Counter[Element]

_TOGETHER = (
    ({"gate", "up", "gate_up"}, {"down"}),
    ({"down"}, {"gate", "up", "gate_up", "wide"}),
    ({"q", "qkv", "k"}, {"o"}),
    ({"o"}, {"q", "qkv", "kv"}),
    ({"expert_gate", "expert_up"}, {"expert_down"}),
    ({"expert_down"}, {"expert_up", "expert_gate"}),
    ({"experts_gate_up"}, {"experts_down"}),
    ({"experts_down"}, {"experts_gate_up", "experts_up"}),
)
"""A block with a part of the first roles has one of the second, where other blocks do."""
_CORE = frozenset().union(*(have | need for have, need in _TOGETHER)) | {"v"}
_PLAIN_NORMS = frozenset({"input_layernorm", "post_attention_layernorm"})
"""What the first and the last block have wherever the others have it. Other parts may be left out
there: the first block of ModernBERT has no `attn_norm`."""
_SCALES = ("scale", "zero", "absmax", "quant", "g_idx", "nested", "SCB", "meta")
_SEEING = re.compile(r"vis(?:ion|ual)|image|img|patch|pixel|tower|perceiv", re.I)
"""Words in the paths of modules that see, beside the names of towers on record."""
_FEW_TENSORS = 20_000
_MOST_KINDS = 8
"""Kinds of blocks that are compared; released designs have some four."""
_FEWEST_ALIKE = 2
"""So many other blocks have to agree on what one of them lacks."""


def find_missing_blocks(one: Examined) -> Iterator[Contradiction]:
    """A tower whose blocks are not numbered without a gap."""
    if not one.layout.names_known:
        return
    for stack in _list_towers(one):
        numbers = stack.blocks.keys()
        absent = sorted(set(range(max(numbers) + 1)) - numbers)
        if not absent or len(absent) >= len(numbers):
            continue  # a part of a model, such as the layers that guess ahead
        stated = one.architecture.layers if stack is one.layout.main else None
        if absent == [0] and stated == len(numbers - stack.extra_blocks()):
            continue  # counted from one
        word = "layer" if len(absent) == 1 else "layers"
        yield Contradiction(
            f"{word} {join(absent)} of {max(numbers) + 1} is missing from {stack.path}: "
            "no engine loads the model",
            f"layers 0 to {max(numbers)}",
            f"{len(numbers)} layers",
        )


def find_missing_modules(one: Examined) -> Iterator[Contradiction]:
    """A block that lacks a module which all others of its kind have."""
    if not one.layout.names_known or "block_configs" in one.text_config:
        return  # a design whose blocks are pruned one by one
    for stack in _list_towers(one):
        for number, lacking in sorted(_find_incomplete(one, stack).items()):
            yield Contradiction(
                f"layer {number} of {stack.path} lacks {join(lacking)}, which the other layers "
                "have: no engine loads the model",
                join(lacking),
                "absent",
            )


def find_missing_towers(one: Examined) -> Iterator[Contradiction]:
    """No tensor of the vision tower that config.json describes, beside a whole language tower.

    mlx-lm takes the tower off what it converts and loads the language model by itself.
    """
    layout, quantization = one.layout, one.findings.quantization
    described = one.found.config.get("vision_config")
    depth = one.architecture.vision_layers
    if not layout.names_known or layout.main is None or not isinstance(described, dict):
        return
    if not depth or one.is_gguf or (quantization is not None and quantization.method == "mlx"):
        return
    known = (*load_roles()["vision_towers"], *load_roles()["other_towers"])
    seen = any(
        _SEEING.search(module.path) or any(name in module.path for name in known)
        for module in layout.modules
    )
    if layout.vision is not None or seen or not one.architecture.vision_hidden_size:
        return
    yield Contradiction(
        f"config.json describes a vision tower of {depth} layers, of which the files hold nothing: "
        "engines that load the whole class refuse the model, and no engine sees images with it",
        f"a vision tower of {depth} layers",
        f"{layout.main.path} alone",
    )


def _list_towers(one: Examined) -> list[Stack]:
    layout = one.layout
    towers = [layout.main, layout.encoder, layout.vision]
    return [stack for stack in towers if stack is not None and stack.blocks]


def _find_incomplete(one: Examined, stack: Stack) -> dict[int, list[str]]:
    """Return the names of what blocks lack."""
    extra = stack.extra_blocks() | _list_sharing(one, stack)
    kinds = one.text_config.get("layer_types") if stack is one.layout.main else None
    groups: dict[str, dict[int, list[Module]]] = {}
    for number, block in stack.blocks.items():
        if number not in extra:
            known = isinstance(kinds, list) and number < len(kinds)
            kind = str(kinds[number]) if known and isinstance(kinds, list) else ""
            groups.setdefault(kind, {})[number] = block
    found: dict[int, list[str]] = {}
    counts: set[int] = set()
    for blocks in groups.values():
        sizes = {
            number: sum([len(module.leaves) for module in block])
            for number, block in blocks.items()
        }
        counts |= set(sizes.values())
        if len(set(sizes.values())) > 1:
            seen = _count_elements(blocks, sizes, typed=one.index.complete)
            found |= _compare_blocks(blocks, seen, boundary=(0, max(stack.blocks)))
    return _find_halves(groups) | found if len(counts) > 1 else found


def _find_halves(groups: dict[str, dict[int, list[Module]]]) -> dict[int, list[str]]:
    """Return what blocks lack of parts that work only together, where another block has both."""
    blocks = {number: block for group in groups.values() for number, block in group.items()}
    roles = {number: {module.role for module in block} for number, block in blocks.items()}
    found: dict[int, list[str]] = {}
    for have, need in _TOGETHER:
        whole = next((at for at, seen in roles.items() if seen & have and seen & need), None)
        if whole is None:
            continue
        names = sorted({_cut(one.path) for one in blocks[whole] if one.role in need})
        for number, seen in roles.items():
            if seen & have and not seen & need:
                found[number] = names
    return found


def _list_sharing(one: Examined, stack: Stack) -> set[int]:
    """Return the last blocks where they use the keys and values of others."""
    shared = one.text_config.get("num_kv_shared_layers")
    if type(shared) is not int or stack is not one.layout.main:
        return set()
    return {number for number in stack.blocks if number >= len(stack.blocks) - shared}


def _compare_blocks(
    blocks: dict[int, list[Module]], seen: dict[int, Elements], boundary: tuple[int, int]
) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    frozen = {number: frozenset(elements.items()) for number, elements in seen.items()}
    counts = Counter(frozen.values())
    first = {signature: number for number, signature in reversed(frozen.items())}
    wholes = [
        seen[first[signature]]
        for signature, count in counts.most_common(_MOST_KINDS)
        if count >= _FEWEST_ALIKE
    ]
    for number in sorted(seen):
        own = seen[number]
        for whole in wholes:
            lacking = whole - own
            if not lacking or own - whole or lacking.total() * 2 > whole.total():
                continue
            alone = counts[frozen[number]] == 1 and not _is_scaling(lacking)
            if alone and _is_fault(lacking, own, blocks, edge=number in boundary):
                found[number] = sorted({_spell(element) for element in lacking})
                break
    return found


def _count_elements(
    blocks: dict[int, list[Module]], sizes: dict[int, int], *, typed: bool
) -> dict[int, Elements]:
    """Count the parts of every block; of very many tensors, of blocks whose number is rare."""
    rarity = Counter(sizes.values())
    taken: Counter[int] = Counter()
    found: dict[int, Elements] = {}
    few = sum(sizes.values()) <= _FEW_TENSORS
    for number, block in blocks.items():
        size = sizes[number]
        if few or rarity[size] <= _FEWEST_ALIKE or taken[size] < _FEWEST_ALIKE:
            taken[size] += 1
            found[number] = Counter(
                (_cut(module.path), leaf, tensor.dtype if typed and tensor is not None else "")
                for module in block
                for leaf, tensor in module.leaves.items()
            )
    return found


def _cut(path: str) -> str:
    """Return the part of a module's path inside its block, with numbers as #."""
    parts = path.split(".")
    place = next(at for at, part in enumerate(parts) if at and part.isdecimal())
    return ".".join("#" if part.isdecimal() else part for part in parts[place + 1 :])


def _spell(element: Element) -> str:
    path, leaf, _ = element
    return f"{path}.{leaf}" if leaf else path


def _is_scaling(lacking: Elements) -> bool:
    """Layers left in full precision have no scales, which a list of names alone cannot tell."""
    return all(dtype == "" and any(word in leaf for word in _SCALES) for _, leaf, dtype in lacking)


def _is_fault(
    lacking: Elements, own: Elements, blocks: dict[int, list[Module]], *, edge: bool
) -> bool:
    """Tell what a lone block lost from what the first or the last one of a design does without."""
    paths = {path for path, _, _ in lacking}
    if all("#" in path for path in paths) and _is_even(own):
        return False  # fewer experts, each of them whole
    return (
        not edge
        or bool(paths & _PLAIN_NORMS)
        or any(
            module.role in _CORE and _cut(module.path) in paths
            for block in blocks.values()
            for module in block
        )
    )


def _is_even(own: Elements) -> bool:
    """Return whether every numbered part of a block is there equally often as its siblings."""
    counts: dict[str, set[int]] = {}
    for (path, leaf, _), count in own.items():
        if "#" in path and leaf in ("weight", ""):
            counts.setdefault(path.rpartition(".")[0], set()).add(count)
    return all(len(found) == 1 for found in counts.values())
