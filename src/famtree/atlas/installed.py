"""Whom the walk of an ancestry asks for undeclared parents: an atlas, or the roots installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from famtree.errors import FamtreeError
from famtree.registry.installed import find_roots

if TYPE_CHECKING:
    from pathlib import Path

    from famtree.lineage.opener import Opener


@contextmanager
def advise(
    opener: Opener, atlas: Path | None = None, *, roots: bool, verify: bool
) -> Iterator[None]:
    """Let `opener` ask `atlas`, else with `roots` that of an installed registry, while this lasts.

    What is installed and cannot be opened is left out; `atlas` has to be. Raises as `open_atlas`.
    """
    chosen = atlas if atlas is not None or not roots else find_roots()
    if chosen is None or (atlas is None and find_spec("duckdb") is None):
        yield
        return
    from famtree.atlas.answer import consult

    with ExitStack() as stack:
        try:
            opener.advisor = stack.enter_context(consult(chosen, opener, verify=verify))
        except FamtreeError:
            if atlas is not None:
                raise
        yield
