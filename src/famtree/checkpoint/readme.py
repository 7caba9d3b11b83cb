"""Parents that the running text of a card names: the weakest kind of claim.

Only set phrases are read, and only where an identifier stands right behind them; a card that
mentions a model in passing claims nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from famtree.checkpoint.references import read_reference
from famtree.types.claim import Claim
from famtree.types.identification import LinkRelation

MAX_TEXT = 64 * 1024
MAX_FOUND = 8
MAX_FILLER = 60
"""Characters between a phrase and the name: `the`, `the model`, `Meta's`."""

_PHRASES: tuple[tuple[str, LinkRelation | None], ...] = (
    (r"quanti[sz]ed (?:version|variant|model)s? (?:of|from)", "quantized"),
    (r"(?:gptq|awq|gguf|ggml|exl2|fp8|nvfp4|int4|int8|[2-8][- ]bit)[\w ,/-]{0,40}"
     r"(?:model files|quanti[sz]ations?|quants?|version|files|weights) (?:for|of)", "quantized"),
    (r"quanti[sz]ations? of", "quantized"),
    (r"(?:lora|qlora|peft|dora)? ?adapters? (?:for|trained on|on top of|of)", "adapter"),
    (r"converted (?:to [\w ]{1,30} )?from", "converted"),
    (r"distilled from", "distill"),
    (r"(?:pruned|compressed) (?:version )?(?:of|from)", "pruned"),
    (r"(?:continued|continually) pre-?train(?:ed|ing) (?:of|from|on top of)", "continued-pretrain"),
    (r"fine[- ]?tun(?:ed|e|ing) (?:version |variant |model )?(?:of|from|on top of)", "finetune"),
    (r"(?:based|built|trained) on top of", "finetune"),
    (r"original model(?: card)?\b[\s:*]{1,6}", None),
    (r"base model\b[\s:*]{1,6}", None),
)  # fmt: skip
_NAME = (
    r"(?:\[[^\]\n]{1,120}\]\((?P<link>https?://(?:huggingface\.co|hf\.co)/[^)\s]{3,160})\)"
    r"|(?P<address>https?://(?:huggingface\.co|hf\.co)/[\w.-]{1,96}/[\w.-]{1,96})"
    r"|\[?[`*_\"']{0,3}(?P<id>[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{1,95}))"
)
_FILLER = rf"[^\n\[`]{{0,{MAX_FILLER}}}?[ \[`*:(]"
_PATTERNS = tuple(
    (re.compile(rf"\b{phrase}(?:{_FILLER})? ?{_NAME}", re.I), relation)
    for phrase, relation in _PHRASES
)
_SPACES = re.compile(r"[ \t\r\f\v]+")
_TELLING = re.compile(r"/.*[-\dA-Z_.]")
"""Names of models have a digit, a capital or a hyphen; two words with a slash have not."""
_NOT_MODELS = re.compile(r"^(?:datasets|spaces|docs|blog|papers|collections)/", re.I)


def read_text_claims(text: str) -> Iterator[Claim]:
    """Yield a claim for each parent that `text` names behind a set phrase, in order of phrases."""
    body = _SPACES.sub(" ", text[:MAX_TEXT])  # so that no pattern meets a long run of them
    found: set[str] = set()
    for pattern, relation in _PATTERNS:
        for match in pattern.finditer(body):
            name = match["link"] or match["address"] or match["id"]
            if match["id"] and not _TELLING.search(name):
                continue  # `and/or`
            read = read_reference(name.rstrip(".,;:"))
            if read is None or not read[2] or "/" not in read[0] or _NOT_MODELS.match(read[0]):
                continue
            parent, revision, _ = read
            if parent.lower() not in found and len(found) < MAX_FOUND:
                found.add(parent.lower())
                yield Claim(parent, "readme", relation, revision)
