"""Chat templates as signatures: a digest that ignores layout, and the markers they use.

A template is text here and is never rendered.
"""

from __future__ import annotations

import re
from typing import Any

from famtree.fingerprints.digest import digest
from famtree.types.fingerprint import Digest

MAX_TEMPLATE = 1 << 20
"""Longer templates are cut before they are searched; the longest released one has 60 kB."""
MAX_MARKERS = 64

_SPACE = r"\s++"
_MARKER = (
    r"<[|｜][^<>|｜\s'\"{}]{1,40}[|｜]>"  # <|im_start|>, full-width bars too
    r"|<\|[a-z_]{1,20}>|<[a-z_]{1,20}\|>"  # half-open turns
    r"|</?[a-z][a-z_:]{2,30}>"  # <start_of_turn>, <think>
    r"|<<SYS>>|\[/?[A-Z][A-Z_]{2,30}\]"  # [INST], [AVAILABLE_TOOLS]
    r"|\][~!][a-z]\[?|\[[a-z]~\[|\[\|[a-z]++\|\]"  # ]~b], [|user|]
    r"|### [A-Z][a-z]{2,20}:|\b(?:USER|ASSISTANT):"
)


def find_template(files: dict[str, Any]) -> str | None:
    """Return the template in transformers' order of precedence.

    `chat_template.jinja`, then `tokenizer_config.json` (a string, or a list of named templates of
    which `default` counts), then the processor's `chat_template.json`.
    """
    direct = files.get("chat_template.jinja")
    if isinstance(direct, str) and direct:
        return direct[:MAX_TEMPLATE]
    for name in ("tokenizer_config.json", "chat_template.json"):
        table = files.get(name)
        stored = table.get("chat_template") if isinstance(table, dict) else None
        if isinstance(stored, list):
            named = {
                str(entry.get("name")): entry.get("template")
                for entry in stored
                if isinstance(entry, dict)
            }
            stored = named.get("default") or next(iter(named.values()), None)
        if isinstance(stored, str) and stored:
            return stored[:MAX_TEMPLATE]
    return None


def digest_template(template: str) -> Digest:
    """Digest the template without comments and with every run of white space as one blank."""
    return digest(re.sub(_SPACE, " ", drop_comments(template)).strip())


def drop_comments(template: str) -> str:
    """Drop every `{# ... #}`; one that is never closed stays.

    Not a regular expression: one would look for the end again at every of many openings.
    """
    kept, at = [], 0
    while (start := template.find("{#", at)) >= 0:
        stop = template.find("#}", start + 2)
        if stop < 0:
            break
        kept.append(template[at:start])
        at = stop + 2
    return "".join([*kept, template[at:]])


def find_markers(template: str) -> list[str]:
    """Return the control strings the template writes or looks for, sorted, at most 64."""
    return sorted(set(re.findall(_MARKER, template)))[:MAX_MARKERS]
