"""Build hook: put the registry, compiled to one file, into the wheel."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompiledRegistryHook(BuildHookInterface):  # type: ignore[type-arg]
    """Write `famtree/registry/compiled.json` before the files are collected."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the TOML files of this checkout."""
        del version
        root = Path(self.root)
        sys.path.insert(0, str(root / "src"))
        try:
            from famtree.registry.compiled import dump_compiled
            from famtree.registry.load import DATA, build_registry, digest_sources, read_sources

            sources = read_sources(DATA)
            compiled = dump_compiled(build_registry(sources), digest_sources(sources))
        finally:
            sys.path.pop(0)
        target = root / "src" / "famtree" / "registry" / "compiled.json"
        target.write_bytes(compiled)
        build_data["artifacts"].append("src/famtree/registry/compiled.json")
