"""The calls of the test server, as the real Hub answers them."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass, field
from hashlib import sha1
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from hub.repository import HubFile, Repository

if TYPE_CHECKING:
    from hub.server import HubServer


@dataclass
class Reply:
    """Status, headers and body; `file` in place of the body allows ranges."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    file: HubFile | None = None


_QUOTA = {"api": 500, "resolvers": 3000, "pages": 100}
"""Requests of one anonymous address in five minutes."""


def sign_answer(hub: HubServer, path: str) -> dict[str, str]:
    """Return the headers that come with every answer of the Hub."""
    plain = path.partition("?")[0]
    resolver = re.search("/resolve/|/api/resolve-cache/", plain)
    bucket = "resolvers" if resolver else "api" if "/api/" in plain else "pages"
    limit = hub.manner.limits.get(bucket, f'"{bucket}";r={_QUOTA[bucket] - 1};t=299')
    return {
        "RateLimit": limit,
        "RateLimit-Policy": f'"fixed window";"{bucket}";q={_QUOTA[bucket]};w=300',
        "X-Powered-By": "huggingface-moon",
        "X-Request-Id": "Root=1-68d54f00-000000000000000000000000",
        "Vary": "Origin, Accept",
        "Via": "1.1 d3adb33f.cloudfront.net (CloudFront)",
        "X-Cache": "Miss from cloudfront",
    }


def error(status: int, code: str, message: str, **headers: str) -> Reply:
    """Return an error the way the Hub words it."""
    named = {"X-Error-Message": message} | headers
    if code:
        named["X-Error-Code"] = code
    return _json({"error": message}, named, status)


def serve_cdn(hub: HubServer, path: str, headers: dict[str, str]) -> Reply:
    """Answer a signed address `/xet/{org}/{name}/{sha256}?Signature=...`."""
    address = urlsplit(path)
    signature = parse_qs(address.query).get("Signature", [""])[0]
    file = hub.signatures.get(signature)
    if file is None or hub.manner.unsigned:
        return Reply(403, {"Content-Type": "application/xml"}, b"<Error>AccessDenied</Error>")
    if file.sha256 != address.path.rpartition("/")[2]:
        return Reply(404, body=b"<Error>NoSuchKey</Error>")
    return Reply(200, {"ETag": f'"{file.sha256}"', "Accept-Ranges": "bytes"}, file=file)


def serve_hub(
    hub: HubServer, method: str, path: str, headers: dict[str, str], body: bytes
) -> Reply:
    """Answer a call to the Hub itself."""
    manner = hub.manner
    if manner.moves_to:
        return Reply(308, {"Location": manner.moves_to + path})
    if manner.cookie_wall and "seen=1" not in headers.get("cookie", ""):
        return Reply(302, {"Location": path, "Set-Cookie": "seen=1; Path=/; HttpOnly"})
    if manner.prefix:
        if not path.startswith(f"{manner.prefix}/"):
            return error(404, "", "Not found")
        path = path.removeprefix(manner.prefix)
    address = urlsplit(path)
    query = parse_qs(address.query)
    token = headers.get("authorization", "").removeprefix("Bearer ")
    if token and token not in hub.tokens:
        return error(401, "", "Invalid credentials in Authorization header", **_REALM)
    parts = address.path.strip("/").split("/")
    if parts == ["api", "models"]:
        return _search(hub, query)
    if parts[:2] == ["api", "resolve-cache"]:
        return _serve_small(hub, parts[2 + (parts[2] == "models") :], token)
    if parts[:2] in (["api", "models"], ["api", "datasets"]):
        refused = (manner.strict_query and address.query) or (
            manner.only_revision and "revision" not in parts
        )
        if refused:
            return error(404, "", "Not found")
        kind = parts[1:2] if parts[1] == "datasets" else []  # as the web's addresses begin
        return _serve_api(hub, [*kind, *parts[2:]], query, headers, body, token)
    if "resolve" in parts:
        return _resolve(hub, parts, headers, token)
    return error(404, "", "Not found")


