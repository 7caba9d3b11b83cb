"""Text that came with a checkpoint, made safe to show.

Names, reasons and values reach reports from files anybody can publish. A terminal obeys escape
sequences and reorders text around bidirectional controls, and invisible characters make two names
look alike; rich would read square brackets as markup. Everything shown passes through here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

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


def make_text(text: str, style: str = "", *, limit: int = LONGEST) -> Text:
    """Return a rich Text showing `text` literally: no markup, no terminal codes."""
    from rich.text import Text

    return Text(clip_text(text, limit), style=style, overflow="fold")


def _spell(match: re.Match[str]) -> str:
    return match.group().encode("unicode_escape").decode("ascii")
