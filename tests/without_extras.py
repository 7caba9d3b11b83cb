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
    (["lineage", EXAMPLE, "--html", "-"], "famtree[html]"),
    (["compare", EXAMPLE, EXAMPLE], None),
    (["compare", EXAMPLE, EXAMPLE, "--verify"], None),
    (["check", str(ROOT / "fixtures" / "famtree.toml")], None),
    (["scan", EXAMPLE, "--out", "{}/new.jsonl"], None),
    (["scan", EXAMPLE, "--out", "{}/rows.parquet"], "famtree[parquet]"),
    (["scan", EXAMPLE, "--engine", "ray", "--out", "{}/rows"], "famtree[parquet]"),
    (["bom", EXAMPLE], "famtree[bom]"),
    (["check", "{}/attested.toml"], "famtree[attest]"),
    (["mcp"], "famtree[mcp]"),
    (["atlas", "build", "{}/rows.jsonl", "--out", "{}/new.atlas"], "famtree[atlas]"),
    (["atlas", "query", "{}/some.atlas", "SELECT 1"], "famtree[atlas]"),
    (["identify", EXAMPLE, "--atlas", "{}/some.atlas"], "famtree[atlas]"),
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
