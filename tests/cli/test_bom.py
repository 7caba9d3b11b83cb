from __future__ import annotations

import sys

import pytest

from cli.commands import Command, FakeApi
from famtree.types.proof_options import USUAL


def test_document_is_on_stdout(command: Command, fake_api: FakeApi) -> None:
    fake_api.answer = {"bomFormat": "CycloneDX"}
    done = command("bom", "acme/oak", "--children", "--depth", "3", "--stamp", "--verify",
                   "--revision", "r")  # fmt: skip
    assert (done.code, done.err) == (0, "")
    assert done.document == fake_api.answer
    [(arguments, keywords)] = fake_api.calls
    assert arguments == ("acme/oak",)
    del keywords["on_progress"]
    assert keywords == {
        "revision": "r",
        "offline": False,
        "verify": True,
        "children": True,
        "depth": 3,
        "stamp": True,
        "registry": (),
        "proof": USUAL,
        "timeout": None,
    }


def test_a_missing_package_is_told(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*sys.modules, "cyclonedx"]:
        if name.partition(".")[0] == "cyclonedx" or name.startswith("famtree.bom."):
            monkeypatch.setitem(sys.modules, name, None)
    # Where a module is imported anew, None in its place is an ImportError.
    for name in [name for name in sys.modules if name.startswith("famtree.bom.")]:
        monkeypatch.delitem(sys.modules, name)
    done = command("bom", "acme/oak")
    assert done.code == 2
    assert "cyclonedx-python-lib" in done.err
    assert "pip install 'cyclonedx-python-lib' (famtree's extra bom)" in done.err
