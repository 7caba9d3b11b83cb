"""The public functions: what they compose, and what they leave unread and unimported."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from checkpoint.folders import CONFIG, write_folder
from famtree import api
from famtree.errors import FamtreeError, NotFoundError, OfflineError, UsageError
from famtree.registry.load import DATA


def test_identify_a_folder(tmp_path: Path) -> None:
    said: list[str] = []
    folder = write_folder(tmp_path / "m", {"config.json": CONFIG})
    result = api.identify(str(folder), on_progress=said.append)
    assert result.family is not None
    assert result.checkpoint.ref == str(folder)
    assert result.cost.requests == 0
    assert said


@pytest.mark.parametrize(
    ("reference", "error"),
    [("", UsageError), ("a/b/c/d", UsageError), ("./absent", NotFoundError)],
)
def test_wrong_reference_is_an_error_with_a_hint(reference: str, error: type[FamtreeError]) -> None:
    with pytest.raises(error) as caught:
        api.identify(reference)
    assert caught.value.message
    assert caught.value.hint


def test_offline_forbids_requests() -> None:
    with pytest.raises(OfflineError):
        api.identify("acme/never-cached", offline=True)


def test_draft_is_text(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "m", {"config.json": CONFIG})
    assert 'schema = "famtree/family/1"' in api.draft(str(folder), offline=True)


def test_check_stops_at_faults_of_form(tmp_path: Path) -> None:
    (tmp_path / "_generic.toml").write_bytes((DATA / "_generic.toml").read_bytes())
    (tmp_path / "oak.toml").write_text("key = 3\n")
    found = api.check_registry(tmp_path)
    assert found
    assert all(fault.startswith("oak.toml") for fault in found)


def test_public_functions_take_options_by_name_only() -> None:
    functions = [
        found
        for name, found in vars(api).items()
        if inspect.isfunction(found) and found.__module__ == api.__name__ and name[0] != "_"
    ]
    assert len(functions) >= 3
    for function in functions:
        assert function.__doc__, function.__name__
        kinds = [one.kind for one in inspect.signature(function).parameters.values()]
        positional = kinds.count(inspect.Parameter.POSITIONAL_OR_KEYWORD)
        assert positional <= 2, function.__name__
