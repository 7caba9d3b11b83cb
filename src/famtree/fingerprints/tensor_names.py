"""Tensor names sorted into towers, blocks and parts, whatever naming scheme they follow.

A name is `<stack>.<block number>.<part>.<leaf>` inside a block and `<part>.<leaf>` outside. Which
paths mean which part is data (`data/tensor_roles.json`); a path the table lacks has no role and
nothing is concluded from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import Any

from msgspec import Struct

from famtree.files import load_data
from famtree.packings.catalog import load_parts
from famtree.types.checkpoint import TensorIndex, TensorInfo
from famtree.types.recent import remember

MAX_PARTS = 64
"""Parts of a name that are told apart; the rest counts as one. Released names have some fifteen."""
MAX_STACKS = 1000
"""Runs of numbered blocks; released checkpoints have some ten."""
MAX_BLOCK_DIGITS = 4
"""Of a block's number; the deepest released stacks have some hundred blocks."""
Leaves = dict[str, TensorInfo | None]
"""Stored parts of one module by leaf name; None where only the name is known."""


class Module(Struct, gc=False):
    """One parameterised module: its role, if known, and its stored parts."""

    path: str
    role: str | None = None
    block: int | None = None
    leaves: Leaves = {}


class Stack(Struct):
    """A run of numbered blocks under one path."""

    path: str
    blocks: dict[int, list[Module]] = {}

    _by_role: dict[str, list[tuple[int, Module]]] | None = None
    _extra: set[int] | None = None

    def of(self, *roles: str) -> list[Module]:
        """Return the modules with one of `roles`, prediction blocks left out."""
        if self._by_role is None:
            # Asked some fifty times a checkpoint, once the stack is whole.
            self._by_role = self._sort_by_role()
        found = [one for role in roles for one in self._by_role.get(role, ())]
        if len(roles) > 1:
            found.sort(key=itemgetter(0))
        return [module for _, module in found]

    def _sort_by_role(self) -> dict[str, list[tuple[int, Module]]]:
        extra = self.extra_blocks()
        kept = [block for number, block in self.blocks.items() if number not in extra]
        by_role: dict[str, list[tuple[int, Module]]] = {}
        for place, module in enumerate(chain.from_iterable(kept)):
            if module.role is not None:
                by_role.setdefault(module.role, []).append((place, module))
        return by_role

    def extra_blocks(self) -> set[int]:
        """Return the multi-token-prediction blocks stored at the end of the stack."""
        if self._extra is None:
            self._extra = {
                number
                for number, block in self.blocks.items()
                if any(module.role == "mtp" for module in block)
            }
        return self._extra


class Layout(Struct):
    """A checkpoint's modules in order."""

    modules: list[Module]
    main: Stack | None = None
    """Language tower; the decoder of an encoder-decoder."""
    encoder: Stack | None = None
    vision: Stack | None = None
    outside: dict[str, list[Module]] = {}
    """Modules of the language tower outside its blocks, by role."""
    names_known: bool = False
    """Every tensor name is known, so that absence is a fact."""
    adapter: bool = False


@cache
def load_roles() -> dict[str, Any]:
    """Return the table of roles, turned from role -> paths to path -> role."""
    table = load_data("fingerprints/data/tensor_roles.json")
    for section in ("block", "outside"):
        table[section] = {path: role for role, paths in table[section].items() for path in paths}
    ends = {path.rpartition(".")[2] for path in table["outside"]}
    return {
        **table,
        "outside_ends": frozenset(ends),
        "deepest": max(path.count(".") for path in table["block"]),
        "other_towers": tuple(table["other_towers"]),
        "vision_towers": tuple(table["vision_towers"]),
        "buffers": frozenset(table["buffers"]),
        "buffer_ends": frozenset(name.rpartition(".")[2] for name in table["buffers"]),
    }


FACTORS = (".lora_A", ".lora_B", ".lora_A.default", ".lora_B.default")
"""Endings of module paths whose `weight` is the factor of an adapter."""
_FACTOR_NAMES = ("default", "0")
"""Names of an adapter, behind its factor."""


