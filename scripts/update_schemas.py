"""Write docs/schema/*.json and docs/schemas.md from the models: run after a field was added."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from famtree.formats.json_report import render_json
from famtree.formats.schema import SCHEMA_NAMES, build_schema

DOCS = Path(__file__).parents[1] / "docs"
FOLDER = DOCS / "schema"
HEAD = """# JSON Schemas

Generated from the models by `scripts/update_schemas.py`. `famtree schema NAME` prints each (JSON
Schema 2020-12). Fields may be added within a major version; none is renamed or dropped, so a
script must not reject fields it does not know. A printed document has all its fields; what is not
known is null or empty. What a field means is told in the [Python reference](python-reference.md),
whose models these are.
"""


def render_page() -> str:
    """Return docs/schemas.md: the outermost fields of every document."""
    parts = [HEAD]
    for name in SCHEMA_NAMES:
        schema = build_schema(name)
        parts.append(f"## `famtree/{name}/1`\n")
        if "description" in schema:
            parts.append(f"{schema['description'].partition(chr(10) * 2)[0]}\n")
        parts.append(f"[{name}-1.json](schema/{name}-1.json), `famtree schema {name}`\n")
        rows = [
            f"| `{field}` | {describe_type(value)} |"
            for field, value in schema["properties"].items()
        ]
        parts.append("\n".join(["| field | type |", "|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def describe_type(schema: Mapping[str, Any]) -> str:
    """Return the type of a field in words, nested documents by their name."""
    if "$ref" in schema:
        return f"`{schema['$ref'].rpartition('/')[2]}`"
    if "const" in schema:
        return f'`"{schema["const"]}"`'
    if "enum" in schema:
        return " · ".join(f'`"{value}"`' for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(describe_type(one) for one in schema["anyOf"])
    kind = str(schema.get("type", "any"))
    if kind == "array":
        return f"list of {describe_type(schema.get('items', {}))}"
    inner = schema.get("additionalProperties")
    if kind == "object" and isinstance(inner, dict) and inner:
        return f"object of {describe_type(inner)}"
    return kind


def render_files() -> dict[Path, str]:
    """Return every file this script writes, with its text."""
    files = {FOLDER / f"{name}-1.json": render_json(build_schema(name)) for name in SCHEMA_NAMES}
    return {**files, DOCS / "schemas.md": render_page()}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, text in render_files().items():
        path.write_text(text, encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
