"""mergekit's configurations as parents, weights and layer spans.

Formats as of mergekit 0.1.5: `mergekit.config.MergeConfiguration` (models, slices or modules, for
every method), several documents in one file as of `mergekit-multi`, and
`mergekit.moe.config.MoEMergeConfig`, whose experts become one mixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from famtree.checkpoint.references import read_reference
from famtree.sources.yaml_text import load_documents
from famtree.types.claim import MIXTURE, STACKING, LayerSpan, MergeRecipe

MAX_TEXT = 256 * 1024
MAX_PARENTS = 256
MAX_DOCUMENTS = 64
INTERPOLATION = "slerp"
"""The method with one parameter t between the base (t = 0) and the other model; nearswap's t is a
distance, and nuslerp has weights."""


class _Reading(Struct):
    """One document while it is read."""

    recipe: MergeRecipe
    weights: dict[str, float] = {}
    found: int = 0

    def add(self, value: Any) -> list[str]:
        """Add every model that `value` names and return their names, but for those too many."""
        added, known = [], self.recipe.parents
        for parent, revision in _models(value):
            if parent not in known:
                if len(known) == MAX_PARENTS:
                    continue
                known.append(parent)
            if revision:
                self.recipe.revisions.setdefault(parent, revision)
            added.append(parent)
        return added


def read_merge(text: str) -> MergeRecipe | None:
    """Return the recipe, or None when the text is not one.

    A LoRA that is applied on the way (`model+lora`) is a parent as well. Gradients of weights are
    averaged, since a link has one weight; weights are shares of their sum. Of several documents,
    those that others use by name are not parents but steps, and their parents are meant.
    """
    if len(text) > MAX_TEXT:
        return None
    documents = load_documents(text)[:MAX_DOCUMENTS]
    recipes: list[MergeRecipe] = []
    names: set[str] = set()
    for table in documents:
        recipe = _read_document(table)
        if recipe is not None:
            recipes.append(recipe)
            if isinstance(name := table.get("name"), str):
                names.add(name)
    if len(recipes) < 2:
        return recipes[0] if recipes else None
    parents = dict.fromkeys(one for recipe in recipes for one in recipe.parents)
    last = recipes[-1]
    kept = [one for one in parents if one not in names][:MAX_PARENTS]
    stated = {name: one for recipe in recipes for name, one in recipe.revisions.items()}
    revisions = {name: one for name, one in stated.items() if name in kept}
    base = last.base if last.base in kept else None
    return MergeRecipe(last.method, kept, base, revisions=revisions) if kept else None


def _read_document(table: Any) -> MergeRecipe | None:
    if not isinstance(table, dict):
        return None
    if "merge_method" not in table and isinstance(table.get("experts"), list):
        return _read_mixture(table)
    if not isinstance(table.get("merge_method"), str):
        return None
    reading = _Reading(MergeRecipe(table["merge_method"][:64]))
    modules = table.get("modules")
    parts = list(modules.values())[:16] if isinstance(modules, dict) else [table]
    for number, part in enumerate(part for part in parts if isinstance(part, dict)):
        _read_models(reading, part.get("models"))
        # Layer numbers of a second module (a vision tower) would be taken for the first one's.
        _read_slices(reading, part.get("slices"), spans=number == 0)
    recipe = reading.recipe
    recipe.base = next(iter(reading.add(table.get("base_model"))), None)
    recipe.weights = _shares(recipe, reading.weights, table)
    return recipe if recipe.parents else None


def _read_mixture(table: dict[str, Any]) -> MergeRecipe | None:
    reading = _Reading(MergeRecipe(MIXTURE))
    for key in ("experts", "shared_experts"):
        group = table.get(key)
        for expert in group[:MAX_PARENTS] if isinstance(group, list) else ():
            reading.add(expert.get("source_model") if isinstance(expert, dict) else None)
    reading.recipe.base = next(iter(reading.add(table.get("base_model"))), None)
    return reading.recipe if reading.recipe.parents else None


def _read_models(reading: _Reading, models: Any) -> None:
    for source in _tables(models):
        _read_source(reading, source, length=1)


def _read_slices(reading: _Reading, slices: Any, *, spans: bool) -> None:
    layer = 0
    for piece in _tables(slices):
        length = 0
        for source in _tables(piece.get("sources")):
            parent = _read_source(reading, source, length=_length(source))
            span: Any = source.get("layer_range")
            if parent is not None and spans and _is_span(span):
                reading.recipe.spans.append(LayerSpan(parent, span[0], span[1], to=layer))
                length = span[1] - span[0]
        layer += length
        reading.add(piece.get("base_model"))


def _read_source(reading: _Reading, source: dict[str, Any], *, length: int) -> str | None:
    """Add one source with its weight and return its name; None for none or one too many."""
    reading.found += 1
    parents = reading.add(source.get("model")) if reading.found <= MAX_PARENTS else []
    if not parents:
        return None
    weight = _mean(_parameter(source, "weight"))
    if weight is not None:
        reading.weights[parents[0]] = reading.weights.get(parents[0], 0.0) + weight * length
    return parents[0]


def _tables(value: Any) -> list[dict[str, Any]]:
    items = value[:MAX_PARENTS] if isinstance(value, list) else ()
    return [item for item in items if isinstance(item, dict)]


def _models(value: Any) -> list[tuple[str, str | None]]:
    """Return (name, revision) of a model and of the LoRA applied to it.

    A model is `path@revision+lora`, or {model: {path, revision}, lora: {path, revision}}.
    """
    texts: list[Any] = []
    if isinstance(value, dict):
        inner, lora = value.get("model", value.get("path")), value.get("lora")
        for part in (inner, lora):
            path = part.get("path") if isinstance(part, dict) else part
            revision = part.get("revision") if isinstance(part, dict) else None
            pinned = isinstance(path, str) and isinstance(revision, str)
            texts.append(f"{path}@{revision}" if pinned else path)
    elif isinstance(value, str):
        texts += value.split("+", 1)
    return [read[:2] for text in texts if (read := read_reference(text)) is not None]


def _parameter(source: dict[str, Any], name: str) -> Any:
    parameters = source.get("parameters")
    return parameters.get(name) if isinstance(parameters, dict) else None


def _mean(value: Any) -> float | None:
    """Average a number, a gradient, or `[{filter, value}]`; None when there is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if abs(value) < 1e6 else None
    if isinstance(value, dict):
        return _mean(value.get("value"))
    if isinstance(value, list):
        parts = [
            _mean(item.get("value") if isinstance(item, dict) else item) for item in value[:256]
        ]
        known = [part for part in parts if part is not None]
        return sum(known) / len(known) if known else None
    return None


