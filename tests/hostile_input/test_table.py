"""Hostile checkpoints: each gets its answer or its error, within bounds, without a trace."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from famtree.formats.escape import UNSAFE
from hostile_input.case import Case
from hostile_input.folder_cases import FOLDER
from hostile_input.gguf_cases import GGUF
from hostile_input.json_cases import JSON
from hostile_input.runner import MAX_MEGABYTES, MAX_SECONDS
from hostile_input.safetensors_cases import SAFETENSORS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks and resource limits")

CASES = [*SAFETENSORS, *JSON, *GGUF, *FOLDER]
RAN = Path("/tmp/famtree-ran-code")
"""What the code in some checkpoints would make."""
Identify = Callable[..., dict[str, Any]]


def test_there_are_enough() -> None:
    names = [case.name for case in CASES]
    assert len(names) == len(set(names)) >= 150


@pytest.mark.parametrize(
    "case", CASES, ids=lambda case: case.name.encode("unicode_escape").decode()
)
def test_hostile(case: Case, identify: Identify, tmp_path: Path) -> None:
    reference = str(case.build(tmp_path))
    check(identify(reference, "--json"), case)
    ran = RAN.exists()
    RAN.unlink(missing_ok=True)  # the next case is judged by itself
    assert not ran, "code of the checkpoint ran"
    if "escapes" in case.name:
        shown = identify(reference)
        assert not UNSAFE.search((shown["out"] + shown["err"]).replace("\n", ""))


def check(done: dict[str, Any], case: Case) -> None:
    """Check one run against what the case promises and against the bounds of every run."""
    assert done["code"] in (0, 3, 4), f"{done['err'][-3000:]}\n{done['out'][:2000]}"
    assert "Traceback" not in done["err"]
    document = json.loads(done["out"])
    assert not UNSAFE.search(done["err"].replace("\n", ""))
    error = document.get("error")
    found = error["code"] if error else document["outcome"]
    assert found == case.expects, error or (document["reason"], document["warnings"])
    if error:
        assert case.says in error["message"]
        assert len(done["err"].splitlines()) <= 2
    if case.warns:
        assert case.warns in {one["code"] for one in document["warnings"]}
    assert done["seconds"] < MAX_SECONDS, done["seconds"]
    assert done["megabytes"] < MAX_MEGABYTES, done["megabytes"]