def split_leaf(name: str) -> tuple[str, str]:
    """Split a tensor name into module path and leaf (empty for a bare parameter)."""
    if ".weight." in name:
        path, _, rest = name.partition(".weight.")
        return path, f"weight.{rest}"
    path, _, last = name.rpartition(".")
    if path and last in _FACTOR_NAMES and path.endswith((".lora_A", ".lora_B")):
        path, _, last = path.rpartition(".")
    parts = load_parts()
    if path and last == "weight" and path.endswith(FACTORS):
        path, _, last = path.removesuffix(".default").rpartition(".")
        return path, last
    if path and last == "weight" and path.endswith(parts.submodules):
        path, _, inner = path.rpartition(".")
        return path, f"{inner}.weight"
    if path and last in parts.leaves:
        return path, last
    if ".experts." in name:
        for suffix in parts.fused:
            if name.endswith(suffix):
                return name.removesuffix(suffix), suffix.lstrip("_")
    return name, ""


NAMES_KEPT = 20_000
"""Tensor names of checkpoints whose description is remembered: some fifty checkpoints of a usual
size, and some 25 MB."""


def count_names(index: TensorIndex) -> int:
    """Return what remembering something of every tensor costs, in names."""
    return len(index.names)


@remember(NAMES_KEPT, count_names)
def organise(index: TensorIndex) -> Layout:
    """Sort the names of `index` into towers, blocks and roles.

    Layouts are remembered: shapes, counts and quantization all ask for the same one, and an index
    of 90,000 names takes half a second.
    """
    modules = _collect(index)
    roles = load_roles()
    stacks: dict[str, Stack] = {}
    loose: list[Module] = []
    known: dict[str, str | None] = {}
    """Roles by what follows a block's number: blocks repeat, so there are few of them."""
    ahead, path, number = "", None, 0
    for module in modules.values():
        # In the order of names the modules of a block follow each other.
        if ahead and module.path.startswith(ahead):
            rest = module.path[len(ahead) :]
        else:
            path, number, rest = _find_block(module.path)
            ahead = "" if path is None else f"{path}.{number}."
        stack = stacks.get(path) if path is not None else None
        if stack is None:
            if path is None or len(stacks) >= MAX_STACKS:
                loose.append(module)
                continue
            stack = stacks[path] = Stack(path)
        module.block = number
        if rest not in known:
            short = rest.count(".") <= roles["deepest"]
            known[rest] = roles["block"].get(_NUMBERS.sub("#", rest)) if short else None
        module.role = known[rest]
        block = stack.blocks.get(number)
        if block is None:
            stack.blocks[number] = [module]
        else:
            block.append(module)
    layout = Layout(
        modules=list(modules.values()),
        names_known=index.complete or len(index.names) > len(index.tensors),
        adapter=any("lora_A" in module.leaves for module in modules.values()),
    )
    able = [stack for stack in stacks.values() if _is_tower(stack)]
    own = [stack for stack in able if not in_tower(stack.path, roles["other_towers"])]
    layout.main = max(own, key=lambda stack: (len(stack.blocks), -len(stack.path)), default=None)
    if layout.main is not None:
        _pair_encoder(layout, own)
    seen = [stack for stack in able if in_tower(stack.path, roles["vision_towers"])]
    layout.vision = max(seen, key=lambda stack: len(stack.blocks), default=None)
    for module in loose:
        role = outside_role(module.path)
        if role and not in_tower(module.path, roles["other_towers"]):
            module.role = role
            layout.outside.setdefault(role, []).append(module)
    return layout


def is_buffer(name: str, tensor: TensorInfo | None) -> bool:
    """Tell stored constants (rotary tables, masks, position ids) from parameters."""
    roles = load_roles()
    rest, _, last = name.rpartition(".")
    if last not in roles["buffer_ends"]:
        return False
    buffers = roles["buffers"]
    last_two = f"{rest.rpartition('.')[2]}.{last}" if rest else last
    if last_two in ("attn.bias", "attention.bias"):
        return tensor is not None and (len(tensor.shape) != 1 or tensor.dtype in ("BOOL", "U8"))
    return last in buffers or last_two in buffers


