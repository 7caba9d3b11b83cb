from __future__ import annotations

import pytest

from famtree.checkpoint.references import read_reference, same_reference, strip_form


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("org/name", ("org/name", None, True)),
        ("gpt2", ("gpt2", None, True)),
        ("https://huggingface.co/org/name", ("org/name", None, True)),
        ("https://huggingface.co/org/name/tree/v2", ("org/name", "v2", True)),
        ("org/name@abc", ("org/name", "abc", True)),
        ("/workspace/models/x", ("/workspace/models/x", None, False)),
        ("./", ("./", None, False)),
        ("output_dir/", ("output_dir/", None, False)),
        ("models/x", ("models/x", None, False)),
        ("C:\\models\\x", ("C:\\models\\x", None, False)),
        ("/root/.cache/hub/models--org--name/snapshots/40c0", ("org/name", "40c0", True)),
        ("D:\\hub\\models--org--name\\snapshots\\40c0\\unet", ("org/name", "40c0", True)),
        ("models--gpt2", ("gpt2", None, True)),
        ("~/hub/models--org--name/", ("org/name", None, True)),
        ("/mnt/" + "deep/" * 40 + "models--org--name/snapshots/ab", ("org/name", "ab", True)),
        ("/data/my-models--old/x", ("/data/my-models--old/x", None, False)),
    ],
)
def test_read_reference(text: str, expected: tuple[str, str | None, bool]) -> None:
    assert read_reference(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        None,
        7,
        ["a/b"],
        "a\nb",
        "x" * 500,
        "@main",
        "'@",
        " @v",
        "https://huggingface.co/",
        "hf.co//",
    ],
)
def test_what_is_no_reference(text: object) -> None:
    assert read_reference(text) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Oak-7B-GPTQ", ("Oak-7B", "quantized")),
        ("Oak-14B-MLX-4bit", ("Oak-14B", "quantized")),
        ("oak-8b-bnb-4bit", ("oak-8b", "quantized")),
        ("Oak-7B-fp16", ("Oak-7B", "copy")),
        ("Oak-7B-ONNX", ("Oak-7B", "converted")),
        ("Oak-7B-Instruct", ("Oak-7B-Instruct", None)),
    ],
)
def test_strip_form(name: str, expected: tuple[str, str | None]) -> None:
    assert strip_form(name) == expected


def test_the_hub_ignores_case() -> None:
    assert same_reference("Org/Name", "org/name/")
    assert not same_reference("org/name", "org/other")


@pytest.mark.parametrize("text", ["None", "none", "null", " N/A ", "'nan'", "-"])
def test_words_for_nothing_are_no_claim(text: str) -> None:
    assert read_reference(text) is None
