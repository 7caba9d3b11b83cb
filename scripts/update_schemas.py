"""Write docs/schema/*.json from the models. Run after a document gained a field."""

from __future__ import annotations

from pathlib import Path

from famtree.formats.json_report import render_json
from famtree.formats.schema import SCHEMA_NAMES, build_schema

FOLDER = Path(__file__).parents[1] / "docs" / "schema"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in SCHEMA_NAMES:
        path = FOLDER / f"{name}-1.json"
        path.write_text(render_json(build_schema(name)), encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
