"""What stands beside a family's file, and what its generations state for all their rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from famtree.fingerprints.from_traits import fingerprint_traits
from famtree.registry.check import check_registry
from famtree.registry.load import DATA, build_registry, read_sources
from famtree.registry.parse import GENERIC
from famtree.registry.places import find_places, load_places
from loading import load_module
from registry.files import OAK, find_line, write_folder

SCRIPTS = Path(__file__).parents[2] / "scripts"

TRAITS = {
    "architecture.text_model_type": "oak",
    "architecture.vocab_rows": 50000,
    "architecture.layers": 32,
}
BARE = OAK.replace('files = ["ab"]\n', "").replace(
    'traits.architecture = {text_model_type = "oak", vocab_rows = 50000, layers = 32}\n', ""
)
SHARED = BARE.replace(
    """[[generation.rule]]
[generation.rule.when]
architecture.text_model_type = {one_of = ["oak2", "oak"]}
""",
    """[generation.common]
architecture.text_model_type = {one_of = ["oak2", "oak"]}

[[generation.rule]]
[generation.rule.when]
""",
)


def records(**changes: Any) -> dict[str, Any]:
    whole = {
        "schema": "famtree/records/1",
        "family": "oak",
        "tokenizer": {"oak 50k": {"files": ["ab"]}},
        "exemplar": {"acme/oak-8b": {"traits": TRAITS}},
    }
    return whole | changes


def write(folder: Path, text: str = BARE, beside: Any = None) -> Path:
    write_folder(folder, oak=text)
    (folder / "records").mkdir()
    held = json.dumps(records() if beside is None else beside)
    (folder / "records/oak.json").write_text(held, encoding="utf-8")
    return folder


def test_records_and_common_conditions_mean_what_stands_in_the_file(tmp_path: Path) -> None:
    whole = build_registry(read_sources(write_folder(tmp_path / "a")))
    apart = build_registry(read_sources(write(tmp_path / "b", SHARED)))
    assert apart.families == whole.families
    assert apart.digest != whole.digest


def test_records_are_read_in_a_folder_of_one_s_own(tmp_path: Path) -> None:
    family = load_places(find_places(write(tmp_path))).by_key["oak"]
    assert family.exemplars[0].traits == TRAITS
    stated = json.loads((tmp_path / "records/oak.json").read_text())
    stated["exemplar"]["acme/oak-8b"]["traits"]["architecture.layers"] = 33
    (tmp_path / "records/oak.json").write_text(json.dumps(stated))
    changed = load_places(find_places(tmp_path)).by_key["oak"].exemplars[0]
    assert changed.traits["architecture.layers"] == 33


@pytest.mark.parametrize(
    ("beside", "told"),
    [
        (records(family="elm"), "they are of family 'elm'"),
        (records(schema="famtree/records/9"), "Invalid enum value 'famtree/records/9'"),
        (records(more=1), "unknown field `more`"),
        ([1], "Expected `object`, got `array`"),
        (records(tokenizer={"elm": {}}), "tokenizer 'elm': the family's file has none"),
        (records(exemplar={"acme/elm": {}}), "exemplar 'acme/elm': the family's file has none"),
        (
            records(exemplar={"acme/oak-8b": {"traits": TRAITS, "source": "x"}}),
            "exemplar 'acme/oak-8b': source: is not recorded but stated",
        ),
        (
            records(exemplar={"acme/oak-8b": {"traits": {**TRAITS, "recipe.context": None}}}),
            "exemplar 'acme/oak-8b': traits.recipe.context",
        ),
    ],
)
def test_records_that_do_not_fit_are_faults(tmp_path: Path, beside: Any, told: str) -> None:
    faults = check_registry(write(tmp_path, BARE, beside))
    assert any(one.startswith("records/oak.json: ") and told in one for one in faults), faults


def test_what_stands_in_both_is_a_fault(tmp_path: Path) -> None:
    assert check_registry(write(tmp_path, OAK)) == [
        "records/oak.json: exemplar 'acme/oak-8b': traits: stands in the family's file too",
        "records/oak.json: tokenizer 'oak 50k': files: stands in the family's file too",
    ]


def test_records_of_no_family_are_a_fault(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "records").mkdir()
    (tmp_path / "records/elm.json").write_text(json.dumps(records(family="elm")))
    assert check_registry(tmp_path) == ["records/elm.json: there is no family of this name"]


@pytest.mark.parametrize(
    ("edit", "word", "reason"),
    [
        (("recipe.logit_cap", 'architecture.text_model_type = "oak2"\nrecipe.logit_cap'),
         'type = "oak2"', "stands in [generation.common] too"),
        (("[generation.common]\n", "[generation.common]\nrecipe.cap = 1\n"),
         "recipe.cap", "no such trait"),
        (("[generation.common]\n", "[generation.common]\nrecipe.context = {absent = false}\n"),
         "absent = false", "`absent` can only be true"),
    ],
)  # fmt: skip
def test_faults_of_common_conditions_name_their_line(
    tmp_path: Path, edit: tuple[str, str], word: str, reason: str
) -> None:
    text = SHARED.replace(*edit)
    (fault,) = check_registry(write(tmp_path, text))
    assert fault.startswith(f"oak.toml:{find_line(text, word)}: ")
    assert reason in fault


@pytest.fixture
def tidy(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return load_module(SCRIPTS / "update_records.py").tidy_family


def test_shipped_files_are_in_the_form_they_are_kept_in(tidy: Any) -> None:
    sources = read_sources(DATA)
    for name, data in sources.items():
        if name.endswith(".toml") and name != GENERIC:
            beside = sources.get(f"records/{name.removesuffix('.toml')}.json")
            kept = tidy(data.decode(), beside)
            assert kept == (data.decode(), beside), "run scripts/update_records.py"


def test_the_script_moves_what_was_recorded_and_what_is_common(tidy: Any) -> None:
    rules = OAK.replace(
        "architecture.vocab_rows = {between = [60000, 61000]}",
        """architecture.vocab_rows = 60000

[[generation.rule]]
name = "large"
[generation.rule.when]
# Of both.
architecture.text_model_type = {one_of = ["oak2", "oak"]}
architecture.vocab_rows = 61000""",
    ).replace("[[generation.rule]]\n[gen", '[[generation.rule]]\nname = "small"\n[gen')
    text, beside = tidy(rules, None)
    assert beside is not None
    common = '[generation.common]\narchitecture.text_model_type = {one_of = ["oak2", "oak"]}\n'
    assert text.count(common) == 1
    assert text.count("one_of") == 1
    assert "traits" not in text
    held = json.loads(beside)["exemplar"]["acme/oak-8b"]
    assert held["traits"] == TRAITS
    assert held["digests"]["recipe"] == fingerprint_traits(TRAITS).recipe.digest
    assert tidy(text, beside) == (text, beside)
    # What is written into the file again is the newer.
    edited = text.replace('repo = "acme/oak-8b"', 'repo = "acme/oak-8b"\ntraits.architecture = '
                          '{text_model_type = "oak", vocab_rows = 50000, layers = 30}')  # fmt: skip
    assert edited != text
    again, newer = tidy(edited, beside)
    assert again == text
    assert json.loads(newer)["exemplar"]["acme/oak-8b"]["traits"]["architecture.layers"] == 30
