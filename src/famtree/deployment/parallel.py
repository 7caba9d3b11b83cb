"""Among how many accelerators a model can be cut, by the checks of the engines themselves.

Heads have to be dealt out evenly, and key-value heads evenly or repeated evenly; feed-forward
widths have to divide, and so has the vocabulary as it is padded; heads and groups of a recurrence
evenly too, one group being repeated; and a cut has to fall between the groups and blocks that share
a scale.
Sources: vllm/config/model.py, verify_with_parallel_config; vllm/model_executor/layers/linear.py,
QKVParallelLinear and divide; layers/vocab_parallel_embedding.py, pad_vocab_size;
layers/quantization/utils/fp8_utils.py, validate_fp8_block_shape, and marlin_utils.py,
verify_marlin_supports_shape; layers/mamba/mamba_mixer2.py and layers/mamba/gdn (vLLM 0.33.0);
sglang/srt/models/llama.py, layers/vocab_parallel_embedding.py (pads to what divides) and
sglang/srt/layers/quantization/fp8.py, create_weights of experts (SGLang 0.5.23). Image towers:
`[holding.towers]` of an engine's file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import ceil

from famtree.fingerprints.config import count_tower_heads, find_text_config
from famtree.interchange.cache_layout import KvLayout
from famtree.interchange.cache_state import list_state_heads
from famtree.interchange.engine import Engine
from famtree.interchange.kv_cache import find_layout
from famtree.interchange.side import Side

SIZES = (*range(1, 17), 32, 64)
"""Numbers of ranks that are tried."""
_GROUPED = ("gptq", "awq", "compressed-tensors", "auto-round")
"""Methods whose groups lie along the inputs of a matrix, which row parallelism cuts."""


def list_sizes(side: Side, engine: Engine) -> list[int] | None:
    """Return the legal sizes of tensor parallelism; None where the engine does not cut matrices,
    or the checkpoint does not tell its heads.
    """
    holding = engine.holding
    if holding is None or holding.sharding != "tensor" or side.architecture.heads is None:
        return None
    return [size for size in SIZES if find_obstacle(side, engine, size) is None]


def find_obstacle(side: Side, engine: Engine, ranks: int) -> str | None:
    """Return why a model cannot be cut among `ranks`, None where nothing speaks against it."""
    if ranks == 1:
        return None
    return next(_list_obstacles(side, engine, ranks), None)


def find_option(side: Side, engine: Engine, ranks: int) -> str | None:
    """Return the setting that takes away the only obstacle, an image tower that is cut."""
    towers = engine.holding.towers if engine.holding is not None else None
    if towers is None or side.architecture.class_name not in towers.whole:
        return None
    told = list(_list_obstacles(side, engine, ranks))
    return towers.option if told and told == list(_list_towers(side, engine, ranks)) else None


def _list_obstacles(side: Side, engine: Engine, ranks: int) -> Iterator[str]:
    a = side.architecture
    if a.heads is not None and a.heads % ranks:
        yield f"{a.heads} heads cannot be dealt out to {ranks}"
    latent = a.kv_lora_rank is not None
    kv = None if latent else a.kv_heads
    if kv is not None and kv > 0 and kv % ranks and ranks % kv:
        yield f"{kv} key-value heads cannot be dealt out to {ranks}"
    for role, count in _list_recurrent(side):
        if count % ranks and not (role == "groups" and count == 1):
            told = f"{count} {role.replace('_', ' ')} of its recurrence"
            yield f"{told} cannot be dealt out to {ranks}"
    for what, width in _list_widths(side):
        if width % ranks:
            yield f"{what} of {width:,} cannot be cut in {ranks}"
    padding = engine.holding.vocabulary if engine.holding is not None else None
    rows = a.vocab_rows
    if padding and rows and ceil(rows / padding) * padding % ranks:
        yield f"{rows:,} rows, padded to {padding}, cannot be cut in {ranks}"
    yield from _list_scales(side, engine, ranks)
    yield from _list_towers(side, engine, ranks)


def _list_towers(side: Side, engine: Engine, ranks: int) -> Iterator[str]:
    towers = engine.holding.towers if engine.holding is not None else None
    if towers is None or side.architecture.class_name not in towers.split:
        return
    heads = count_tower_heads(side.config)
    if heads and heads % ranks:
        yield f"{heads} heads of its image tower cannot be dealt out to {ranks}"


def _list_recurrent(side: Side) -> Iterator[tuple[str, int]]:
    layout = find_layout(side)
    if isinstance(layout, KvLayout) and layout.mixer is not None:
        yield from list_state_heads(find_text_config(side.config))


def _list_widths(side: Side) -> Iterable[tuple[str, int]]:
    a = side.architecture
    if a.ffn:
        yield "a feed-forward width", a.ffn
    if a.experts and a.expert_ffn:
        yield "an expert width", a.expert_ffn


def _list_scales(side: Side, engine: Engine, ranks: int) -> Iterator[str]:
    found = side.identification.quantization
    if found is None:
        return
    a = side.architecture
    if found.block_shape:
        block = max(found.block_shape)
        # vLLM makes the blocks of experts smaller; those of other matrices stay.
        widths = [a.ffn] if not a.experts else []
        if engine.holding is not None and engine.holding.blocks:
            widths.append(a.expert_ffn if a.experts else None)
        for width in widths:
            if width and (width % ranks or width // ranks % block):
                yield f"{width:,} cut in {ranks} is not whole blocks of {block}"
    elif found.method in _GROUPED and found.group_size and found.group_size > 0:
        for width in (a.expert_ffn if a.experts else a.ffn,):
            if width and width % ranks == 0 and width // ranks % found.group_size:
                yield f"{width:,} cut in {ranks} is not whole groups of {found.group_size}"
