"""Merges of tokenizer.json are read in parts, and come out as if read one by one."""

from __future__ import annotations

import json
import random
import tracemalloc

import msgspec
import pytest

from famtree.errors import TokenizerError
from famtree.fingerprints import json_merges
from famtree.fingerprints.json_merges import read_merges
from famtree.fingerprints.vocabulary import Merges, pack_merges

SIDES = (
    "a",
    "bc",
    "\u0120the",
    "],[",
    '"',
    "\\",
    "\\\\",
    ",",
    "[",
    "]",
    "\n",
    "\u00e9",
    "\U0001f600",
)
ODD = (*SIDES, "x y", " ", "", "\0")
SPELLINGS: tuple[dict[str, object], ...] = (
    {"separators": (",", ":")},
    {},
    {"indent": 2},
    {"ensure_ascii": False},
)


def _read(merges: object, **spelling: object) -> Merges:
    text = json.dumps(merges, **spelling).encode()  # type: ignore[arg-type]
    return read_merges(msgspec.Raw(text), "x")


@pytest.fixture(params=[1, 7, 64, 1 << 18])
def _parts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_merges, "_BLOCK", request.param)


@pytest.mark.usefixtures("_parts")
@pytest.mark.parametrize("spelling", SPELLINGS, ids=str)
@pytest.mark.parametrize("sides", [("a", "bc", "d"), SIDES, ODD], ids=["plain", "signs", "odd"])
def test_parts_give_what_the_whole_gives(
    sides: tuple[str, ...], spelling: dict[str, object]
) -> None:
    draw = random.Random(7)
    for count in (1, 2, 5, 40):
        pairs = [(draw.choice(sides), draw.choice(sides)) for _ in range(count)]
        assert _read(pairs, **spelling) == pack_merges(pairs)
        if sides is not ODD:
            assert _read([" ".join(pair) for pair in pairs], **spelling) == pack_merges(pairs)


@pytest.mark.usefixtures("_parts")
def test_separators_in_tokens_are_no_separators() -> None:
    pairs = [("],[", ","), ("],[", "],["), ("a", "],["), ("],[", ","), (",", ",")] * 9
    assert _read(pairs, separators=(",", ":")) == pack_merges(pairs)


@pytest.mark.parametrize(
    "merges", [["a b", "ab", "a b c"], ["ab"], ["a b", ["c", "d"]], [["a", "b"], "c d"]], ids=str
)
def test_what_are_no_pairs_is_told(merges: list[object]) -> None:
    with pytest.raises(TokenizerError):
        _read(merges)


@pytest.mark.parametrize(
    "merges", [[1], [["a"]], [["a", "b", "c"]], ["a b", None], {"a": 1}], ids=str
)
def test_other_values_are_no_merges(merges: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        _read(merges)


def test_none_are_none() -> None:
    assert _read([]) == _read(None) == Merges(b"", 0)


@pytest.mark.parametrize("side", ["plain", "with a blank"])
def test_reading_takes_little_beside_the_text(side: str) -> None:
    pairs = [(f"{side}{at:x}", "and twenty letters of it" * 2) for at in range(50_000)]
    raw = msgspec.Raw(json.dumps(pairs, separators=(",", ":")).encode())
    tracemalloc.start()
    read_merges(raw, "x")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.8 * len(bytes(raw))


def test_lines_may_hold_what_stands_between_packed_ones() -> None:
    assert _read(["0 \0", "a b"]) == pack_merges([("0", "\0"), ("a", "b")])
    for odd in ("0\0", "0 \0 1"):
        with pytest.raises(TokenizerError, match="not a pair"):
            _read([odd, "a b"])
