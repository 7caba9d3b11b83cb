from __future__ import annotations

import os
from pathlib import Path

import pytest

from famtree.matchers.recognition import classify_traits
from famtree.registry import compiled
from famtree.registry.compiled import (
    cached_path,
    dump_compiled,
    read_cached,
    read_packaged,
    write_cached,
)
from famtree.registry.load import (
    DATA,
    build_registry,
    digest_sources,
    load_registry,
    load_stamped,
    read_sources,
    stamp_sources,
)
from famtree.registry.registry import Registry
from registry.files import OAK, write_folder


@pytest.fixture(autouse=True)
def no_packaged_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "PACKAGED", tmp_path / "no-such.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "data")


def load_anew(folder: Path) -> Registry:
    """Load as another process would."""
    load_stamped.cache_clear()
    return load_registry(folder)


def digest_of(folder: Path) -> str:
    return digest_sources(read_sources(folder))


def test_shipped_registry_is_restored_equal(tmp_path: Path) -> None:
    sources = read_sources(DATA)
    built = build_registry(sources)
    digest = digest_sources(sources)
    write_cached(built, digest)
    restored = read_cached(digest)
    assert restored is not None
    assert restored.families == built.families
    assert restored.generic == built.generic


def test_restored_registry_answers_as_the_built_one(folder: Path) -> None:
    built = load_anew(folder)
    restored = load_anew(folder)
    assert restored is not built
    traits = dict(built.families[0].exemplars[0].traits)
    first, second = classify_traits(traits, built), classify_traits(traits, restored)
    assert first.candidates == second.candidates
    assert first.confidence == second.confidence


def test_conditions_are_stored_once(folder: Path) -> None:
    restored = load_anew(folder) and load_anew(folder)
    rules = [rule for _, generation in restored.walk_generations() for rule in generation.rules]
    assert rules[0].when["architecture.vocab_rows"].equals == 50000
    assert isinstance(rules[1].when["recipe.chat_markers"].contains, tuple)


def test_second_load_reads_the_compiled_form(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_anew(folder)
    assert cached_path(stamp_sources(folder)).is_file()
    monkeypatch.setattr("famtree.registry.load.build_registry", None)
    assert load_anew(folder).by_key.keys() == {"oak"}


def test_packaged_form_is_read(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = digest_of(folder)
    packaged = tmp_path / "compiled.json"
    packaged.write_bytes(dump_compiled(build_registry(read_sources(folder)), digest))
    monkeypatch.setattr(compiled, "PACKAGED", packaged)
    found = read_packaged(digest, "its stamp")
    assert found is not None
    monkeypatch.setattr(compiled, "PACKAGED", tmp_path / "no-such.json")
    kept = read_cached("its stamp")
    assert kept is not None
    assert kept.families == found.families


def test_stale_form_is_ignored(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packaged = tmp_path / "compiled.json"
    packaged.write_bytes(dump_compiled(build_registry(read_sources(folder)), digest_of(folder)))
    monkeypatch.setattr(compiled, "PACKAGED", packaged)
    write_folder(folder, oak=OAK.replace('"Oak 1"', '"Oak One"'))
    assert read_packaged(digest_of(folder), "its stamp") is None
    assert load_anew(folder).families[0].generations[0].name == "Oak One"


@pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.5, 0.99])
def test_cut_off_form_is_ignored(folder: Path, share: float) -> None:
    digest = stamp_sources(folder)
    load_anew(folder)
    path = cached_path(digest)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    assert read_cached(digest) is None
    assert load_anew(folder).by_key.keys() == {"oak"}
    assert path.read_bytes() == data, "and is written anew"


@pytest.mark.parametrize(
    "rest", [b"", b",1}", b',"families":[]}', b',"families":[{}],"conditions":[]}']
)
def test_form_of_another_shape_is_ignored(folder: Path, rest: bytes) -> None:
    digest = stamp_sources(folder)
    path = cached_path(digest)
    path.parent.mkdir(parents=True)
    path.write_bytes(b'{"digest":"' + digest.encode() + b'"' + rest)
    assert read_cached(digest) is None


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_cache_that_cannot_be_written_is_no_fault(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "a-file"
    blocked.write_text("in the folder's place")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert load_anew(folder).by_key.keys() == {"oak"}
    assert load_anew(folder).by_key.keys() == {"oak"}


def test_no_temporary_file_is_left(folder: Path) -> None:
    load_anew(folder)
    path = cached_path(stamp_sources(folder))
    assert list(path.parent.iterdir()) == [path]


def test_one_process_loads_unchanged_files_once(folder: Path) -> None:
    first = load_registry(folder)
    assert load_registry(folder) is first
    write_folder(folder, oak=OAK.replace('"Oak 1"', '"Oak One"'))
    assert load_registry(folder) is not first


@pytest.mark.parametrize("failing", ["replace", "fdopen"])
def test_nothing_stays_of_a_cache_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def fill(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, failing, fill)
    compiled.write_cache_file(tmp_path / "famtree" / "registry.json", b"data")
    assert list((tmp_path / "famtree").iterdir()) == []
