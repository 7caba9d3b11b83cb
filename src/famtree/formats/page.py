"""Pages that are one file: what they may run and how they may look is named by its hash.

`default-src 'none'` allows nothing; a script or style that came with the text of a checkpoint has
another hash and is dead, were escaping forgotten (https://www.w3.org/TR/CSP3/, hash-source).
"""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from famtree.types.lineage import LineageNode

_DATA = Path(__file__).with_name("data")
_REPOSITORY = re.compile(r"\w[\w.-]{0,95}/\w[\w.-]{0,95}(?:@[\w.-]{1,100})?", re.ASCII)
"""org/name[@revision]; `..` as a part of a path starts with no letter."""


def fill_page(name: str, *, styles: tuple[str, ...], scripts: tuple[str, ...], **parts: str) -> str:
    """Return the page `name`, filled with `parts`, and with its style and script in it.

    All are files in `data`; styles and scripts are joined in the order given.
    """
    style, script = (
        "\n".join(map(read_part, (f"{one}.{kind}" for one in names)))
        for kind, names in (("css", styles), ("js", scripts))
    )
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    page = Template(read_part(f"{name}.html"))
    return page.substitute(parts, style=style, script=script, policy=policy)


def find_address(name: str, hub: str) -> str | None:
    """Return the address of a checkpoint's page on a Hub; None for what is no such name."""
    if not _REPOSITORY.fullmatch(name):
        return None
    repo, _, revision = name.partition("@")
    return f"{hub}/{repo}" + (f"/tree/{revision}" if revision else "")


def lead_out(address: str, text: str) -> str:
    """Return a link from a page to another's, in a window of its own; `text` is markup."""
    return f'<a href="{escape(address)}" rel="noopener noreferrer" target="_blank">{text}</a>'


def find_page(node: LineageNode, asked: str, hub: str) -> str | None:
    """Return the address of the checkpoint's page on the Hub, None for what is not on one.

    What was asked for may be a folder of the same form; ancestors are names on the Hub.
    """
    return None if node.ref == asked and node.source != "hub" else find_address(node.ref, hub)


def read_part(file: str) -> str:
    """Return a file of `data`."""
    return (_DATA / file).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
