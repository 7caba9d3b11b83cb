"""Patterns and folders of a policy, each checkpoint by itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from families import make_registry
from famtree.errors import PolicyError
from famtree.policy.load import load_policy
from famtree.policy.targets import expand_demands
from famtree.sources.hub_access import OWN
from hub.server import HubServer

HEAD = 'schema = "famtree/policy/1"\n'


def expand(folder: Path, ref: str, *, offline: bool = False) -> list[tuple[str, str | None]]:
    path = folder / "famtree.toml"
    path.write_text(f'{HEAD}[[checkpoint]]\nref = "{ref}"\nexpect = "oak"\n')
    demands = load_policy(path, make_registry()).demands
    found = expand_demands(demands, offline=offline, access=OWN)
    return [(one.policy.ref, fault.code if fault else None) for one, fault in found]


def lay(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"model_type": "llama"}))


def test_models_of_an_account(hub: HubServer, tmp_path: Path) -> None:
    for name in ("acme/desk-7b", "acme/desk-8b", "acme/wiki-8b", "other/desk-7b"):
        hub.add(name, {"config.json": b"{}"})
    assert expand(tmp_path, "acme/desk-*") == [("acme/desk-7b", None), ("acme/desk-8b", None)]
    assert [ref for ref, _ in expand(tmp_path, "acme/*")] == [
        "acme/desk-7b", "acme/desk-8b", "acme/wiki-8b"
    ]  # fmt: skip
    assert expand(tmp_path, "acme/none*") == [("acme/none*", "not-found")]
    assert expand(tmp_path, "acme/*", offline=True) == [("acme/*", "offline")]


def test_paths_and_folders(tmp_path: Path) -> None:
    lay(tmp_path, "models/a/config.json", "models/b/config.json", "models/notes/readme.txt",
        "models/x.gguf")  # fmt: skip
    names = [Path(ref).name for ref, _ in expand(tmp_path, "./models/[ab]")]
    assert names == ["a", "b"]
    assert [Path(ref).name for ref, _ in expand(tmp_path, "./models/*.gguf")] == ["x.gguf"]
    lay(tmp_path, "more/c/config.json", "more/d/config.json")
    assert [Path(ref).name for ref, _ in expand(tmp_path, "./more")] == ["c", "d"]
    assert expand(tmp_path, "./more/c") == [("./more/c", None)], "one is named as it is written"


@pytest.mark.parametrize("ref", ["*/name", "acme*", "a/b/*"])
def test_a_pattern_needs_an_account(tmp_path: Path, ref: str) -> None:
    with pytest.raises(PolicyError, match="names no account"):
        expand(tmp_path, ref)
