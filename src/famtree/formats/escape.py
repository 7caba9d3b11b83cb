"""Text that came with a checkpoint, made safe to show.

Names, reasons and values reach reports from files anybody can publish. A terminal obeys escape
sequences and reorders text around bidirectional controls, and invisible characters make two names
look alike; rich would read square brackets as markup. Everything shown passes through here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = 240
"""Characters of one value that a report shows: a hostile name must not fill the screen."""

# Unicode 16 general categories Cc, Cf, Cs, Zl and Zp, plus the variation selectors supplement
# (used to smuggle text). Spelled out rather than asked of `unicodedata`, whose answer changes with
# the Python version while reports must stay byte-identical.
UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)

# What a runner may skip over: .NET, which GitHub's and Azure's are written in, compares by culture,
# and ignores there what Unicode calls default-ignorable.
_IGNORED = (
    "\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0"
)
_COMMAND = (
    # ##[name] anywhere: actions/runner, ActionCommand.cs. ##vso[: Azure. ##teamcity[: TeamCity.
    rf"#(?=[{_IGNORED}]*+#[\w.{_IGNORED}]*+\[)"
    # ::name:: after any blanks: actions/runner.
    rf"|(?P<blank>(?:^|(?<=[\r\v\f\x85\u2028\u2029]))(?:[^\S\r\n]|[{_IGNORED}])*+):(?=[{_IGNORED}]*+:)"
    # --- and the like begin a group: Buildkite.
    r"|^(?:-(?=-- )|\+(?=\+\+ )|~(?=~~ )|\^(?=\^\^ ))"
    # Sections of GitLab, folds of Travis.
    r"|(?:(?<=section_start)|(?<=section_end)|(?<=travis_fold)|(?<=travis_time)):"
)
RUNNERS = ("CI", "GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION")
"""Variables by which runners of continuous integration make themselves known; most set `CI`."""


def is_runner(environment: Mapping[str, str]) -> bool:
    """Return whether a runner reads the lines that are printed, by its `environment`."""
    return any(environment.get(name, "").lower() not in ("", "0", "false") for name in RUNNERS)


def break_commands(text: str) -> str:
    r"""Return `text` so that no line of it is a command to a runner: `\u0023#[` for `##[`.

    Of each command one character is spelled out, in the one form that text can show and that
    strings of JSON and TOML read back: these stay the same document.
    """
    # Compiled on first use: hardly any start of famtree is under a runner.
    return re.sub(_COMMAND, _spell_command, text, flags=re.MULTILINE)


def escape_text(text: str) -> str:
    r"""Return `text` with every control, invisible and bidirectional character spelled out.

    ESC becomes the four characters `\x1b`, a line feed `\n`, U+202E `\u202e`. Nothing is dropped,
    so two different names never print alike.
    """
    return UNSAFE.sub(_spell, text)


def clip_text(text: str, limit: int = LONGEST) -> str:
    """Return `text` escaped and, if longer than `limit` characters, cut with an ellipsis."""
    # Cut first: escaping a hostile megabyte only to drop it would be wasted work.
    return escape_text(text) if len(text) <= limit else escape_text(text[: limit - 1]) + "…"


def clip_name(text: str, limit: int = LONGEST) -> str:
    """Return a name escaped and, if longer than `limit`, cut in its middle.

    Names of a Hub differ at their ends: who published it, and in which form.
    """
    if len(text) <= limit:
        return escape_text(text)
    tail = (limit - 1) // 2
    return f"{escape_text(text[: limit - 1 - tail])}…{escape_text(text[len(text) - tail :])}"


def _spell_command(match: re.Match[str]) -> str:
    blank = match["blank"] or ""
    return f"{blank}\\u{ord(match.group()[len(blank)]):04x}"


def _spell(match: re.Match[str]) -> str:
    return match.group().encode("unicode_escape").decode("ascii")
