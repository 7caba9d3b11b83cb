"""The command line of `famtree fit`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.commands import Command
from tiny_models import make_model, write_model


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(write_model(tmp_path / "tiny", make_model(1)))


def test_forms(command: Command, model: str) -> None:
    done = command("fit", model, "--gpu", "L4")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(model[:20])
    assert command("fit", model, "--gpu", "L4", "--format", "markdown").out.startswith("### ")
    document = command("fit", model, "--gpu", "L4", "--json").document
    assert document["schema"] == "famtree/fit/1"
    assert document["gpu"]["name"] == "L4"
    names = [one["engine"] for one in document["engines"]]
    assert {"vllm", "sglang", "llama.cpp", "transformers"} <= set(names)
    assert not {"mergekit", "peft"} & set(names)


def test_units_as_people_type_them(command: Command, model: str) -> None:
    document = command(
        *("fit", model, "--gpu-memory", "24GiB", "--gpu-capability", "sm_89", "--context", "2k"),
        *("--batch", "3", "--kv-cache-type", "fp16", "--engine", "vllm@0.33.0", "--json"),
    ).document
    assert document["plan"] == {
        "context": 2048, "batch": 3, "kv_cache_type": "float16", "tensor_parallel": None,
    }  # fmt: skip
    assert document["gpu"]["memory_bytes"] == 24 * 2**30
    assert document["gpu"]["capability"] == 8.9
    [one] = document["engines"]
    assert (one["engine"], one["version"]) == ("vllm", "0.33.0")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--gpu", "H1"),
        ("--gpu", "M4 Max"),
        ("--gpu", "cpu"),
        ("--gpu", "H100:0"),
        ("--gpu", "H100", "--tensor-parallel", "4"),
        ("--tensor-parallel", "0"),
        ("--context", "0"),
        ("--context", "many"),
        ("--batch", "-1"),
        ("--gpu-memory", "inf"),
        ("--gpu-memory", "24 parsecs"),
        ("--gpu-capability", "x"),
        ("--kv-cache-type", "fp7"),
        ("--engine", "vlm"),
        ("--engine", "vllm@new"),
        ("--expect-fit",),
        ("--format", "html"),
    ],
)
def test_errors_of_usage(command: Command, model: str, arguments: tuple[str, ...]) -> None:
    done = command("fit", model, *arguments, "--json")
    assert done.code == 2
    assert json.loads(done.out)["error"]["exit_code"] == 2
    assert "Traceback" not in done.err


def test_a_size_settles_a_name_that_has_several(command: Command, model: str) -> None:
    document = command("fit", model, "--gpu", "M4 Max", "--gpu-memory", "64", "--json").document
    assert document["gpu"]["memory_bytes"] == 64 * 10**9


def test_any_answer_is_exit_0_but_where_a_fit_is_expected(command: Command, model: str) -> None:
    small = ("--gpu-memory", "0.001", "--context", "1M")
    assert command("fit", model, *small).code == 0
    failed = command("fit", model, *small, "--expect-fit")
    assert failed.code == 1
    assert failed.err.startswith("failed: ")
    assert command("fit", model, "--gpu", "H100", "--expect-fit").code == 0
    # Of engines that are named, every one has to.
    both = ("--engine", "vllm", "--engine", "exllamav3", "--gpu", "MI300X")
    assert command("fit", model, *both, "--expect-fit").code == 1
