"""Reading what a user typed as a checkpoint: a path on this machine or a Hub repository.

    org/name   name   org/name@revision   hf://org/name[@revision][/path/in/repo.gguf]
    a folder   a .safetensors, .safetensors.index.json or .gguf file   a file that is a GGUF inside
    what people paste: `famtree.sources.pasted`

A path that exists, or that starts with `/`, `./`, `../` or `~`, is local; anything else is a Hub
id. The form of a Hub id is checked here, so that a slip is told without asking the network.
"""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING
from urllib.parse import unquote

from famtree.errors import AccessError, FamtreeError, NotFoundError, UsageError
from famtree.sources.snapshot import find_snapshot
from famtree.sources.weight_files import CHECKPOINT_SUFFIXES
from famtree.types.checkpoint import CheckpointRef
from famtree.types.place import Place, write_reference

if TYPE_CHECKING:
    from famtree.sources.pasted import Pasted

HUB_ADDRESS = "hf://"
"""In front of a Hub id: never a folder of this machine, even where one has that name."""
_FORMS = (
    "write org/name, org/name@revision, hf://org/name/file.gguf, an address of the Hub, a folder, "
    "or a .safetensors, .safetensors.index.json or .gguf file"
)
# The rules of huggingface_hub.utils.validate_repo_id, which costs 100 ms to import.
_REPO_PART = r"(?a)\w(?:[\w.-]{0,94}\w)?"
_REVISION = r"[^\x00-\x20\x7f~^:?*\[\\]{1,250}"
_SPECIAL_REVISION = r"refs/(?:pr/\d+|convert/[\w.-]+)(?=/|$)"
_ADDRESS = r"[A-Za-z][A-Za-z0-9+.-]*:"
_LONGEST = 4096


def parse_reference(
    text: Place, *, revision: str | None = None, endpoint: str | None = None
) -> CheckpointRef:
    """Return the reference `text` stands for; `revision` is what `--revision` gave.

    `endpoint` is the Hub's address where it is not HF_ENDPOINT, for addresses of it. Raises
    UsageError for a form that means nothing or for two different revisions, NotFoundError for a
    local path that does not exist, AccessError for one that may not be seen.
    """
    cleaned = write_reference(text).strip()
    if not cleaned:
        raise UsageError("the checkpoint reference is empty", hint=_FORMS)
    if len(cleaned) > _LONGEST or any(ord(letter) < 32 for letter in cleaned):
        raise UsageError(
            "the checkpoint reference is too long or has control characters", hint=_FORMS
        )
    if cleaned.startswith(HUB_ADDRESS):
        return _parse_hf_address(cleaned, revision)
    path = os.path.expanduser(cleaned)
    if is_path_like(cleaned) or os.path.lexists(path):
        return _parse_path(cleaned, path, revision)
    # A local path is no matter of addresses, whose rules take time to import.
    from famtree.sources.pasted import read_pasted

    if pasted := read_pasted(cleaned, endpoint):
        return _take_pasted(pasted, cleaned, revision)
    return _parse_hub_id(cleaned, revision)


def find_repository(text: str) -> str:
    """Return the Hub id that `text` stands for in any of its forms, else `text` itself."""
    try:
        return parse_reference(text).repo_id or text
    except FamtreeError:
        return text


def is_pattern(text: str) -> bool:
    """Return whether `text` stands for several checkpoints: it has `*`, `?` or `[`, no address."""
    return not re.match(_ADDRESS, text) and any(mark in text for mark in "*?[")


def check_pattern(text: str) -> None:
    """Raise UsageError for a pattern of Hub ids that names no account."""
    owner, _, name = text.partition("/")
    if not is_path_like(text) and (not name or "/" in name or not re.fullmatch(_REPO_PART, owner)):
        raise UsageError(
            f"{text} names no account", hint="write org/name*, or ./folder/* for paths"
        )


def is_path_like(text: str) -> bool:
    """Return whether `text` is a path, whether or not there is such a file."""
    return (
        text in {".", ".."}
        or text.startswith(("/", "./", "../", "~"))
        or os.path.isabs(text)
        # No legacy Hub name is called like a weight file: this is a mistyped path.
        or ("/" not in text and text.endswith(CHECKPOINT_SUFFIXES))
    )


def _parse_path(text: str, path: str, revision: str | None) -> CheckpointRef:
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
    if stat.S_ISDIR(mode) and (cached := find_snapshot(path, revision)):
        return CheckpointRef(text=text, path=cached)
    if revision is not None:
        raise UsageError(
            f"{text} is a local path and has no revision",
            hint=f"drop --revision, or write hf://{text} for the Hub repository",
        )
    if stat.S_ISDIR(mode):
        return CheckpointRef(text=text, path=path)
    if not stat.S_ISREG(mode):
        raise UsageError(f"{text} is neither a folder nor a regular file", hint=_FORMS)
    if not path.endswith(CHECKPOINT_SUFFIXES):
        from famtree.sources.gguf_files import is_gguf

        if not is_gguf(path):
            raise UsageError(f"{text} is not a checkpoint by itself", hint=_suggest_folder(path))
    return CheckpointRef(text=text, path=path)


def _suggest_folder(path: str) -> str:
    """Return a hint to the folder of a file, where that looks like a checkpoint."""
    forms = "a .safetensors, .safetensors.index.json or .gguf file"
    folder = os.path.dirname(path) or "."
    try:
        beside = os.listdir(folder)
    except OSError:
        beside = []
    if any(name == "config.json" or name.endswith(CHECKPOINT_SUFFIXES) for name in beside):
        return f"give the folder that holds it ({folder}), or {forms}"
    return f"give a folder with config.json or weight files, or {forms}"


def _take_pasted(pasted: Pasted, text: str, revision: str | None) -> CheckpointRef:
    _check_repo_id(pasted.repo, text)
    if pasted.file is not None and not _is_plain_file(pasted.file):
        raise UsageError(f"{text} names no file of {pasted.repo}", hint=_FORMS)
    return CheckpointRef(
        text=text,
        repo_id=pasted.repo,
        revision=_agree(pasted.revision, revision, text),
        file=pasted.file,
        quant=pasted.quant,
    )


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
    from famtree.sources.elsewhere import is_kind, refuse_kind

    if is_kind(kind):
        refuse_kind(kind, text)
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
    if special := re.match(_SPECIAL_REVISION, tail):
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
        not all(re.fullmatch(_REPO_PART, part) for part in parts)
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
        re.fullmatch(_REVISION, text) is not None
        and ".." not in text
        and "//" not in text
        and "@{" not in text
        and not text.startswith(("/", "-", "."))
        and not text.endswith(("/", ".", ".lock"))
    )
