"""The calls of the test server, as the real Hub answers them."""

from __future__ import annotations

import json
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
    if file is None:
        return Reply(403, {"Content-Type": "application/xml"}, b"<Error>AccessDenied</Error>")
    if file.sha256 != address.path.rpartition("/")[2]:
        return Reply(404, body=b"<Error>NoSuchKey</Error>")
    return Reply(200, {"ETag": f'"{file.sha256}"', "Accept-Ranges": "bytes"}, file=file)


def serve_hub(
    hub: HubServer, method: str, path: str, headers: dict[str, str], body: bytes
) -> Reply:
    """Answer a call to the Hub itself."""
    address = urlsplit(path)
    query = parse_qs(address.query)
    token = headers.get("authorization", "").removeprefix("Bearer ")
    if token and token not in hub.tokens:
        return error(401, "", "Invalid credentials in Authorization header")
    parts = address.path.strip("/").split("/")
    if parts == ["api", "models"]:
        return _search(hub, query)
    if parts[:3] == ["api", "resolve-cache", "models"]:
        return _serve_small(hub, parts[3:], token)
    if parts[:2] == ["api", "models"]:
        return _serve_api(hub, parts[2:], query, headers, body, token)
    if "resolve" in parts:
        return _resolve(hub, parts, token)
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
    if not hub.etags:
        return _json(document)
    reply = _json(document)
    etag = f'W/"{sha1(reply.body).hexdigest()[:27]}"'
    if headers.get("if-none-match") == etag:
        return Reply(304, {"ETag": etag})
    reply.headers["ETag"] = etag
    return reply


def _resolve(hub: HubServer, parts: list[str], token: str) -> Reply:
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
    if not file.lfs:
        place = f"/api/resolve-cache/models/{repo_id}/{commit}/{quote(name)}"
        return Reply(307, known | {"ETag": f'"{file.blob_id}"', "Location": place})
    signature = sha1(f"{repo_id}{file.sha256}{len(hub.signatures)}".encode()).hexdigest()
    hub.signatures[signature] = file
    return Reply(
        302,
        known
        | {
            "X-Linked-Size": str(file.size),
            "X-Linked-Etag": f'"{file.sha256}"',
            "X-Xet-Hash": str(file.sha256),
            "Location": f"{hub.cdn_url}/xet/{repo_id}/{file.sha256}?Signature={signature}",
        },
    )


def _serve_small(hub: HubServer, parts: list[str], token: str) -> Reply:
    for cut in (1, 2):
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
        return None, error(401, "RepoNotFound", "Invalid username or password.")
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
    limit, begin = int(query.get("limit", ["1000"])[0]), int(query.get("cursor", ["0"])[0])
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
        place = f"{hub.url}/api/models?limit={limit}&cursor={begin + limit}{kept}"
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