def _sort_names(index: TensorIndex) -> list[str]:
    """Return all names in order.

    They are taken as they are written, mostly nearly in order: sorting those of a set takes four
    times as long.
    """
    tensors = index.tensors
    names = [*tensors, *[name for name in index.file_of if name not in tensors]]
    if len(names) != len(index.names) or not index.names.issuperset(names):
        names = list(index.names | tensors.keys())
    names.sort()
    return names


def _collect(index: TensorIndex) -> dict[str, Module]:
    modules: dict[str, Module] = {}
    alone: dict[str, Leaves] = {}
    """The leaves of modules of which an index tells one name: most of a large index. A table for
    each would take more memory than all names."""
    ends, parts = load_roles()["buffer_ends"], load_parts()
    plain, odd = parts.leaves, (*parts.submodules, *FACTORS)
    tensors = index.tensors
    for name in _sort_names(index):
        tensor = tensors.get(name)
        path, _, leaf = name.rpartition(".")
        if leaf in ends and is_buffer(name, tensor):
            continue
        # What nearly all names are is told here: a call for each takes as long as all the rest.
        if not path:
            path, leaf = name, ""
        elif ".weight." in name or path.endswith(odd) or leaf in _FACTOR_NAMES:
            path, leaf = split_leaf(name)
        elif leaf not in plain:
            path, leaf = split_leaf(name) if ".experts." in name else (name, "")
        module = modules.get(path)
        if module is None and tensor is None:
            modules[path] = Module(path, leaves=alone.setdefault(leaf, {leaf: None}))
            continue
        if module is None:
            module = modules[path] = Module(path)
        elif len(module.leaves) == 1:
            module.leaves = dict(module.leaves)
        module.leaves[leaf] = tensor
    return modules


_BLOCK = re.compile(rf"\.(\d{{1,{MAX_BLOCK_DIGITS}}})(?:\.|$)")
_NUMBERS = re.compile(r"(?<![^.])\d++(?![^.])")


def split_block(path: str) -> tuple[str | None, int, str]:
    """Return stack path, block number, and the rest with its numbers as `#`."""
    stack, number, rest = _find_block(path)
    return stack, number, rest if stack is None else _NUMBERS.sub("#", rest)


def _find_block(path: str) -> tuple[str | None, int, str]:
    """Return stack path, block number, and the rest as it is written."""
    found = _BLOCK.search(path)
    if found is None or (
        found.start() > MAX_PARTS and path.count(".", 0, found.start()) >= MAX_PARTS
    ):
        return None, 0, path
    return path[: found.start()], int(found[1]), path[found.end() :]


_CORE = ("q", "qkv", "ssm", "down", "expert_down", "experts_down", "kv_a", "gate")


def _is_tower(stack: Stack) -> bool:
    return any(module.role in _CORE for block in stack.blocks.values() for module in block)


def in_tower(path: str, words: tuple[str, ...]) -> bool:
    """Tell whether any component of `path` starts with one of `words`."""
    found = _make_tower_search(words)(f".{path}")
    return found is not None and (
        found.start() <= MAX_PARTS or path.count(".", 0, found.start()) <= MAX_PARTS
    )


@cache
def _make_tower_search(words: tuple[str, ...]) -> Callable[[str], re.Match[str] | None]:
    return re.compile(rf"\.(?:{'|'.join(map(re.escape, words))})").search


def _pair_encoder(layout: Layout, stacks: list[Stack]) -> None:
    """Find an encoder and a decoder that are siblings (`encoder.block` and `decoder.block`)."""
    by_path = {stack.path: stack for stack in stacks}
    for path, stack in by_path.items():
        parts = path.split(".", MAX_PARTS)
        if "decoder" in parts:
            place = parts.index("decoder")
            twin = by_path.get(".".join([*parts[:place], "encoder", *parts[place + 1 :]]))
            if twin is not None:
                layout.main, layout.encoder = stack, twin
                return


def outside_role(path: str) -> str | None:
    """Return the role of the longest tail, of three components at the most, that is known."""
    roles = load_roles()
    if path.rpartition(".")[2] not in roles["outside_ends"]:
        return None
    parts = path.rsplit(".", 3)
    tails = (".".join(parts[-length:]) for length in (3, 2, 1) if len(parts) >= length)
    return next((roles["outside"][tail] for tail in tails if tail in roles["outside"]), None)