def _is_span(span: Any) -> bool:
    return (
        isinstance(span, list)
        and len(span) == 2
        and all(type(edge) is int and 0 <= edge < 10_000 for edge in span)
        and span[0] < span[1]
    )


def _length(source: dict[str, Any]) -> int:
    span: Any = source.get("layer_range")
    return span[1] - span[0] if _is_span(span) else 1


def _shares(
    recipe: MergeRecipe, weights: dict[str, float], table: dict[str, Any]
) -> dict[str, float]:
    if recipe.method == INTERPOLATION:
        return _split_at(recipe, _mean([*_find_t(table)]))
    if recipe.method == STACKING and recipe.spans:
        total = sum(span.stop - span.start for span in recipe.spans)
        counts: dict[str, int] = {}
        for span in recipe.spans:
            counts[span.parent] = counts.get(span.parent, 0) + span.stop - span.start
        return {parent: round(count / total, 4) for parent, count in counts.items()}
    total_weight = sum(weights.values())
    if total_weight <= 0 or any(weight < 0 for weight in weights.values()):
        return {}
    return {parent: round(weight / total_weight, 4) for parent, weight in weights.items()}


def _split_at(recipe: MergeRecipe, t: float | None) -> dict[str, float]:
    if len(recipe.parents) != 2 or recipe.base is None or t is None or not 0 <= t <= 1:
        return {}
    other = next((one for one in recipe.parents if one != recipe.base), recipe.base)
    return {recipe.base: round(1 - t, 4), other: round(t, 4)}


def _find_t(table: dict[str, Any]) -> Iterator[Any]:
    """Yield the interpolation parameters at their most specific place: slices, else above."""
    own = [_parameter(piece, "t") for piece in _tables(table.get("slices"))]
    stated = [value for value in own if value is not None]
    yield from stated or [_parameter(table, "t")]
