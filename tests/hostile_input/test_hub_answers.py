"""What a hostile Hub, mirror or proxy lists: each gets its answer or its error, within bounds."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from famtree.sources.hub_listing import MAX_DOCUMENT_BYTES
from hostile_input.case import Case, sound_files
from hostile_input.test_table import Identify, check
from hub import endpoints
from hub.endpoints import Reply
from hub.repository import make_sparse
from hub.server import HubServer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks and resource limits")

REPO = "org/name"
ODD: tuple[Any, ...] = (None, True, -1, 10**400, 1e308, "\x1b[31m", [1, [2]], {"a": {}}, "\ud800")
_FIELDS = ("id", "cardData", "tags", "createdAt", "gated", "config", "sha")


def _named(*names: Any) -> Callable[[dict[str, Any]], Any]:
    """Return a change that lists further files of these names."""
    return lambda found: (
        found
        | {"siblings": [*found["siblings"], *({"rfilename": name, "size": 3} for name in names)]}
    )


def _filled(value: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda found: found | dict.fromkeys(_FIELDS, value)


def _sized(size: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda found: (
        found
        | {
            "siblings": [
                {"rfilename": one["rfilename"], "size": size, "lfs": {"size": size, "sha256": size}}
                for one in found["siblings"]
            ]
        }
    )


LONG_NAME = b'{"rfilename":"' + b"n" * 1000 + b'"},'


def _stuffed(head: bytes, unit: bytes, tail: bytes = b"") -> Callable[[dict[str, Any]], bytes]:
    """Return what makes a document as long as may be: `head` begins one, or lies in a sound one."""

    def stuff(found: dict[str, Any]) -> bytes:
        rest = b"" if head.startswith(b"{") else json.dumps(found).encode()[1:]
        begin = head if head.startswith(b"{") else b"{" + head
        times = (MAX_DOCUMENT_BYTES - len(begin) - len(tail) - len(rest)) // len(unit)
        return begin + unit * times + tail + rest

    return stuff


LISTINGS: dict[str, tuple[str, Callable[[dict[str, Any]], Any]]] = {
    "names that climb": ("identified", _named("../x.json", "/etc/passwd", "a/../../b", "..\\c")),
    "names of escapes": ("identified", _named("\x1b]0;owned\x07.gguf", "\u202egpj.md")),
    "names that are no text": ("identified", _named(None, 3, [], {})),
    "a name of a megabyte": ("identified", _named("n" * 1_000_000)),
    "no Unicode": ("identified", _named("\ud800.json")),
    "halves of pairs": (
        "identified",
        _named("model-\ud800.safetensors", "\udc00/b.gguf"),
    ),
    "99,990 files": ("identified", _named(*(f"d/{at}.json" for at in range(99_990)))),
    "100,001 files": ("network", _named(*(f"d/{at}.json" for at in range(100_001)))),
    "as many lists as fit": ("network", _stuffed(b'{"siblings":[', b"[],", b"1]}")),
    "as many tables as fit": ("network", _stuffed(b'{"siblings":[', b"{},", b"1]}")),
    "as many fields as fit": ("identified", _stuffed(b"", b'"n":{},')),
    "one field of escapes": ("identified", _stuffed(b'"n":"', b"\\u0041", b'",')),
    "one field of halves": ("network", _stuffed(b'"n":"', b"\\ud800", b'",')),
    "half a pair and a long field": ("identified", _stuffed(b'"m":"\\ud800","n":"', b"a", b'",')),
    "nesting as deep as fits": ("network", _stuffed(b'"n":', b"[")),
    "a card of lists": ("network", _stuffed(b'{"siblings":[],"cardData":[', b"[],", b"1]}")),
    "tags as many as fit": ("network", _stuffed(b'{"siblings":[],"tags":[', b'"a",', b'"a"]}')),
    "one long sha": ("identified", _stuffed(b'"createdAt":"', b"a", b'",')),
    "long names": ("nothing-readable", _stuffed(b'{"siblings":[', LONG_NAME, b"1]}")),
    "more than is read": ("network", lambda _: b'{"siblings":[],"n":"' + b"a" * (70 << 20)),
    "a list": ("network", lambda _: []),
    "a number": ("network", lambda _: 5),
    "files a table": ("network", lambda found: found | {"siblings": {}}),
    "files that are no tables": ("nothing-readable", lambda found: found | {"siblings": [1, []]}),
    **{f"sizes {size!r:.12}": ("identified", _sized(size)) for size in ("x", None, [1])},
    **{f"sizes {size!r:.12}": ("network", _sized(size)) for size in (0, 10**400)},
    **{f"every field {value!r:.12}": ("identified", _filled(value)) for value in ODD},
}


@pytest.mark.parametrize("name", LISTINGS)
def test_hostile_listing(
    name: str, hub: HubServer, identify: Identify, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    weights, size = sound_files()["model.safetensors"]
    files = {"config.json": sound_files()["config.json"][0]}
    hub.add(REPO, files | {"model.safetensors": make_sparse("model.safetensors", size, weights)})
    expects, change = LISTINGS[name]
    serve = endpoints.serve_hub

    def answer(
        server: HubServer, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> Reply:
        reply = serve(server, method, path, headers, body)
        if path.startswith("/api/models"):
            changed = change(json.loads(reply.body))
            reply.body = changed if isinstance(changed, bytes) else json.dumps(changed).encode()
        return reply

    monkeypatch.setattr(endpoints, "serve_hub", answer)
    check(identify(REPO, "--json"), Case(name, expects))
    outside = [path for path in tmp_path.iterdir() if path.name not in ("hf", "surroundings")]
    assert not outside
