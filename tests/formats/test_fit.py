"""The report of `fit`: 80 columns, one line an engine, the same on a screen and in a file."""

from __future__ import annotations

import json

import pytest

from famtree.formats.schema import build_schema
from famtree.formats.table import Options, render
from famtree.types.comparison import ComparedCheckpoint
from famtree.types.fit import FitEngine, FitMemory, FitPlace, FitPlan, FitReport
from famtree.types.identification import Notice


def make_engine(engine: str = "vllm", **changes: object) -> FitEngine:
    facts: dict[str, object] = {
        "engine": engine, "version": "0.33.0", "answer": "yes", "reason": "it runs",
        "rule": "vllm/serve.restart", "fits": "yes", "tensor_parallel": [1, 2, 4, 8],
        "weights_bytes": 16_060_522_496, "kv_bytes_per_token": 131_072, "max_context": 131_072,
        "max_batch": 12, "usable_bytes": 22_080_000_000,
    }  # fmt: skip
    return FitEngine.model_validate(facts | changes)


def make_fit(*engines: FitEngine, **changes: object) -> FitReport:
    facts: dict[str, object] = {
        "famtree": "0",
        "checkpoint": ComparedCheckpoint(ref="acme/oak-8b", outcome="unknown", confidence=0.5),
        "plan": FitPlan(context=32768),
        "memory": FitMemory(weights_bytes=16_060_522_496, weights_source="files",
                            kv_bytes_per_token=131_072, kv_fixed_bytes=0),
        "gpu": FitPlace(name="L4", count=1, memory_bytes=24 * 10**9, capability=8.9,
                        vendor="nvidia"),
        "engines": list(engines or (make_engine(),)),
    }  # fmt: skip
    return FitReport.model_validate(facts | changes)


LONG = make_fit(
    make_engine(),
    make_engine("tensorrt-llm", answer="conditional", condition="a build of that engine " * 9,
                reason="reasons " * 30, tensor_parallel=list(range(1, 17)), max_batch=10**7),
    make_engine("llama.cpp", answer="no", help="another GPU", tensor_parallel=None, fits="no",
                weights_bytes=1_342_000_000_000, kv_bytes_per_token=None, max_context=None),
    checkpoint=ComparedCheckpoint(ref="organisation/" + "long-name-" * 20, outcome="unknown",
                                  confidence=0.1),
    suggestions=["--gpu L4:2", "a 4-bit copy (AWQ, GPTQ or GGUF), about 5.7 GB"] * 4,
    warnings=[Notice(code="odd", message="something " * 20)] * 5,
)  # fmt: skip


@pytest.mark.parametrize("width", [None, 40, 80, 200])
@pytest.mark.parametrize("verbose", [False, True])
def test_no_line_is_wider_than_80_columns(width: int | None, verbose: bool) -> None:
    text = render("fit", LONG, "text", Options(width=width, verbose=verbose))
    assert max(map(len, text.splitlines())) <= 80
    assert "\t" not in text


def test_one_line_an_engine() -> None:
    lines = render("fit", LONG, "text", Options(width=80)).splitlines()
    for engine in ("vllm", "tensorrt-llm", "llama.cpp"):
        assert len([line for line in lines if line.startswith(f"{engine} ")]) == 1
    [vllm] = [line for line in lines if line.startswith("vllm ")]
    assert vllm.split() == ["vllm", "✔", "✔", "1", "2", "4", "8", "16.1", "GB", "131,072",
                            "131,072", "12"]  # fmt: skip


@pytest.mark.parametrize(
    ("fit", "told"),
    [
        (make_fit(), "fits: vllm 0.33.0 serves it with up to 131,072 tokens."),
        (make_fit(gpu=None), "1 of 1 engines run it; --gpu says where."),
        (make_fit(make_engine(fits="no", weights_bytes=66 * 10**9)),
         "does not fit: 66.0 GB of weights."),
        (make_fit(make_engine(fits="no")),
         "does not fit as planned: 16.1 GB of weights and their cache."),
        (make_fit(make_engine(answer="no")), "does not run here in any engine"),
        (make_fit(make_engine(fits="unknown"), memory=FitMemory(missing="the size of its weights")),
         "cannot be told without knowing the size of its weights."),
    ],
)  # fmt: skip
def test_the_second_line_says_it(fit: FitReport, told: str) -> None:
    assert told in render("fit", fit, "text").splitlines()[1]


def test_json_is_the_contracts_document() -> None:
    document = json.loads(render("fit", LONG, "json"))
    assert document == LONG.to_document()
    assert document["schema"] == "famtree/fit/1"
    assert set(build_schema("fit")["required"]) <= document.keys()
    assert {"checkpoint", "memory", "engines", "gpu", "warnings", "cost", "registry"} <= set(
        document
    )


def test_a_page_has_a_table() -> None:
    text = render("fit", LONG, "markdown")
    assert text.startswith("### ")
    assert "| tensorrt-llm |" in text
