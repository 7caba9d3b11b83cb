"""mergekit_config.yml as parents, weights and layer spans (format: mergekit 0.1.5 README)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from famtree.lineage.references import read_reference
from famtree.types.claim import LayerSpan, MergeRecipe

MAX_TEXT = 256 * 1024
MAX_PARENTS = 256
TWO_POINT_METHODS = frozenset({"slerp", "nuslerp", "nearswap"})
"""Methods with one interpolation parameter t between the base (t = 0) and the other model."""


def read_merge(text: str) -> MergeRecipe | None:
    """Return the recipe, or None when the text is not one.

    Tokens like `model+lora` name the model; gradients of weights are averaged, since a link has
    one weight. Weights are shares of their sum.
    """
    import yaml

    if len(text) > MAX_TEXT or _expands(text):
        return None
    try:
        table = next(iter(yaml.safe_load_all(text)), None)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    if not isinstance(table, dict) or not isinstance(table.get("merge_method"), str):
        return None
    recipe = MergeRecipe(method=table["merge_method"][:64], base=_model(table.get("base_model")))
    weights: dict[str, float] = {}
    for source in _sources(table):
        parent = _model(source.get("model"))
        if parent is None:
            continue
        if parent not in recipe.parents:
            recipe.parents.append(parent)
        weight = _mean(_parameter(source, "weight"))
        if weight is not None:
            weights[parent] = weights.get(parent, 0.0) + weight
        span: Any = source.get("layer_range")
        if _is_span(span):
            recipe.spans.append(LayerSpan(parent, span[0], span[1]))
    if recipe.base is not None and recipe.base not in recipe.parents:
        recipe.parents.append(recipe.base)
    recipe.weights = _shares(recipe, weights, table)
    return recipe if recipe.parents else None


def _expands(text: str) -> bool:
    """True for the many aliases of a document made to explode; recipes use a handful at most."""
    return text.count("*") > 64 and text.count("&") > 8


def _sources(table: dict[str, Any]) -> Iterator[dict[str, Any]]:
    slices = table.get("slices")
    groups: list[Any] = [
        table.get("models"),
        *(
            entry.get("sources") if isinstance(entry, dict) else None
            for entry in (slices if isinstance(slices, list) else ())
        ),
    ]
    found = 0
    for group in groups:
        for source in group if isinstance(group, list) else ():
            if isinstance(source, dict) and found < MAX_PARENTS:
                found += 1
                yield source


def _model(value: Any) -> str | None:
    """A model is a string or `{model: {path: ...}, lora: ...}`; `a+b` applies LoRA b to a."""
    for key in ("model", "path"):
        while isinstance(value, dict):
            if key not in value:
                break
            value = value[key]
    if isinstance(value, str):
        value = value.partition("+")[0]
    found = read_reference(value)
    return found[0] if found else None


def _parameter(source: dict[str, Any], name: str) -> Any:
    parameters = source.get("parameters")
    return parameters.get(name) if isinstance(parameters, dict) else None


def _mean(value: Any) -> float | None:
    """Average a number, a gradient, or `[{filter, value}]`; None when there is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if abs(value) < 1e6 else None
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


def _shares(
    recipe: MergeRecipe, weights: dict[str, float], table: dict[str, Any]
) -> dict[str, float]:
    if recipe.method in TWO_POINT_METHODS and len(recipe.parents) == 2 and recipe.base:
        t = _mean(_parameter(table, "t"))
        if t is not None and 0 <= t <= 1:
            other = next((one for one in recipe.parents if one != recipe.base), recipe.base)
            return {recipe.base: round(1 - t, 4), other: round(t, 4)}
    if recipe.method == "passthrough" and recipe.spans:
        total = sum(span.stop - span.start for span in recipe.spans)
        counts: dict[str, int] = {}
        for span in recipe.spans:
            counts[span.parent] = counts.get(span.parent, 0) + span.stop - span.start
        return {parent: round(count / total, 4) for parent, count in counts.items()}
    total_weight = sum(weights.values())
    if total_weight <= 0 or any(weight < 0 for weight in weights.values()):
        return {}
    return {parent: round(weight / total_weight, 4) for parent, weight in weights.items()}
