"""Texts that name a parent: Hub ids, addresses, local paths, and names that tell how."""

from __future__ import annotations

import re
from typing import NamedTuple

from famtree.types.identification import LinkRelation

MAX_NAME = 200
"""Longest name, characters: a Hub id has 193 at most."""
MAX_REFERENCE = 512
"""Longest claimed parent that is read, characters; a path into the Hub library's cache has 150."""
# Patterns as text here and elsewhere: `re` keeps what it compiled, and a start compiles little.
_ADDRESS = r"(?i)^(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/(?:models/)?"
_HUB_ID = r"^[A-Za-z0-9][\w.-]{0,95}(?:/[\w.-]{1,96})?$"
_NOT_IDS = (
    r"(?i)^(?:[./~\\]|[A-Za-z]:[\\/])|//|\\|/$"
    r"|^(?:models?|outputs?|checkpoints?|results?|ckpts?|tmp|"
    r"home|mnt|data|workspace|root|content)(?:$|/)|(?:^|/)checkpoint-\d+$|\.(?:bin|pt|gguf)$"
)
"""Local paths and the usual names of output folders; a released repository has none of them."""
_ABSOLUTE = r"[/\\~]|[A-Za-z]:[\\/]"
_STORED = r"(?i)(?!/?(?:tmp|content)/)(?:[^\\:]*/)?models/[^\\:]+$"
_SAVED = r"(?i)(?:^|/)(?:checkpoint-\d+|merged|final|best|last|outputs?|results?)/?$"
"""Where trainers save what they make."""
_CACHED = r"(?a)(?:^|[/\\])models--([\w.-]++)(?:[/\\]snapshots[/\\]([\w.-]++))?(?:[/\\]|$)"
"""The shared cache of huggingface_hub: `models--org--name/snapshots/<commit>/<file>`. A Hub id has
no `--` of its own (`huggingface_hub.utils.validate_repo_id`)."""

_QUANTIZED = (
    r"(?i)[-_.](?:gguf|gptq|awq|exl[23]|hqq|aqlm|eetq|fp8(?:[-_](?:dynamic|kv|block))?|nvfp4|"
    r"mxfp[48]|"
    r"(?:unsloth[-_])?bnb[-_]4bit|[2-8][-_.]?bits?|int[48]|w[48]a(?:8|16)(?:[-_]g\d+)?|"
    r"quantized(?:\.w\d+a\d+)?|q[2-8](?:_[01k](?:_[sml])?)?|autoround|g\d{2,3})$"
)
_CONVERTED = r"(?i)[-_.](?:mlx|onnx|openvino|ct2|hf|safetensors|coreml|rkllm)$"
_CAST = r"(?i)[-_.](?:fp16|bf16|fp32|f16|f32|float16|bfloat16)$"

_DELTA = r"(?i)(?:^|[-_.])delta(?=[-_.]|$)"

_BETWEEN = r"[-_. ]++"

_NOTHING = frozenset({"none", "null", "nil", "nan", "n/a", "undefined", "-"})
"""How programs and people write that there is no parent."""

_FORMS = (_QUANTIZED, _CONVERTED, _CAST)
_TELLS_MORE: tuple[LinkRelation, ...] = ("quantized", "converted", "copy")
"""What the words of `_FORMS` tell; of several in one name the first of these."""


class Reference(NamedTuple):
    """A claimed parent as it was spelled."""

    parent: str
    revision: str | None
    resolvable: bool
    """False for local paths and names of output folders, which lead to no repository."""


def read_reference(text: object) -> Reference | None:
    """Return what a claimed parent means, or None for no claim: the one reader of such spellings.

    Addresses lose their host and `/tree/<revision>`. A path into the Hub library's cache, on
    whatever machine, names its repository and revision. Other local paths and output folders are
    kept as they stand and are not resolvable.
    """
    if not isinstance(text, str):
        return None
    cleaned = text.strip().strip("\"'")
    if not cleaned or len(cleaned) > MAX_REFERENCE or "\n" in cleaned:
        return None
    if cleaned.lower() in _NOTHING:
        return None
    revision: str | None = None
    cached, address = re.search(_CACHED, cleaned), re.sub(_ADDRESS, "", cleaned)
    if cached is not None:
        cleaned, revision = cached[1].replace("--", "/", 1), cached[2]
    elif address != cleaned:
        path, _, rest = address.partition("/tree/")
        revision = rest.strip("/") or None
        cleaned = "/".join(path.strip("/").split("/")[:2])
    elif "@" in cleaned:
        cleaned, _, tail = cleaned.partition("@")
        revision = tail or None
    # Nothing may be left: `@main`, or the address of the Hub alone.
    cleaned = cleaned.strip()
    if not cleaned or (len(cleaned) > MAX_NAME and not re.search(_NOT_IDS, cleaned)):
        return None
    resolvable = bool(re.match(_HUB_ID, cleaned)) and not re.search(_NOT_IDS, cleaned)
    return Reference(cleaned, revision, resolvable)


def is_local_path(text: str) -> bool:
    """Return whether a claimed parent is a folder of somebody's machine, or an output folder."""
    return re.search(_NOT_IDS, text) is not None


def is_absolute(text: str) -> bool:
    """Return whether a local path begins at a root, a drive or somebody's home."""
    return re.match(_ABSOLUTE, text) is not None


def is_stored_model(text: str) -> bool:
    """Return whether a local path lies where somebody keeps models that he did not make."""
    return re.match(_STORED, text) is not None and re.search(_SAVED, text) is None


def same_reference(left: str, right: str) -> bool:
    """True when two texts name one repository; the Hub ignores case."""
    return left.strip("/").lower() == right.strip("/").lower()


def spell_as_hub(name: str) -> str:
    """Return a folder's name in the usual form `org__name` as the Hub id it stands for."""
    return name if "/" in name else name.replace("__", "/", 1)


def base_name(ref: str) -> str:
    """Return the name without its organisation."""
    return ref.replace("\\", "/").rstrip("/").rpartition("/")[2]


def split_words(name: str) -> set[str]:
    """Return the words of a model's name, in lower case and without those for its form."""
    return set(re.split(_BETWEEN, strip_form(base_name(name))[0].lower()))


def strip_form(name: str) -> tuple[str, LinkRelation | None]:
    """Return (name without the words for its form, relation those words tell).

    `Llama-2-7B-GPTQ` -> (`Llama-2-7B`, quantized); a name without such words is returned as is.
    """
    relation: LinkRelation | None = None
    for _ in range(4):
        for pattern, told in zip(_FORMS, _TELLS_MORE, strict=True):
            shorter = re.sub(pattern, "", name)
            if shorter and shorter != name:
                name = shorter
                if relation is None or _TELLS_MORE.index(told) < _TELLS_MORE.index(relation):
                    relation = told
                break
        else:
            break
    return name, relation


def says_delta(name: str) -> bool:
    """Return whether a name says that its weights are differences, to be added to a base's."""
    return re.search(_DELTA, base_name(name)) is not None
