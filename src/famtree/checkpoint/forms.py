"""Checkpoints whose root says nothing in transformers' terms: find what they are instead.

Reads at most one more wave, and only where the root has no config.json or one without a design.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from famtree.checkpoint.gathered import MAX_SMALL_FILE, Gathered
from famtree.errors import ConfigError
from famtree.fingerprints.json_text import decode_object
from famtree.fingerprints.native import ranks, read_engine_config, read_params
from famtree.fingerprints.onnx_graph import describe_graph, read_onnx_graph
from famtree.types.checkpoint import TensorIndex
from famtree.types.identification import Notice
from famtree.types.source import CheckpointSource

_PARAMS = ("params.json", "original/params.json")
_PIPELINE = "model_index.json"
_MODULES = "modules.json"
_MAX_MODULES = 64
_ENDINGS = (
    ("openvino_model.xml", "an OpenVINO conversion"),
    (".engine", "a compiled TensorRT engine"),
    (".mlmodelc", "a Core ML conversion"),
    (".tflite", "a LiteRT conversion"),
    (".pte", "an ExecuTorch program"),
)
_DESIGN = ("architectures", "hidden_size", "num_hidden_layers", "n_layer", "d_model",
           "text_config")  # fmt: skip
_SPEC_FILES = ("vocabulary.json", "vocabulary.txt", "shared_vocabulary.json",
               "shared_vocabulary.txt")  # fmt: skip


def look_closer(source: CheckpointSource, found: Gathered) -> None:
    """Fill `found.config` from another config, or `found.explanation` with what this is.

    Nothing is done for a config.json that states a design in transformers' terms.
    """
    engine = read_engine_config(found.config)
    if engine:
        cut = ranks(found.config)
        found.config = engine
        if cut > 1:
            # Every file holds a slice of every tensor: shapes would mislead.
            found.index = TensorIndex(files=found.index.files)
        return
    if any(key in found.config for key in _DESIGN):
        return
    names = {entry.name for entry in found.listing.files}
    wanted = [name for name in (*_PARAMS, _PIPELINE, _MODULES) if name in names]
    nested = [name for name in names if name.count("/") == 1 and name.endswith("/config.json")]
    if _MODULES in names and not found.config:
        wanted += sorted(nested)[:4]
    tables = _read(source, found, wanted)
    if not found.config:
        for name in _PARAMS:
            config, layout = read_params(tables.get(name, {}))
            if layout is not None:
                found.config = config
                return
    pipeline = tables.get(_PIPELINE)
    if pipeline is not None:
        found.explanation = describe_pipeline(pipeline, source.ref.text)
        return
    if _MODULES in tables and _take_module(found, tables, sorted(nested)):
        return
    found.explanation = _describe_rest(found, names) or _describe_onnx(source, found)


def describe_pipeline(index: dict[str, Any], reference: str) -> str:
    """Return one sentence about a diffusers pipeline: its class and its text encoders."""
    class_name = index.get("_class_name")
    encoders = [
        f"{name} ({value[1]})"
        for name, value in sorted(index.items())
        if name.startswith("text_encoder")
        and isinstance(value, list)
        and len(value) == 2
        and isinstance(value[1], str)
    ][:_MAX_MODULES]
    kind = class_name[:80] if isinstance(class_name, str) else "of an unnamed class"
    told = f"a diffusers pipeline ({kind}) of several models, not one language model"
    if not encoders:
        return told
    return (
        f"{told}; its text encoders: {', '.join(encoders)[:300]}, each in a folder of {reference}"
    )


def _take_module(found: Gathered, tables: dict[str, Any], nested: list[str]) -> bool:
    """Take the config of the first module of a sentence-transformers model that has one."""
    for name in nested:
        table = tables.get(name)
        if table and "model_type" in table:
            found.config = table
            found.notices.append(
                Notice.model_construct(
                    code="nested-config",
                    message=f"a sentence-transformers model: {name} describes its transformer",
                )
            )
            return True
    return False


def _describe_rest(found: Gathered, names: Iterable[str]) -> str | None:
    base_names = {name.rpartition("/")[2] for name in names}
    if "model.bin" in base_names and base_names & {*_SPEC_FILES}:
        return "a CTranslate2 conversion, whose config.json does not state the model's design"
    if found.index.names or found.config:
        return None
    for ending, what in _ENDINGS:
        if any(name.endswith(ending) for name in base_names):
            return f"{what} without a config.json that states the model's design"
    if _MODULES in base_names:
        return "a sentence-transformers model without the config of a transformer"
    return None


def _describe_onnx(source: CheckpointSource, found: Gathered) -> str | None:
    """Say what the first graph is; one in a repository is not walked over the network."""
    graphs = [one for one in found.listing.files if one.name.lower().endswith(".onnx")]
    if not graphs or found.index.names or found.config:
        return None
    name, size = graphs[0].name, graphs[0].size or 0
    graph = None
    if source.kind != "hub":

        def read(start: int, stop: int) -> bytes:
            data = source.read_ranges({name: (start, stop)})[name]
            return data if isinstance(data, bytes) else b""

        graph = read_onnx_graph(read, size)
    told = f" ({name[:80]}: {describe_graph(graph)})" if graph is not None else ""
    return f"ONNX graphs without a config.json that states the model's design{told}"


def _read(source: CheckpointSource, found: Gathered, names: list[str]) -> dict[str, dict[str, Any]]:
    if not names:
        return {}
    tables: dict[str, dict[str, Any]] = {}
    for name, data in source.read_wave(names, {}, limit=MAX_SMALL_FILE).items():
        if not isinstance(data, bytes):
            continue
        if name == _MODULES:
            tables[name] = {}  # a list; that it is there is all that counts
            continue
        try:
            tables[name] = decode_object(data, name)
        except ConfigError as fault:
            found.notices.append(
                Notice.model_construct(code="side-file-unreadable", message=fault.message)
            )
    return tables
