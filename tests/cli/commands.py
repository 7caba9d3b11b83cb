"""Running a command line in this process, with the work behind it replaced."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

import famtree
from famtree.cli.app import make_app
from famtree.cli.run import run


@dataclass
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """Stdout as the one JSON object it must be."""
        parsed = json.loads(self.out)
        assert isinstance(parsed, dict)
        return parsed


Command = Callable[..., Outcome]


class FakeApi(SimpleNamespace):
    """Stands where `famtree.api` is; answers or raises `answer`, and notes how it was called."""

    def __init__(self) -> None:
        super().__init__(answer=None, calls=[])

    def _reply(self, *arguments: Any, **keywords: Any) -> Any:
        self.calls.append((arguments, keywords))
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer(**keywords) if callable(self.answer) else self.answer

    identify = lineage = bom = attest = check = draft = check_registry = compare_all = _reply
    update_families = _reply


def make_command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Return a function running `famtree ARGUMENTS...`."""

    def command(*arguments: str) -> Outcome:
        capsys.readouterr()
        code = run(make_app(next(iter(arguments), None)), arguments)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return command


def install_fake_api(monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    """Put a FakeApi in the place of `famtree.api` for one test."""
    fake = FakeApi()
    monkeypatch.setitem(sys.modules, "famtree.api", fake)
    monkeypatch.setattr(famtree, "api", fake, raising=False)
    return fake
