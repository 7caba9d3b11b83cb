"""Each kind of fault a registry file can have is reported, with file, line, field and reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from famtree.registry.check import check_registry
from registry.files import OAK, find_line, write_folder

# (what is replaced, by what, field of the fault, part of its reason, part of the line it names)
FAULTS = [
    ('key = "oak"\n', 'key = "elm"\n', "key", "not the name of the file", 'key = "elm"'),
    ('["https://example.org/oak"]\n', '[" "]\n', "sources", "a source is empty", 'sources = [" "]'),
    ('maker = "Acme"', 'maker = " "', "name", "name and maker must be given", 'name = "Oak"'),
    (
        'maker = "Acme"',
        'maker = "Acme"\nhard_to_tell_from = ["birch"]',
        "hard_to_tell_from",
        "no family 'birch'",
        "hard_to_tell_from",
    ),
    (
        'name = "Oak 2"',
        'name = "Oak 2"\nhard_to_tell_from = ["oak/oak-3"]',
        "generation.1.hard_to_tell_from",
        "no generation 'oak/oak-3'",
        "hard_to_tell_from",
    ),
    (
        'generation = "oak-1", relation',
        'generation = "oak-0", relation',
        "generation.1.parents.0",
        "no generation 'oak/oak-0'",
        None,
    ),
    (
        "recipe.logit_cap",
        "recipe.logit_crown",
        "generation.1.rule.0.when.recipe.logit_crown",
        "no such trait",
        "recipe.logit_crown",
    ),
    (
        'when = {architecture.text_model_type = "oak", architecture.vocab_rows = 50000}',
        "when = {architecture.layers = 32, architecture.hidden_size = 4096}",
        "generation.0.rule.0",
        "dimensions alone",
        None,
    ),
    ("hidden_size = 4096\n", "", "generation.0.size.0", "needs layers and hidden_size", None),
    (
        'generations = ["oak-1"]',
        'generations = ["oak-7"]',
        "tokenizer.0.generations",
        "no generation 'oak-7'",
        'generations = ["oak-7"]',
    ),
    (
        'generation = "oak-1"\nsource',
        'generation = "oak-9"\nsource',
        "exemplar.0.generation",
        "no generation 'oak/oak-9'",
        'generation = "oak-9"',
    ),
    (
        "vocab_rows = 50000, layers = 32}\n",
        "vocab_rows = 50000, storeys = 32}\n",
        "exemplar.0.traits.architecture.storeys",
        "no such trait",
        None,
    ),
    (
        ', vocab_rows = 50000, layers = 32}\n',
        "}\n",
        "exemplar.0",
        "fewer than 3 facts",
        None,
    ),
    (
        'source = "https://example.org/oak"\ntraits',
        'source = " "\ntraits',
        "exemplar.0.source",
        "say where the facts come from",
        'source = " "',
    ),
]  # fmt: skip


def split(fault: str) -> tuple[str, int | None, str, str]:
    where, field, reason = fault.split(": ", 2)
    file, _, line = where.partition(":")
    return file, int(line) if line else None, field, reason


def test_sound_folder_has_no_fault(tmp_path: Path) -> None:
    assert check_registry(write_folder(tmp_path)) == []


@pytest.mark.parametrize(
    ("old", "new", "field", "reason", "line"), FAULTS, ids=[fault[2] for fault in FAULTS]
)
def test_fault_is_reported(
    tmp_path: Path, old: str, new: str, field: str, reason: str, line: str | None
) -> None:
    assert OAK.count(old) >= 1
    text = OAK.replace(old, new, 1)
    found = [split(fault) for fault in check_registry(write_folder(tmp_path, oak=text))]
    matching = [one for one in found if one[2] == field and reason in one[3]]
    assert len(matching) == 1, found
    assert matching[0][0] == "oak.toml"
    if line is not None:
        assert matching[0][1] == find_line(text, line)


def test_all_faults_are_reported_at_once(tmp_path: Path) -> None:
    text = OAK
    for old, new, *_ in FAULTS[1:6:2]:
        text = text.replace(old, new, 1)
    elm = OAK.replace('key = "oak"', 'key = "elm"', 1).replace("recipe.logit_cap", "recipe.cap")
    found = check_registry(write_folder(tmp_path, oak=text, elm=elm))
    assert found == sorted(found)
    assert any(fault.startswith("elm.toml") and "recipe.cap" in fault for fault in found)
    for _, _, field, reason, _ in FAULTS[1:6:2]:
        assert any(f": {field}: " in fault and reason in fault for fault in found), field


def test_a_file_that_cannot_be_read_does_not_hide_the_faults_of_others(tmp_path: Path) -> None:
    broken = OAK.replace('key = "oak"', 'key = "elm"', 1).replace("maker =", "make =", 1)
    oak = OAK.replace("recipe.logit_cap", "recipe.cap").replace(
        'maker = "Acme"', 'maker = "Acme"\nhard_to_tell_from = ["elm"]', 1
    )
    found = [split(fault) for fault in check_registry(write_folder(tmp_path, oak=oak, elm=broken))]
    assert [one[:3] for one in found] == [
        ("elm.toml", 1, "maker"),
        ("elm.toml", find_line(broken, "make ="), "make"),
        ("oak.toml", find_line(oak, "recipe.cap"), "generation.1.rule.0.when.recipe.cap"),
    ]


def test_key_of_two_files_is_reported(tmp_path: Path) -> None:
    found = check_registry(write_folder(tmp_path, elm=OAK))
    assert any("another file has it too" in fault for fault in found)


def test_generation_that_stands_twice_is_reported(tmp_path: Path) -> None:
    twice = OAK.replace('key = "oak-2"', 'key = "oak-1"')
    assert any(
        "stands twice" in fault for fault in check_registry(write_folder(tmp_path, oak=twice))
    )


def test_cycle_of_parents_is_reported(tmp_path: Path) -> None:
    parent = 'parents = [{family = "oak", generation = "oak-2", relation = "finetune"}]'
    text = OAK.replace('name = "Oak 1"', f'name = "Oak 1"\n{parent}')
    (fault,) = check_registry(write_folder(tmp_path, oak=text))
    assert "a cycle: " in fault
    assert "oak/oak-1" in fault
    assert "oak/oak-2" in fault


def test_one_size_may_be_cut_from_another_of_its_generation(tmp_path: Path) -> None:
    parent = 'parents = [{family = "oak", generation = "oak-1", relation = "pruned", size = "1B"}]'
    text = OAK.replace('name = "Oak 1"', f'name = "Oak 1"\n{parent}')
    assert check_registry(write_folder(tmp_path, oak=text)) == []


def test_faults_of_form_come_first_and_all(tmp_path: Path) -> None:
    """A file that does not validate hides nothing of the other files that do not."""
    broken = OAK.replace("layers = 32\n", 'layers = "many"\n', 1)
    found = check_registry(write_folder(tmp_path, oak=broken, elm="this is no TOML"))
    assert any(fault.startswith("elm.toml:1: ") for fault in found)
    (typed,) = (fault for fault in found if fault.startswith("oak.toml"))
    assert typed.startswith(f"oak.toml:{find_line(broken, 'many')}: generation.0.size.0.layers: ")
