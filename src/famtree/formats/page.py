"""Pages that are one file: what they may run and how they may look is named by its hash.

`default-src 'none'` allows nothing; a script or style that came with the text of a checkpoint has
another hash and is dead, were escaping forgotten (https://www.w3.org/TR/CSP3/, hash-source).
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from string import Template

_DATA = Path(__file__).with_name("data")


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


def read_part(file: str) -> str:
    """Return a file of `data`."""
    return (_DATA / file).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
