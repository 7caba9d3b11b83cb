"""Folders of people's own families, laid over what famtree ships."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from famtree.api import check_registry
from famtree.errors import RegistryError, UsageError
from famtree.registry.load import DATA, load_registry
from famtree.registry.places import VARIABLE, find_places, load_places
from registry.own import write_family


def test_without_folders_it_is_famtree_s_own() -> None:
    assert find_places() == ()
    assert load_places() is load_registry()
    assert load_places().knowledge.sources == ["famtree"]


def test_families_are_added(tmp_path: Path) -> None:
    write_family(tmp_path)
    known = load_places(find_places(tmp_path))
    base = load_registry()
    assert known.by_key.keys() - base.by_key.keys() == {"oakling"}
    assert list(known.by_key) == sorted(known.by_key)
    assert known.generic == base.generic
    assert known.knowledge.sources == [str(tmp_path), "famtree"]
    assert known.digest != base.digest


def test_the_first_folder_wins_and_any_over_famtree_s_own(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_family(tmp_path / name, name=f"Oakling of {name}")
    write_family(tmp_path / "two", key="llama", name="Our Llama")
    first = load_places(find_places([tmp_path / "one", tmp_path / "two"]))
    second = load_places(find_places([tmp_path / "two", tmp_path / "one"]))
    assert first.by_key["oakling"].name == "Oakling of one"
    assert second.by_key["oakling"].name == "Oakling of two"
    assert first.by_key["llama"].name == "Our Llama"
    assert sum(family.key == "llama" for family in first.families) == 1


def test_the_variable_is_read_like_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("asked", "listed", "last"):
        write_family(tmp_path / name)
    listed = [str(tmp_path / name) for name in ("listed", "last", "asked")]
    monkeypatch.setenv(VARIABLE, os.pathsep.join(["", *listed]))
    assert find_places(tmp_path / "asked") == tuple(
        str(tmp_path / name) for name in ("asked", "listed", "last")
    )


def test_the_digest_tells_contents_and_nothing_else(tmp_path: Path) -> None:
    write_family(tmp_path / "one" / "own")
    write_family(tmp_path / "two" / "own")
    write_family(tmp_path / "three" / "own", name="Another")
    one, two, three = (
        load_places(find_places(tmp_path / name / "own")).digest for name in ("one", "two", "three")
    )
    assert one == two != three


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    write_family(tmp_path)
    assert load_places(find_places(tmp_path)).by_key["oakling"].name == "Oakling"
    write_family(tmp_path, name="Another name")
    assert load_places(find_places(tmp_path)).by_key["oakling"].name == "Another name"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[[generation]]", "[[generation", "oakling.toml:8: "),
        ("layers = 6", "layers = ", "oakling.toml:20: "),
        ("vocab_rows = 48000", "vocab_rows = {near = 1}", "no such operator; there are equals"),
        ('maker = "Acme"', 'maker = "Acme"\nmakers = 3', "oakling.toml:6: makers: no such field"),
        ("layers = 6", "depth = 6", "oakling.toml:"),
        ('key = "oakling"', 'key = "acorn"', "'acorn' is not the name of the file"),
        ("architecture.vocab_rows", "architecture.rows", "no such trait"),
        ('maker = "Acme"', 'maker = "Acme"\nhard_to_tell_from = ["elmling"]', "no family"),
    ],
)
def test_a_broken_file_is_refused_by_file_and_line(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    write_family(tmp_path, edit=(old, new))
    with pytest.raises(RegistryError) as caught:
        load_places(find_places(tmp_path))
    assert caught.value.exit_code == 2
    assert told in caught.value.message
    assert str(tmp_path) in caught.value.message
    assert "--registry" in caught.value.hint
    assert check_registry(registry=tmp_path) == caught.value.faults


def test_every_fault_of_every_folder_is_listed(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_family(tmp_path / name, edit=('maker = "Acme"', "maker = 3"))
    with pytest.raises(RegistryError) as caught:
        load_places(find_places([tmp_path / "one", tmp_path / "two"]))
    assert len(caught.value.faults) == 2


@pytest.mark.parametrize("kind", ["absent", "a file", "empty", "a name with a null"])
def test_what_is_no_registry_folder_is_a_wrong_request(tmp_path: Path, kind: str) -> None:
    place = {"absent": "gone", "a file": "file", "empty": "empty"}.get(kind, "a\0b")
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError) as caught:
        find_places(f"{tmp_path}/{place}")
    assert "--registry" in caught.value.hint


def test_families_of_a_folder_may_name_famtree_s_own(tmp_path: Path) -> None:
    write_family(tmp_path, edit=('maker = "Acme"', 'maker = "Acme"\nhard_to_tell_from = ["llama"]'))
    assert "oakling" in load_places(find_places(tmp_path)).by_key


def test_a_folder_that_takes_answers_away_is_told_of(tmp_path: Path) -> None:
    greedy = tmp_path / "greedy"
    (greedy / "records").mkdir(parents=True)
    for old, new, key in (
        ("llama.toml", "greedy.toml", ('key = "llama"', 'key = "greedy"')),
        ("records/llama.json", "records/greedy.json", ('"llama"', '"greedy"')),
    ):
        text = (DATA / old).read_text(encoding="utf-8")
        (greedy / new).write_text(text.replace(*key, 1), encoding="utf-8")
    faults = check_registry(greedy)
    assert any("as llama/llama-3 before, now ambiguous" in fault for fault in faults), faults
