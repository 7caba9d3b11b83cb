"""List engine rules that lean on source nobody has looked at since it changed.

    python scripts/check_engines.py                          # recorded facts against the rules
    python scripts/check_engines.py --source vllm=FOLDER     # and cited files against a source
    python scripts/check_engines.py --looked-at vllm [FACT]  # a person read the definitions again

A rule is unchecked when a fact it cites has another hash than the one looked at, or was read from
another version than its file names. With a source, cited paths that are not there are listed too,
and facts that would be other ones. Exit 1 where something is listed.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from update_engines import FACTS, ROOT, list_changes, load_recipes, read_facts, render

ENGINES = ROOT / "src/famtree/interchange/data/engines"
_PATH = re.compile(r"[\w./+-]+\.(?:py|cpp|h|hpp|md|rs|cu)\b")
_FACT = re.compile(r'\{fact = "([^"]+)"\}')


def list_citations(engine: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (rule or stored form, fact it cites) of one engine file."""
    for rule in engine.get("rule", ()):
        name = f"{rule['question']}.{rule['key']}"
        yield from ((name, fact) for fact in (*rule.get("facts", ()), *_FACT.findall(str(rule))))
    for method in engine.get("quantization", {}).get("method", ()):
        yield from ((f"quantization.{method['method']}", fact) for fact in method.get("facts", ()))


def list_unchecked(engine: dict[str, Any], facts: dict[str, Any]) -> Iterator[str]:
    """Yield every rule of one engine whose ground has moved, and facts without a rule's notice."""
    for rule, fact in dict.fromkeys(list_citations(engine)):
        known = facts.get(fact)
        if known is None:
            yield f"{rule}: cites {fact}, which was not read"
        elif known["hash"] != known["looked_at"]:
            place = f"{known['file']}:{known['line']}"
            yield f"{rule}: unchecked, {known['in']} is another ({place})"


def list_lost_paths(engine: dict[str, Any], source: Path) -> Iterator[str]:
    """Yield cited files that the source does not have."""
    cited = [(f"{rule['question']}.{rule['key']}", rule["source"])
             for rule in engine.get("rule", ())]  # fmt: skip
    sections = ("support", "quantization", "cache", "context", "adapters")
    cited += [(one, engine[one]["source"]) for one in sections if one in engine]
    cited += [(f"quantization.{method['method']}", method.get("source", ""))
              for method in engine.get("quantization", {}).get("method", ())]  # fmt: skip
    for name, text in cited:
        if "://" in text:
            continue
        for path in _PATH.findall(text):
            if "/" in path and not (source / path).exists() and not any(source.rglob(path)):
                yield f"{name}: no {path} in the source"


def check(sources: dict[str, Path]) -> list[str]:
    """Return what is to be looked at, a line each."""
    told: list[str] = []
    recipes = load_recipes()
    for path in sorted(ENGINES.glob("*.toml")):
        engine = tomllib.loads(path.read_text(encoding="utf-8"))
        facts = read_file(path.stem)["facts"]
        told += [f"{path.stem}: {line}" for line in list_unchecked(engine, facts)]
        source = sources.get(path.stem)
        if source is None:
            continue
        if path.stem in recipes:
            recipe = recipes[path.stem]
            source = source / recipe["source"] if "source" in recipe else source
            found, missing = read_facts(recipe, source)
            told += [f"{path.stem}: {line}" for line in (*list_changes(facts, found), *missing)]
        told += [f"{path.stem}: {line}" for line in list_lost_paths(engine, source)]
    return told


def read_file(engine: str) -> dict[str, Any]:
    """Return the facts file of an engine, empty where there is none."""
    path = FACTS / f"{engine}.json"
    if not path.exists():
        return {"facts": {}}
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def look_at(engine: str, names: list[str]) -> None:
    """Note that a person read the definitions of these facts (all without names)."""
    document = read_file(engine)
    for name, fact in document["facts"].items():
        if not names or name in names:
            fact["looked_at"] = fact["hash"]
    text = render(engine, document["version"], document["facts"], document["read"])
    (FACTS / f"{engine}.json").write_text(text, encoding="utf-8")


def fetch_newest(work: Path) -> dict[str, Path]:
    """Return unpacked sources of every engine's newest release."""
    from update_engines import download, unpack

    sources = {}
    for engine, recipe in load_recipes().items():
        if recipe.get("repository"):
            continue  # a repository without releases that pip knows
        place = work / engine
        archive = download(recipe["package"].replace("_", "-"), None, place / "got")
        sources[engine] = unpack(archive, place / "source")
        archive.unlink()
    return sources


def main() -> int:
    """Check, or note what was looked at."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--source", action="append", default=[], metavar="ENGINE=FOLDER")
    options.add_argument("--newest", action="store_true", help="fetch newest releases as sources")
    options.add_argument("--looked-at", nargs="+", metavar="ENGINE [FACT]")
    given = options.parse_args()
    if given.looked_at:
        look_at(given.looked_at[0], given.looked_at[1:])
        return 0
    sources = {key: Path(folder) for key, _, folder in (one.partition("=") for one in given.source)}
    with tempfile.TemporaryDirectory() as work:
        if given.newest:
            sources.update(fetch_newest(Path(work)))
        told = check(sources)
    for line in told:
        print(line)
    print(f"{len(told)} to look at" if told else "every rule leans on source that was looked at")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
