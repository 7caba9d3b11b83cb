from __future__ import annotations

from famtree.sources.gguf_files import choose_main, group_files
from famtree.types.checkpoint import FileEntry


def main(*names: str, asked: str | None = None) -> tuple[str, ...] | None:
    sets = group_files(FileEntry(name, size) for size, name in enumerate(names, 1))
    chosen = choose_main(sets, asked)
    return tuple(entry.name for entry in chosen.files) if chosen else None


def test_the_usual_conversion_is_taken() -> None:
    assert main("m.Q2_K.gguf", "m-Q4_K_M.gguf", "m.f16.gguf") == ("m-Q4_K_M.gguf",)
    assert main("m.IQ1_S.gguf", "m.Q8_0.gguf", "readme.md") == ("m.Q8_0.gguf",)


def test_without_a_usual_one_the_largest() -> None:
    assert main("m.IQ1_S.gguf", "m.IQ2_M.gguf") == ("m.IQ2_M.gguf",)


def test_what_lies_beside_a_model_is_not_it() -> None:
    assert main("mmproj-model-f16.gguf", "m.IQ1_S.gguf") == ("m.IQ1_S.gguf",)
    assert main("mmproj-model-f16.gguf") == ("mmproj-model-f16.gguf",)


def test_parts_are_one_model() -> None:
    parts = [f"big/m-Q4_K_M-0000{number}-of-00003.gguf" for number in (3, 1, 2)]
    assert main(*parts) == tuple(sorted(parts))
    (one,) = group_files([FileEntry(parts[0], 5), FileEntry(parts[1], 6)])
    assert (one.missing, one.size, one.name) == (1, 11, sorted(parts)[0])


def test_a_complete_set_is_preferred() -> None:
    assert main("m-Q4_K_M-00001-of-00002.gguf", "m-Q8_0.gguf") == ("m-Q8_0.gguf",)


def test_a_file_that_was_asked_for() -> None:
    assert main("m.Q4_K_M.gguf", "m.IQ1_S.gguf", asked="m.IQ1_S.gguf") == ("m.IQ1_S.gguf",)
    assert main("m.Q4_K_M.gguf", asked="other.gguf") is None
    parts = [f"m-0000{number}-of-00002.gguf" for number in (1, 2)]
    assert main(*parts, asked=parts[1]) == tuple(parts)


def test_nothing() -> None:
    assert main("config.json") is None
