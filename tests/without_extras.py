"""What every command does in an environment without any extra."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent
EXAMPLE = str(ROOT / "fixtures" / "example")
EXTRAS = (
    "cryptography",
    "cyclonedx",
    "duckdb",
    "fast_sugiyama",
    "mcp",
    "pyarrow",
    "ray",
    "transformers",
)
"""Modules of the extras."""
COMMANDS: list[tuple[list[str], str | None]] = [
    (["identify", EXAMPLE], None),
    (["lineage", EXAMPLE], None),
    (["lineage", EXAMPLE, "--mermaid"], None),
    (["lineage", EXAMPLE, "--dot"], None),
    (["lineage", EXAMPLE, "--html", "-"], "fast-sugiyama"),
    (["compare", EXAMPLE, EXAMPLE], None),
    (["compare", EXAMPLE, EXAMPLE, "--verify"], None),
    (["check", str(ROOT / "fixtures" / "famtree.toml")], None),
    (["scan", EXAMPLE, "--out", "{}/new.jsonl"], None),
    (["scan", EXAMPLE, "--out", "{}/rows.parquet"], "pyarrow"),
    (["scan", EXAMPLE, "--engine", "ray", "--out", "{}/rows"], "pyarrow"),
    (["bom", EXAMPLE], "cyclonedx-python-lib"),
    (["check", "{}/attested.toml"], "cryptography"),
    (["mcp"], "mcp"),
    (["atlas", "build", "{}/rows.jsonl", "--out", "{}/new.atlas"], "duckdb"),
    (["atlas", "query", "{}/some.atlas", "SELECT 1"], "duckdb"),
    (["identify", EXAMPLE, "--atlas", "{}/some.atlas"], "duckdb"),
    (["families", "list"], None),
    (["families", "check"], None),
    (["families", "draft", EXAMPLE], None),
    (["schema", "identification"], None),
]
"""Arguments ("{}" is a folder), and the extra that is told of; None for an answer."""


def fill(folder: Path) -> None:
    """Write the files that the commands name."""
    (folder / "rows.jsonl").write_text("", encoding="utf-8")
    policy = """
schema = "famtree/policy/1"
[[checkpoint]]
ref = "a/b"
attested_by = "key.pub"
attestation = "b.json"
"""
    (folder / "attested.toml").write_text(policy, encoding="utf-8")
    (folder / "some.atlas").write_bytes(b"")
