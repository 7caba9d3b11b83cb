"""Reading what a user typed as a checkpoint: a path on this machine or a Hub repository.

    org/name   name   org/name@revision   hf://org/name[@revision][/path/in/repo.gguf]
    a folder   a .safetensors, .safetensors.index.json or .gguf file

A path that exists, or that starts with `/`, `./`, `../` or `~`, is local; anything else is a Hub
id. The form of a Hub id is checked here, so that a slip is told without asking the network.
"""

from __future__ import annotations

import os
import re
import stat
from urllib.parse import unquote

from famtree.errors import AccessError, NotFoundError, UsageError
from famtree.types.checkpoint import CheckpointRef

CHECKPOINT_SUFFIXES = (".safetensors", ".safetensors.index.json", ".gguf")
"""Names of single files that can be a checkpoint by themselves."""

HUB_ADDRESS = "hf://"
"""In front of a Hub id: never a folder of this machine, even where one has that name."""
_FORMS = (
    "write org/name, org/name@revision, hf://org/name/file.gguf, a folder, or a .safetensors, "
    ".safetensors.index.json or .gguf file"
)
# The rules of huggingface_hub.utils.validate_repo_id, which costs 100 ms to import.
_REPO_PART = re.compile(r"\w(?:[\w.-]{0,94}\w)?", re.ASCII)
_REVISION = re.compile(r"[^\x00-\x20\x7f~^:?*\[\\]{1,250}")
_SPECIAL_REVISION = re.compile(r"refs/(?:pr/\d+|convert/[\w.-]+)(?=/|$)")
_WEB_ADDRESS = re.compile(r"https?://(?:www\.)?[^/]+/(?:models/)?([^/?#]+/[^/?#]+)")
_LONGEST = 4096


def parse_reference(text: str, *, revision: str | None = None) -> CheckpointRef:
    """Return the reference `text` stands for; `revision` is what `--revision` gave.

    Raises UsageError for a form that means nothing or for two different revisions,
    NotFoundError for a local path that does not exist, AccessError for one that may not be seen.
    """
    cleaned = text.strip()
    if not cleaned:
        raise UsageError("the checkpoint reference is empty", hint=_FORMS)
    if len(cleaned) > _LONGEST or any(ord(letter) < 32 for letter in cleaned):
        raise UsageError(
            "the checkpoint reference is too long or has control characters", hint=_FORMS
        )
    if cleaned.startswith(HUB_ADDRESS):
        return _parse_hf_address(cleaned, revision)
    path = os.path.expanduser(cleaned)
    if _is_path_like(cleaned) or os.path.lexists(path):
        return _parse_path(cleaned, path, revision)
    if web := _WEB_ADDRESS.match(cleaned):
        raise UsageError(
            f"{cleaned} is a web address, not a checkpoint reference",
            hint=f"write {web.group(1)}",
        )
    return _parse_hub_id(cleaned, revision)


def _is_path_like(text: str) -> bool:
    return (
        text in {".", ".."}
        or text.startswith(("/", "./", "../", "~"))
        or os.path.isabs(text)
        # No legacy Hub name is called like a weight file: this is a mistyped path.
        or ("/" not in text and text.endswith(CHECKPOINT_SUFFIXES))
    )


def _parse_path(text: str, path: str, revision: str | None) -> CheckpointRef:
    if revision is not None:
        raise UsageError(
            f"{text} is a local path and has no revision",
            hint=f"drop --revision, or write hf://{text} for the Hub repository",
        )
    if not os.path.isabs(path):
        try:
            os.getcwd()
        except OSError as fault:
            raise NotFoundError(
                f"{text}: the working directory no longer exists", hint="change to another"
            ) from fault
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError as fault:
        raise NotFoundError(
            f"no such file or folder: {text}",
            hint="check the path; a Hub repository is written org/name",
        ) from fault
    except OSError as fault:
        raise AccessError(
            f"{text} cannot be looked at: {fault.strerror or fault}",
            hint="check the path and its permissions",
        ) from fault
    if stat.S_ISDIR(mode):
        return CheckpointRef(text=text, path=path)
    if not stat.S_ISREG(mode):
        raise UsageError(f"{text} is neither a folder nor a regular file", hint=_FORMS)
    if not path.endswith(CHECKPOINT_SUFFIXES):
        raise UsageError(
            f"{text} is not a checkpoint by itself",
            hint=f"give the folder that holds it ({os.path.dirname(path) or '.'}), or a "
            ".safetensors, .safetensors.index.json or .gguf file",
        )
    return CheckpointRef(text=text, path=path)