def _serve_api(
    hub: HubServer,
    parts: list[str],
    query: dict[str, list[str]],
    headers: dict[str, str],
    body: bytes,
    token: str,
) -> Reply:
    calls = ("revision", "tree", "paths-info")
    cut = next((index for index, part in enumerate(parts) if part in calls), len(parts))
    repo_id = "/".join(parts[:cut])
    repository, refusal = _open(hub, repo_id, token, listing=True)
    if repository is None:
        return refusal
    if repository.moved_to is not None:
        rest = "/".join([repository.moved_to, *parts[cut:]])
        tail = "&".join(f"{key}={value}" for key, values in query.items() for value in values)
        tail = tail if hub.manner.keeps_query else ""
        return Reply(307, {"Location": f"/api/models/{rest}" + (f"?{tail}" if tail else "")})
    call = parts[cut] if cut < len(parts) else "revision"
    revision = unquote(parts[cut + 1]) if cut + 1 < len(parts) else "main"
    commit = repository.resolve(revision)
    if commit is None:
        return error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
    if call == "tree":
        return _json(repository.tree(commit))
    if call == "paths-info":
        return _json(repository.tree(commit, _paths(body)))
    blobs = query.get("blobs") == ["true"] and not hub.faults.no_blobs
    document = repository.document(commit, blobs=blobs, expand=query.get("expand", []))
    for sibling in document.get("siblings", []):
        if hub.manner.lfs != "sha256" and "lfs" in sibling:
            sibling["lfs"] = _misdescribe(hub.manner.lfs, sibling["lfs"])
    if not hub.etags:
        return _json(document)
    reply = _json(document)
    etag = f'W/"{sha1(reply.body).hexdigest()[:27]}"'
    if hub.manner.gzip:
        reply.body = gzip.compress(reply.body)
        reply.headers["Content-Encoding"] = "gzip"
        etag = etag.removeprefix("W/")[:-1] + '-gzip"'
    if headers.get("if-none-match") == etag:
        return Reply(304, {"ETag": etag})
    reply.headers["ETag"] = etag
    return reply


def _misdescribe(how: str, lfs: dict[str, Any]) -> dict[str, Any] | None:
    if how == "oid":
        return {"oid": lfs["sha256"], "size": lfs["size"], "pointerSize": lfs["pointerSize"]}
    return {} if how == "empty" else None


_REALM = {"WWW-Authenticate": 'Bearer realm="Authentication required", charset="UTF-8"'}


