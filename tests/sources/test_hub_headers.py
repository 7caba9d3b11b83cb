"""Headers that hold what no header should: told of as any other, and never a fault of famtree's."""

from __future__ import annotations

import pytest

from famtree.errors import FamtreeError
from famtree.sources.hub import HubSource
from famtree.sources.hub_models import walk_models
from famtree.sources.reference import parse_reference
from hub import endpoints
from hub.endpoints import Reply
from hub.repository import HubFile, make_file
from hub.server import HubServer

READ = (
    "X-Error-Message", "X-Error-Code", "Retry-After", "RateLimit", "RateLimit-Policy", "Date",
    "Content-Type", "Content-Encoding", "Content-Range", "ETag", "X-Linked-Etag", "Link",
    "X-Repo-Commit", "X-Request-Id", "X-HF-Warning", "Set-Cookie", "Server",
)  # fmt: skip
"""Every header that famtree or a library beneath it reads."""
ODD = {
    "c1": "\x9b31m",
    "superscript": "\xb2",
    "latin": "gesch\xfctzt",
    "utf-8": "\xe2\x82\xac \xf0\x9f\x8d\x82",
    "broken": "\xff\xfe\xc3",
    "escape": "\x1b[31m",
}
PLAIN = "nonsense"
STATUSES = (200, 206, 302, 304, 400, 401, 403, 404, 408, 416, 418, 429, 500, 503)


def meet(hub: HubServer, what: str) -> tuple[type[BaseException] | None, int, str]:
    """Return what comes of a request: the error, its exit code and its message."""
    try:
        if what == "models":
            list(walk_models(author="org", limit=1))
        else:
            name = "model.safetensors" if what == "xet" else "config.json"
            HubSource(parse_reference("org/name")).read_wave([name], {}, limit=9999)
    except FamtreeError as fault:
        return type(fault), fault.exit_code, fault.message + fault.hint
    return None, 0, ""


@pytest.mark.parametrize("what", ["listing", "resolve-cache", "xet", "models"])
@pytest.mark.parametrize("status", STATUSES)
def test_odd_headers_are_told_of_as_plain_ones(
    hub: HubServer,
    pauses: list[float],
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    what: str,
) -> None:
    files: dict[str, bytes | HubFile] = {
        "config.json": b"{}",
        "model.safetensors": make_file("model.safetensors", b"x" * 99),
    }
    sent: dict[str, str] = {}
    kept = {"hub": endpoints.serve_hub, "cdn": endpoints.serve_cdn}
    only = {"listing": "/api/models/", "models": "/api/models?"}.get(what, f"/{what}/")

    def serve_hub(
        hub: HubServer, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> Reply:
        return change(path, kept["hub"](hub, method, path, headers, body))  # type: ignore[operator]

    def serve_cdn(hub: HubServer, path: str, headers: dict[str, str]) -> Reply:
        return change(path, kept["cdn"](hub, path, headers))  # type: ignore[operator]

    def change(path: str, reply: Reply) -> Reply:
        if only in path:
            reply.headers |= sent
            if status == 302:
                reply.headers["Location"] = sent["Server"]
            if status != 200:
                reply.status, reply.file, reply.body = status, None, b'{"error": "refused"}'
        return reply

    monkeypatch.setattr(endpoints, "serve_hub", serve_hub)
    monkeypatch.setattr(endpoints, "serve_cdn", serve_cdn)
    hub.add("org/name", files)
    sent |= dict.fromkeys(READ, PLAIN)
    plain = meet(hub, what)
    assert plain[1] in {0, 2, 3}
    one_by_one = [{name: ODD["c1"]} for name in READ]
    for odd in [*one_by_one, *(dict.fromkeys(READ, value) for value in ODD.values())]:
        sent |= dict.fromkeys(READ, PLAIN) | odd
        found = meet(hub, what)
        # Where a redirect leads is another matter when its header is another.
        assert found[1] == plain[1], (odd, found)
        assert status == 302 or found[0] == plain[0], (odd, found)
    if status == 403 and what != "xet":
        assert "refused" in plain[2]


@pytest.mark.parametrize("odd", ["c1", "latin", "utf-8", "broken"])
def test_words_in_a_header_are_ascii(
    hub: HubServer, pauses: list[float], monkeypatch: pytest.MonkeyPatch, odd: str
) -> None:
    headers = {"X-Error-Message": f"no {ODD[odd]}"}
    monkeypatch.setattr(endpoints, "serve_hub", lambda *_: Reply(403, headers=headers))
    _, code, message = meet(hub, "listing")
    assert (code, message.isascii()) == (3, True), message
    assert "no " in message


def test_a_secret_is_not_cut_in_two(
    hub: HubServer, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a server's words the first 200 characters are told, and a secret may stand across them."""
    token = "hf_" + "s3cret" * 5
    monkeypatch.setenv("HF_TOKEN", token)
    for before in range(160, 201, 5):
        page = b'{"error": "%s"}' % ("x" * before + token).encode()
        monkeypatch.setattr(endpoints, "serve_hub", lambda *_, page=page: Reply(403, body=page))
        _, code, message = meet(hub, "listing")
        assert code == 3
        assert "xxx" in message
        assert "hf_" not in message


def test_words_of_a_refusal_are_read_whatever_they_are(hub: HubServer, pauses: list[float]) -> None:
    from famtree.sources.hub_answer import _read_words as read

    assert read("", b'{"error": "no"}') == "no"
    assert read("", b'{"error": ["a", 5, "b"], "error_description": "c"}') == "a; b; c"
    assert read("", b'{"errors": [{"message": "a"}, {"message": "a"}, 5, null]}') == "a"
    for page in (b"[1]", b"5", b"null", b'"x"', b'{"errors": 5}', b'{"error": {}}'):
        assert read("", page) == ""
    assert read("text/plain", b"\xff no\n way") == "\ufffd no way"
    assert read("text/html", b"no") == read("", b" <p>no") == ""
    assert read("", b"[" * 100_000)[:3] == "[[["
