"""What a function takes where a checkpoint or a file is named."""

from __future__ import annotations

import os

from famtree.errors import UsageError

Place = str | os.PathLike[str]
"""A text, or a path: that is never a Hub id, whatever it looks like."""


def write_reference(place: Place) -> str:
    """Return a reference as text; a path as one that no Hub id is like. Raises UsageError."""
    if isinstance(place, str):
        return place
    text = write_path(place)
    return text if os.path.isabs(text) else os.path.join(os.curdir, text)


def write_path(place: Place) -> str:
    """Return the path of a file as text. Raises UsageError for what is none."""
    try:
        text = os.fspath(place)
    except TypeError:
        text = None
    if isinstance(text, str):
        return text
    raise UsageError(
        f"a {type(place).__name__} is no text and no path", hint="give a str or an os.PathLike"
    )
