"""The measured command, for every test of hostile input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

SRC = Path(__file__).parents[2] / "src"
Identify = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def identify() -> Iterator[Identify]:
    """Run `famtree identify` with more arguments in a measured process of its own."""
    with subprocess.Popen(
        [sys.executable, Path(__file__).with_name("runner.py")],
        env=os.environ | {"PYTHONPATH": str(SRC)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def run(*arguments: str, command: str = "identify") -> dict[str, Any]:
            assert process.stdin is not None
            assert process.stdout is not None
            request = {
                "arguments": [command, *arguments],
                "environment": {k: v for k, v in os.environ.items() if k.isupper()},
            }
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            found: dict[str, Any] = json.loads(process.stdout.readline())
            return found

        yield run
        process.stdin.close()
