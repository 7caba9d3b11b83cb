"""Regenerate src/famtree/fingerprints/data/config_defaults.json from the installed transformers.

usage: python scripts/update_config_defaults.py

Instantiates every config class without arguments (no network, no remote code) and normalises its
dump by famtree's own table, so that the file holds traits, not raw keys.
"""

from __future__ import annotations

import ast
import json
import logging
import sys
from pathlib import Path
from typing import Any

TARGET = (
    Path(__file__).parents[1] / "src" / "famtree" / "fingerprints" / "data" / "config_defaults.json"
)


def read_class_names(package: Path) -> dict[str, set[str]]:
    """Return model_type -> model class names, read from the source (importing it needs torch)."""
    source = (package / "models" / "auto" / "modeling_auto.py").read_text(encoding="utf-8")
    classes: dict[str, set[str]] = {}
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Tuple) and len(node.elts) == 2):
            continue
        key, value = node.elts
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            names = value.elts if isinstance(value, ast.Tuple) else [value]
            for name in names:
                if isinstance(name, ast.Constant) and isinstance(name.value, str):
                    classes.setdefault(key.value, set()).add(name.value)
    return classes


def main() -> int:
    import transformers
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES  # type: ignore[attr-defined]

    from famtree.fingerprints.config_classes import read_class_defaults

    logging.disable(logging.WARNING)
    classes = read_class_names(Path(transformers.__file__).parent)
    table: dict[str, Any] = {}
    skipped = []
    for model_type in sorted(CONFIG_MAPPING_NAMES):
        traits: dict[str, Any] = {}
        try:
            traits = read_class_defaults(model_type) or {}
        except Exception as fault:  # noqa: BLE001 - a class that needs arguments has no defaults to record
            skipped.append(f"{model_type}: {fault}"[:120])
        table[model_type] = {"classes": sorted(classes.get(model_type, ())), "traits": traits}
    lines = [
        f"  {json.dumps(name)}: {json.dumps(entry, sort_keys=True, separators=(',', ':'))}"
        for name, entry in table.items()
    ]
    head = json.dumps(f"transformers {transformers.__version__}, config classes without arguments")
    TARGET.write_text(
        '{"source": ' + head + ',\n "model_types": {\n' + ",\n".join(lines) + "\n}}\n",
        encoding="utf-8",
    )
    print(
        f"{len(table)} model types, {len(skipped)} without defaults, {TARGET.stat().st_size} bytes"
    )
    print("\n".join(skipped), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
