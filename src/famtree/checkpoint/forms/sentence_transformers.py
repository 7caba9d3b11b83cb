"""sentence-transformers models, whose transformer lies in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from famtree.checkpoint.forms.stand_in import StandIn, Tables
from famtree.types.identification import Notice

if TYPE_CHECKING:
    from famtree.checkpoint.gathered import Gathered
    from famtree.types.source import CheckpointSource

_MODULES = "modules.json"
_MOST_READ = 4


class SentenceTransformer(StandIn):
    """The config of the first module that is a transformer."""

    def choose_files(self, found: Gathered, names: frozenset[str]) -> Iterable[str]:
        """Return modules.json, and the configs of folders where the root has none."""
        if _MODULES not in names:
            return []
        return [_MODULES, *([] if found.config else _list_nested(names)[:_MOST_READ])]

    def take(self, source: CheckpointSource, found: Gathered, tables: Tables) -> bool:
        """Take the first config that names a model_type."""
        del source
        if _MODULES not in tables:
            return False
        for name in _list_nested(frozenset(tables)):
            if "model_type" in tables[name]:
                found.config = tables[name]
                told = f"a sentence-transformers model: {name} describes its transformer"
                found.notices.append(Notice.model_construct(code="nested-config", message=told))
                return True
        return False


def _list_nested(names: frozenset[str]) -> list[str]:
    return sorted(name for name in names if name.count("/") == 1 and name.endswith("/config.json"))