def _parse_hub_id(text: str, revision: str | None) -> CheckpointRef:
    repo, mark, written = text.partition("@")
    _check_repo_id(repo, text)
    return CheckpointRef(
        text=text,
        repo_id=repo,
        revision=_agree(written if mark else None, revision, text),
    )


def _parse_hf_address(text: str, revision: str | None) -> CheckpointRef:
    rest = text.removeprefix(HUB_ADDRESS).rstrip("/")
    kind, _, inner = rest.partition("/")
    if kind in {"datasets", "spaces", "kernels", "buckets"}:
        raise UsageError(f"{text} is not a model repository ({kind})", hint=_FORMS)
    if kind == "models":
        rest = inner
    head, mark, tail = rest.partition("@")
    if mark:
        repo = head
        written, file = _split_revision(tail)
    else:
        parts = head.split("/")
        repo, file, written = "/".join(parts[:2]), "/".join(parts[2:]), None
    _check_repo_id(repo, text)
    if file and not _is_plain_file(file):
        raise UsageError(
            f"{file} in {text} is not a checkpoint file",
            hint="the path in the repository must end in .gguf, .safetensors or "
            ".safetensors.index.json",
        )
    return CheckpointRef(
        text=text,
        repo_id=repo,
        revision=_agree(written, revision, text),
        file=file or None,
    )


def _split_revision(tail: str) -> tuple[str, str]:
    """Split what follows `@` into revision and file; a branch may itself contain slashes."""
    if special := _SPECIAL_REVISION.match(tail):
        return special.group(), tail[special.end() :].lstrip("/")
    if not tail.endswith(CHECKPOINT_SUFFIXES):
        return unquote(tail), ""
    written, _, file = tail.partition("/")
    return unquote(written), file


def _is_plain_file(file: str) -> bool:
    parts = file.split("/")
    return file.endswith(CHECKPOINT_SUFFIXES) and not {"", ".", ".."} & set(parts)


def _check_repo_id(repo: str, text: str) -> None:
    parts = repo.split("/")
    if len(parts) > 2:
        if text.endswith(CHECKPOINT_SUFFIXES) and not text.startswith(HUB_ADDRESS):
            raise UsageError(
                f"{text} is neither an existing file nor a Hub id",
                hint=f"write hf://{text} for a file on the Hub, or check the path",
            )
        raise UsageError(f"{text} has too many parts for a Hub id", hint=_FORMS)
    if (
        not all(_REPO_PART.fullmatch(part) for part in parts)
        or "--" in repo
        or ".." in repo
        or repo.endswith(".git")
    ):
        raise UsageError(f"{repo or text!r} is neither an existing path nor a Hub id", hint=_FORMS)


def _agree(written: str | None, asked: str | None, text: str) -> str | None:
    for found in (written, asked):
        if found is not None and not _is_revision(found):
            raise UsageError(
                f"{found!r} is not a revision",
                hint="a revision is a branch, a tag, refs/pr/N or a commit of 40 hex digits",
            )
    if written is not None and asked is not None and written != asked:
        raise UsageError(
            f"{text} names revision {written}, but --revision says {asked}",
            hint="give the revision once",
        )
    return written if written is not None else asked


def _is_revision(text: str) -> bool:
    return (
        _REVISION.fullmatch(text) is not None
        and ".." not in text
        and "//" not in text
        and "@{" not in text
        and not text.startswith(("/", "-", "."))
        and not text.endswith(("/", ".", ".lock"))
    )
