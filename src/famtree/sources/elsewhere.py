"""What is no model on a Hub, told for what it is, with what to give instead."""

from __future__ import annotations

from typing import NoReturn
from urllib.parse import unquote, urlsplit

from famtree.errors import UsageError
from famtree.redaction import remember_address

_KINDS = {
    "datasets": "a dataset",
    "spaces": "a Space",
    "kernels": "a kernel",
    "buckets": "a bucket",
}
PAGES = frozenset(
    {
        "blog", "chat", "collections", "docs", "enterprise", "inference", "join", "learn", "login",
        "models", "new", "organizations", "papers", "posts", "pricing", "search", "settings",
        "tasks",
    }
)  # fmt: skip
"""First parts of addresses that are no account: huggingface.co's own pages."""
_STORES = frozenset(
    {
        "s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "wasb", "wasbs", "azureml", "dbfs",
        "hdfs", "r2", "b2",
    }
)  # fmt: skip
_OLLAMA = frozenset({"ollama.com", "ollama.ai", "registry.ollama.ai"})
_MODELSCOPE = frozenset({"modelscope.cn", "modelscope.ai"})
_HERE = "famtree reads the Hub and this machine"


def refuse_kind(kind: str, text: str) -> NoReturn:
    """Raise UsageError for a repository that holds no model."""
    raise UsageError(
        f"{text} is {_KINDS[kind]}, not a model",
        hint="give the model's own org/name: its page is huggingface.co/org/name",
    )


def is_kind(word: str) -> bool:
    """Return whether repositories under `word` hold something else than models."""
    return word in _KINDS


def is_other_library(host: str) -> bool:
    """Return whether a host without scheme is another library's of models."""
    return host.lower().removeprefix("www.") in _OLLAMA | _MODELSCOPE


def refuse_scheme(word: str, text: str) -> NoReturn:
    """Raise UsageError for an address whose scheme is `word`."""
    remember_address(text)
    copied = "copy it to this machine and give the folder"
    if word == "ollama":
        refuse_ollama(text)
    if word == "modelscope":
        _refuse_modelscope(text)
    if word == "file":
        path = unquote(urlsplit(text).path) or "its path"
        raise UsageError(f"{text} is an address of a file, not its path", hint=f"write {path}")
    if word in {"oci", "docker"}:
        raise UsageError(
            f"{text} is an image of a container registry; {_HERE}",
            hint="unpack it to a folder and give that",
        )
    if word in _STORES:
        raise UsageError(f"{text} is an address of an object store; {_HERE}", hint=copied)
    raise UsageError(f"{text} is an address of another kind ({word}); {_HERE}", hint=copied)


def refuse_host(text: str) -> NoReturn:
    """Raise UsageError for an address that is none of the Hub's."""
    remember_address(text)
    try:
        split = urlsplit(text)
        host = (split.hostname or "").removeprefix("www.")
    except ValueError:
        host, split = "", urlsplit("")
    if "@" in split.netloc:
        raise UsageError(
            "the address has a user name or a password in it",
            hint="write it without; a token goes into HF_TOKEN",
        )
    if host in _OLLAMA:
        refuse_ollama(text)
    if host in _MODELSCOPE:
        _refuse_modelscope(text)
    raise UsageError(
        f"{text} is an address of {host or 'no host'}; {_HERE}",
        hint="give its org/name on the Hub, or download it and give the folder; of another Hub "
        "give the address in HF_ENDPOINT",
    )


def refuse_page(text: str) -> NoReturn:
    """Raise UsageError for an address of the Hub that leads to no repository."""
    raise UsageError(
        f"{text} is a page of the Hub, not a model",
        hint="the address of a model is https://huggingface.co/org/name",
    )


def refuse_ollama(text: str) -> NoReturn:
    """Raise UsageError for a name of Ollama's library."""
    raise UsageError(
        f"{text} is a name of Ollama's library, which is not on the Hub",
        hint="give hf.co/org/name:QUANT of the same model, or its blob on this machine: "
        "`famtree scan ~/.ollama/models` finds them",
    )


def _refuse_modelscope(text: str) -> NoReturn:
    raise UsageError(
        f"{text} is on ModelScope; {_HERE}",
        hint="give its org/name on the Hub if it is there too, or download it and give the folder",
    )
