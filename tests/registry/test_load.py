from __future__ import annotations

from pathlib import Path

import pytest

from famtree.errors import RegistryError
from famtree.registry.check import check_registry
from famtree.registry.load import (
    DATA,
    build_registry,
    digest_sources,
    load_registry,
    read_sources,
)
from famtree.registry.parse import expand_conditions
from famtree.types.family import Condition
from registry.files import GENERIC, OAK, find_line, write_folder


def faults_of(**texts: str) -> list[str]:
    sources = {f"{stem}.toml": text.encode() for stem, text in texts.items()}
    with pytest.raises(RegistryError) as caught:
        build_registry(sources)
    assert caught.value.exit_code == 70
    assert caught.value.hint
    return caught.value.faults


def test_shipped_registry_loads() -> None:
    assert len(load_registry().families) > 50


def test_conditions_of_all_operators_are_read(tmp_path: Path) -> None:
    registry = load_registry(write_folder(tmp_path))
    generation = registry.find_generation("oak", "oak-2")
    assert generation is not None
    assert generation.rules[0].when == {
        "architecture.text_model_type": Condition(one_of=("oak2", "oak")),
        "architecture.vocab_rows": Condition(between=(60000, 61000)),
        "recipe.logit_cap": Condition(absent=True),
        "recipe.chat_markers": Condition(contains=("<|a|>",)),
    }


def test_plain_values_mean_equality() -> None:
    rule = {"when": {"a": {"b": 1, "c": {"one_of": [1, 2]}}, "d.e": "x"}}
    expand_conditions({"generation": [{"rule": [rule]}]})
    assert rule["when"] == {"a.b": {"equals": 1}, "a.c": {"one_of": [1, 2]}, "d.e": {"equals": "x"}}


@pytest.mark.parametrize(
    "table",
    [
        {"generation": "x"},
        {"generation": [1]},
        {"generation": [{"rule": [3]}]},
        {"exemplar": ["y"]},
    ],
)
def test_odd_tables_are_left_to_validation(table: dict[str, object]) -> None:
    assert expand_conditions(dict(table)) == table


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('maker = "Acme"\n', "", "maker"),
        ('maker = "Acme"', 'maker = "Acme"\nmakre = "Acme"', "makre"),
        ("layers = 32\n", 'layers = "many"\n', "generation.0.size.0.layers"),
        ('relation = "successor"', 'relation = "cousin"', "generation.1.parents.0.relation"),
        ('schema = "famtree/family/1"', 'schema = "famtree/family/9"', "schema"),
        ("{absent = true}", "{absent = false}", "generation.1.rule.0.when.recipe.logit_cap"),
        ("[60000, 61000]", "[61000, 60000]", "generation.1.rule.0.when.architecture.vocab_rows"),
        (
            "{between = [60000, 61000]}",
            "{between = [1, 2], absent = true}",
            "generation.1.rule.0.when.architecture.vocab_rows",
        ),
    ],
)
def test_malformed_field_is_a_fault(old: str, new: str, field: str) -> None:
    assert OAK.count(old) == 1
    found = faults_of(_generic=GENERIC, oak=OAK.replace(old, new))
    assert any(fault.split(": ")[1].startswith(field) for fault in found), found


def test_fault_names_its_line() -> None:
    text = OAK.replace("{absent = true}", "{absent = false}")
    (fault,) = faults_of(_generic=GENERIC, oak=text)
    assert fault.startswith(f"oak.toml:{find_line(text, 'absent')}: ")


def test_faults_of_all_files_are_reported_at_once() -> None:
    found = faults_of(_generic='schema = "x"', ash="= 3", elm=OAK.replace('name = "Oak"\n', ""))
    assert {fault.partition(".toml")[0] for fault in found} == {"_generic", "ash", "elm"}


def test_missing_generic_file_is_a_fault() -> None:
    assert faults_of(oak=OAK) == ["_generic.toml: missing"]


def test_file_that_is_not_text_is_a_fault() -> None:
    with pytest.raises(RegistryError, match=r"oak\.toml:2: is not UTF-8"):
        build_registry({"_generic.toml": GENERIC.encode(), "oak.toml": b"#\n\xff\xfe"})
    with pytest.raises(RegistryError, match=r"records/oak\.json:1: .*truncated"):
        build_registry(
            {
                "_generic.toml": GENERIC.encode(),
                "oak.toml": OAK.encode(),
                "records/oak.json": b"{\n",
            }
        )


def test_digest_covers_names_and_contents() -> None:
    first = digest_sources({"a.toml": b"x", "b.toml": b""})
    assert first == digest_sources({"a.toml": b"x", "b.toml": b""})
    others = (
        {"a.toml": b"", "b.toml": b"x"},
        {"ab.toml": b"x"},
        {"a.toml": b"xb.toml"},
    )
    assert len({first, *map(digest_sources, others)}) == 4


def test_only_toml_files_are_read(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "notes.md").write_text("not a family")
    assert list(read_sources(tmp_path)) == ["_generic.toml", "oak.toml"]
    assert len(read_sources(DATA)) > 50


def test_equal_conditions_are_one_object() -> None:
    registry = build_registry(read_sources(DATA))
    conditions = [
        condition
        for _, generation in registry.walk_generations()
        for rule in generation.rules
        for condition in rule.when.values()
    ]
    distinct = {(type(condition.equals), condition) for condition in conditions}
    assert len({id(condition) for condition in conditions}) == len(distinct) < len(conditions) / 3


def test_a_folder_of_families_alone_has_the_shipped_generic_file(tmp_path: Path) -> None:
    (tmp_path / "oak.toml").write_text(OAK, encoding="utf-8")
    assert not any("_generic.toml" in fault for fault in check_registry(tmp_path))
    registry = load_registry(tmp_path)
    assert [family.key for family in registry.families] == ["oak"]
    assert registry.generic == load_registry().generic


def test_what_is_no_field_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "oak.toml").write_text(f"colour = 1\n{OAK}", encoding="utf-8")
    assert "oak.toml:1: colour: no such field" in check_registry(tmp_path)
    (tmp_path / "oak.toml").write_text(OAK + "[[exemplar]]\nparents = [3]\n", encoding="utf-8")
    assert any(fault.endswith("Input should be a table") for fault in check_registry(tmp_path))
