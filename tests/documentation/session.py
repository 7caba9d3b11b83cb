"""Python sessions of a page: run them, compare what they print, rewrite it.

A ```` ```pycon ```` block holds statements after `>>> `, each followed by its output. Those of a
page are one session. `python -m documentation.session IN OUT` is its other side: it runs what
stands in one file and writes what each statement printed into another.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import json
import re
import sys
from pathlib import Path

from documentation.console import Surroundings, run_command

_BLOCK = re.compile(r"^```pycon\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def refresh_sessions(page: str, surroundings: Surroundings) -> str:
    """Return the page with the output of every statement as it is now."""
    blocks = [match[1] for match in _BLOCK.finditer(page)]
    if not blocks:
        return page
    printed = iter(_run("".join(blocks), surroundings))

    def rewrite(match: re.Match[str]) -> str:
        lines = []
        for example in _parse(match[1]):
            first, *more = example.source.splitlines()
            lines += [f">>> {first}", *(f"... {line}" for line in more), *next(printed)]
        return "\n".join(["```pycon", *lines, "```"])

    return _BLOCK.sub(rewrite, page)


def _parse(text: str) -> list[doctest.Example]:
    return doctest.DocTestParser().get_examples(text)


def _run(text: str, surroundings: Surroundings) -> list[list[str]]:
    asked, answered = surroundings.scratch / "session.txt", surroundings.scratch / "session.json"
    asked.parent.mkdir(parents=True, exist_ok=True)
    asked.write_text(text, encoding="utf-8")
    run = run_command(f"python -m documentation.session {asked} {answered}", surroundings)
    if run.code:
        raise RuntimeError("\n".join(run.printed))
    found: list[list[str]] = json.loads(answered.read_text(encoding="utf-8"))
    return found


def _answer(text: str) -> list[list[str]]:
    names: dict[str, object] = {"__name__": "__main__"}
    answers = []
    for example in _parse(text):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(example.source, "<page>", "single"), names)
        answers.append(said.getvalue().splitlines())
    return answers


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(_answer(Path(sys.argv[1]).read_text("utf-8"))), "utf-8")