def _resolve(hub: HubServer, parts: list[str], headers: dict[str, str], token: str) -> Reply:
    cut = parts.index("resolve")
    repo_id, revision = "/".join(parts[:cut]), unquote(parts[cut + 1])
    name = unquote("/".join(parts[cut + 2 :]))
    repository, refusal = _open(hub, repo_id, token, listing=False)
    if repository is None:
        return refusal
    if repository.moved_to is not None:
        rest = "/".join([repository.moved_to, *parts[cut:]])
        return Reply(307, {"Location": f"/{rest}"})
    commit = repository.resolve(revision)
    if commit is None:
        return error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
    file = repository.commits[commit].get(name)
    if file is None:
        return error(404, "EntryNotFound", "Entry not found")
    known = {"X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
    if not file.lfs and repository.private:
        disposition = f"inline; filename*=UTF-8''{quote(name.rpartition('/')[2])}"
        policy = {"Content-Security-Policy": "default-src 'none'; sandbox"}
        etag = {"ETag": f'"{file.blob_id}"', "Content-Disposition": disposition}
        return Reply(200, known | etag | policy | {"X-Hub-Cache": "HIT"}, file=file)
    if not file.lfs:
        place = f"/api/resolve-cache/models/{repo_id}/{commit}/{quote(name)}"
        return Reply(307, known | {"ETag": f'"{file.blob_id}"', "Location": place})
    signature = sha1(f"{repo_id}{file.sha256}{len(hub.signatures)}".encode()).hexdigest()
    if hub.manner.stale and headers.get("cache-control") != "no-cache":
        hub.manner.stale -= 1
    else:
        hub.signatures[signature] = file
    place = f"{hub.cdn_url}/xet/{repo_id}/{file.sha256}?Signature={signature}&Expires=3600"
    return Reply(
        302,
        known
        | {
            "X-Linked-Size": str(file.size),
            "X-Linked-Etag": f'"{file.sha256}"',
            "X-Xet-Hash": str(file.sha256),
            "Cache-Control": "no-store",
            # Without the `rel="xet-auth"` of the Hub, by which the library asks another service.
            "Link": f"<https://cas-server.xethub.hf.co/v1/reconstructions/{file.sha256}>; "
            'rel="xet-reconstruction-info"',
            "Content-Type": "text/plain; charset=utf-8",
            "Location": place,
        },
        f"Found. Redirecting to {place}".encode(),
    )


def _serve_small(hub: HubServer, parts: list[str], token: str) -> Reply:
    for cut in (1, 2, 3):  # name, org/name, datasets/org/name
        repository, _ = _open(hub, "/".join(parts[:cut]), token, listing=False)
        if repository is not None and parts[cut] in repository.commits:
            file = repository.commits[parts[cut]].get(unquote("/".join(parts[cut + 1 :])))
            if file is not None:
                named = {"ETag": f'"{file.blob_id}"', "X-Repo-Commit": parts[cut]}
                return Reply(200, named, file=file)
    return error(404, "EntryNotFound", "Entry not found")


def _open(
    hub: HubServer, repo_id: str, token: str, *, listing: bool
) -> tuple[Repository | None, Reply]:
    repository = hub.repositories.get(repo_id)
    allowed = repo_id in hub.tokens.get(token, set())
    if repository is None or (repository.private and not allowed):
        if token:
            return None, error(404, "RepoNotFound", "Repository not found")
        refusal = error(401, "", "Invalid username or password.", **_REALM)
        refusal.headers["X-Cache"] = "Error from cloudfront"
        return None, refusal
    if repository.disabled:
        return None, error(403, "", "Access to this resource is disabled.")
    if repository.gated and not allowed and not listing:
        status = 403 if token else 401
        message = f"Access to model {repo_id} is restricted."
        return None, error(status, "GatedRepo", message)
    return repository, Reply(200)


def _search(hub: HubServer, query: dict[str, list[str]]) -> Reply:
    filters = query.get("filter", [])
    author = query.get("author", [None])[0]
    limit = min(hub.manner.page, int(query.get("limit", ["1000"])[0]))
    begin = int(query.get("cursor", ["0"])[0])
    fitting = [
        repository.document(repository.refs["main"], blobs=False, expand=query.get("expand", []))
        for repo_id, repository in sorted(hub.repositories.items())
        if not repository.private
        and set(filters) <= set(repository.tags)
        and author in (None, repo_id.partition("/")[0])
        and query.get("search", [""])[0].lower() in repo_id.lower()
    ]
    headers = {}
    if begin + limit < len(fitting):
        kept = "".join(
            f"&{key}={quote(value)}"
            for key, values in query.items()
            if key not in {"limit", "cursor"}
            for value in values
        )
        place = (
            f"{hub.manner.link_to or hub.url}/api/models?limit={limit}&cursor={begin + limit}{kept}"
        )
        headers["Link"] = f'<{place}>; rel="next"'
    return _json(fitting[begin : begin + limit], headers)


def _paths(body: bytes) -> list[str]:
    text = body.decode()
    if text.startswith("{"):
        return list(json.loads(text)["paths"])
    return parse_qs(text).get("paths", [])


def _json(document: Any, headers: dict[str, str] | None = None, status: int = 200) -> Reply:
    body = json.dumps(document, separators=(",", ":")).encode()
    return Reply(status, {"Content-Type": "application/json"} | (headers or {}), body)
