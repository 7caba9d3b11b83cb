"""Class defaults of transformers itself, for designs that the recorded table lacks."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from famtree.fingerprints import config_classes, defaults
from famtree.fingerprints.config_classes import read_class_defaults, read_newer_defaults
from famtree.fingerprints.defaults import default_traits, known_model_type, load_defaults

transformers = pytest.importorskip("transformers")
NEWER = "olmo2"
"""A type of every transformers that is supported, taken out of the record."""


@pytest.fixture
def older_record(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    recorded = load_defaults()[NEWER]
    table = {name: entry for name, entry in load_defaults().items() if name != NEWER}
    monkeypatch.setattr(defaults, "load_defaults", lambda: table)
    monkeypatch.setattr(defaults, "read_newer_defaults", read_newer_defaults)
    read_newer_defaults.cache_clear()
    yield recorded
    read_newer_defaults.cache_clear()


def test_a_newer_type_has_the_defaults_of_its_class(older_record: dict[str, object]) -> None:
    assert default_traits(NEWER) == older_record["traits"]
    assert known_model_type(NEWER) == NEWER


def test_a_type_on_record_is_never_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(model_type: str) -> None:
        raise AssertionError(model_type)

    monkeypatch.setattr(defaults, "read_newer_defaults", ask)
    assert default_traits("llama") == load_defaults()["llama"]["traits"]
    assert known_model_type("llama") == "llama"
    assert known_model_type(None, "LlamaForCausalLM") == "llama"
    assert default_traits(None) == {}
    assert known_model_type(None) is None


def test_a_type_that_is_not_listed_imports_nothing(
    older_record: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        config_classes, "read_class_defaults", lambda _: pytest.fail("transformers was imported")
    )
    for name in ("no_such_model", "", "../../etc", 'a"b', "os.system"):
        assert read_newer_defaults(name) is None
        assert known_model_type(name) is None


def test_without_transformers(
    older_record: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    assert default_traits(NEWER) == {}
    assert known_model_type(NEWER) is None


@pytest.mark.parametrize("fault", [ImportError("torch"), ValueError("x"), RuntimeError, TypeError])
def test_a_failure_of_transformers_is_silence(
    older_record: dict[str, object],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    fault: Exception,
) -> None:
    def fail(_: str) -> None:
        raise fault

    monkeypatch.setattr(config_classes, "read_class_defaults", fail)
    assert default_traits(NEWER) == {}
    assert capfd.readouterr() == ("", "")


def test_another_place_of_the_table_is_no_fault(
    older_record: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config_classes, "_TABLE", Path("elsewhere.py"))
    assert default_traits(NEWER) == older_record["traits"]
    assert read_newer_defaults("no_such_model") is None


def test_no_code_of_a_checkpoint_is_run() -> None:
    """Nothing but the name of the type reaches transformers, and only types of its own count."""
    assert read_class_defaults("no_such_model") is None
    source = Path(config_classes.__file__).read_text(encoding="utf-8")
    assert "trust_remote_code" not in source
    assert "from_pretrained" not in source


def test_drafts_use_it(older_record: dict[str, object], tmp_path: Path) -> None:
    """Sizes of a wrapper whose config relies on its class are those of the class."""
    from famtree.api import identify
    from famtree.registry.draft import draft_family

    config = {"model_type": NEWER, "architectures": ["Olmo2ForCausalLM"]}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    traits = older_record["traits"]
    assert isinstance(traits, dict)
    assert f"hidden_size = {traits['hidden_size']}" in draft_family([identify(str(tmp_path))], {})
