"""What people paste for a checkpoint: addresses of the Hub, package URLs, names of other places.

    https://huggingface.co/org/name[/tree/REV | /blob/REV/FILE | /resolve/REV/FILE]
    hf.co/org/name:QUANT   git@hf.co:org/name   pkg:huggingface/org/name[@REV]

The host may be the endpoint's, huggingface.co or hf.co; the endpoint is asked all the same. Data
sets, Spaces and names of other hubs are told what they are. Forms of addresses as the Hub's pages
link to them; package URLs: github.com/package-url/purl-spec, types/huggingface-definition.json.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from famtree.errors import UsageError
from famtree.sources.elsewhere import (
    PAGES,
    is_kind,
    is_other_library,
    refuse_host,
    refuse_kind,
    refuse_ollama,
    refuse_page,
    refuse_scheme,
)
from famtree.sources.gguf_files import QUANT
from famtree.sources.weight_files import CHECKPOINT_SUFFIXES

_HOSTS = frozenset({"huggingface.co", "hf.co"})
_VIEWS = frozenset({"tree", "blob", "resolve", "raw", "blame", "edit", "commits", "commit"})
"""Parts of an address after which a revision stands; `revision` in those of the API."""
_TABS = frozenset({"discussions", "settings", "activity", "community"})
_REFS = ("pr", "convert")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_GIT = re.compile(r"git@([\w.-]+):(?=.)")
_PURL = "pkg:"
_DATASET = re.compile(r"/datasets/([^/?#]+/[^/?#]+)(?:/tree/([^/?#]+))?/?(?:[?#].*)?", re.DOTALL)
_TAG = re.compile(r"[\w.-]{1,100}", re.ASCII)


class Pasted(NamedTuple):
    """A model repository, and what of it is meant."""

    repo: str
    revision: str | None = None
    file: str | None = None
    quant: str | None = None
    """The conversion that is meant, where a file of it is still to be found."""


def read_pasted(text: str, endpoint: str | None = None) -> Pasted | None:
    """Return what `text` names on a Hub, or None for one that has no such form.

    `endpoint` is the Hub's address, HF_ENDPOINT where none is given. Raises UsageError, saying
    what it is, for what is no model on a Hub.
    """
    hub = endpoint or os.environ.get("HF_ENDPOINT") or ""
    if text[: len(_PURL)].lower() == _PURL:
        return _read_purl(text, hub)
    if git := _GIT.match(text):
        text = f"https://{git[1]}/{text[git.end() :]}"
    scheme = _SCHEME.match(text)
    word = scheme[1].lower() if scheme else ""
    if word not in {"", "http", "https"}:
        refuse_scheme(word, text)
    bare = text[scheme.end() :] if scheme else text
    inner = _strip_hub(bare, hub)
    if inner is not None:
        return _read_page(inner, text)
    if scheme:
        refuse_host(text)
    first, _, rest = text.partition("/")
    if is_kind(first) and rest:
        refuse_kind(first, text)
    if is_other_library(first):
        refuse_host(f"https://{text}")
    name, mark, tag = text.partition(":")
    if not mark:
        return Pasted(text.rstrip("/")) if rest.endswith("/") and rest.count("/") == 1 else None
    if name.count("/") == 1 and QUANT.fullmatch(tag):
        return Pasted(name, quant=tag)
    if name and _TAG.fullmatch(tag) and "@" not in name:
        refuse_ollama(text)
    return None


def read_dataset(text: str, endpoint: str | None = None) -> str | None:
    """Return `org/name[@revision]` of the page of a data set on a Hub, or None for other texts."""
    scheme = _SCHEME.match(text)
    bare = text[scheme.end() :] if scheme else text
    inner = _strip_hub(bare, endpoint or os.environ.get("HF_ENDPOINT") or "")
    found = _DATASET.fullmatch(inner) if inner is not None else None
    if found is None:
        return None
    name, revision = found.groups()
    return f"{name}@{unquote(revision)}" if revision else name


def _strip_hub(bare: str, endpoint: str) -> str | None:
    """Return what follows the Hub's host and path, or None for an address elsewhere."""
    own = _SCHEME.sub("", endpoint.rstrip("/"), count=1)
    for base in (own, *_HOSTS, *(f"www.{host}" for host in _HOSTS), *(f"{h}:443" for h in _HOSTS)):
        if base and bare[: len(base)].lower() == base.lower() and bare[len(base) :][:1] in "/?#":
            return bare[len(base) :]
    return None


def _read_page(inner: str, text: str) -> Pasted:
    """Return what the path of an address on a Hub names."""
    try:
        split = urlsplit(inner)
        shown = parse_qs(split.query).get("show_file_info", [""])[0]
    except ValueError:
        refuse_page(text)
    parts = [part for part in split.path.split("/") if part]
    if parts[:1] == ["api"]:
        parts = parts[1:]
    if parts[:1] == ["models"]:
        parts = parts[1:]
    elif parts and is_kind(parts[0]):
        refuse_kind(parts[0], text)
    if not parts or parts[0] in PAGES:
        refuse_page(text)
    after = _VIEWS | _TABS | {"revision"}
    legacy = len(parts) > 1 and parts[1] in after and not (parts[2:] and parts[2] in after)
    count = 1 if legacy or len(parts) == 1 else 2
    repo, tag = "/".join(parts[:count]), None
    repo, mark, tag = repo.partition(":")
    repo, at, written = repo.partition("@")
    view, rest = (parts[count], parts[count + 1 :]) if parts[count:] else ("", [])
    if view and view not in after:
        if mark or at or not _is_file(file := "/".join(map(unquote, parts[count:]))):
            refuse_page(text)
        return Pasted(unquote(repo), None, file)
    revision, path = _split_view(rest) if view not in _TABS else (None, [])
    file = "/".join(path) or shown
    if view == "tree" and path:
        named = f"{unquote(repo)}@{revision}"
        raise UsageError(
            f"{text} is a folder of {named}, not a checkpoint",
            hint=f"write {named}, or the address of one of the folder's weight files",
        )
    found = Pasted(
        unquote(repo).removesuffix(".git"),
        revision or (unquote(written) if at else None),
        # What lies beside the weights stands for the whole.
        file if _is_file(file) else None,
    )
    if mark:
        return _read_tag(found, tag, text)
    return found


def _read_tag(found: Pasted, tag: str, text: str) -> Pasted:
    """Return the repository with what llama.cpp and Ollama write after a colon."""
    if not _TAG.fullmatch(tag):
        raise UsageError(f"{text} ends in no quantization", hint="write hf.co/org/name:Q4_K_M")
    if _is_file(tag):
        return found._replace(file=tag)
    return found if tag == "latest" else found._replace(quant=tag)


def _split_view(rest: list[str]) -> tuple[str | None, list[str]]:
    """Return revision and path of `REV/path`; a slash of the revision itself is written %2F."""
    if not rest:
        return None, []
    size = 3 if rest[0] == "refs" and len(rest) > 2 and rest[1] in _REFS else 1
    return unquote("/".join(rest[:size])), [unquote(part) for part in rest[size:]]


def _is_file(file: str) -> bool:
    return file.endswith(CHECKPOINT_SUFFIXES)


def _read_purl(text: str, endpoint: str) -> Pasted:
    rest, _, inner = text[len(_PURL) :].partition("#")
    rest, _, query = rest.partition("?")
    kind, _, path = rest.strip("/").partition("/")
    if kind.lower() != "huggingface":
        raise UsageError(
            f"{text} is a package of type {kind or 'none'}, not a model on the Hub",
            hint="package URLs of models begin with pkg:huggingface/",
        )
    host = parse_qs(query).get("repository_url", [""])[0].rstrip("/")
    if host and _strip_hub(_SCHEME.sub("", f"{host}/", count=1), endpoint) is None:
        raise UsageError(f"{text} is on another hub ({host})", hint=f"set HF_ENDPOINT to {host}")
    repo, mark, revision = path.partition("@")
    file = unquote(inner).strip("/")
    return Pasted(
        "/".join(unquote(part) for part in repo.split("/") if part),
        unquote(revision) if mark else None,
        file if _is_file(file) else None,
    )
