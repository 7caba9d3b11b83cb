"""A GGUF checkpoint, from its header to the classifier: cheap first, the vocabulary where it pays.

Architecture and hyperparameters stand in the first kilobytes. The vocabulary (up to 20 MB) comes
after them and the tensors after the vocabulary, so over a network both are read only where they
could change the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from famtree.checkpoint.gathered import CONFIG, MAX_SMALL_FILE, Gathered, GgufForm, OnProgress
from famtree.checkpoint.settled import could_change_answer
from famtree.errors import HeaderError, TokenizerError, UnreadableError
from famtree.fingerprints.build import CheckpointFacts, build_fingerprint
from famtree.fingerprints.gguf import GgufDesign, read_gguf_design
from famtree.fingerprints.gguf_quantization import read_gguf_quantization
from famtree.fingerprints.gguf_tensors import translate_tensors
from famtree.fingerprints.gguf_vocabulary import read_gguf_vocabulary
from famtree.fingerprints.json_text import decode_object
from famtree.fingerprints.tensors import observe_tensors
from famtree.fingerprints.tokenizer import build_gguf_tokenizer
from famtree.fingerprints.vocabulary import Vocabulary
from famtree.matchers.classify import Classification, classify
from famtree.matchers.observation import MODEL_TYPE, TEXT_MODEL_TYPE, Observation, observe
from famtree.registry.registry import Registry
from famtree.sources.gguf_files import GgufSet, choose_main, group_files
from famtree.sources.gguf_header import MAX_TENSORS, GgufArray, GgufReader, HeaderLimitError
from famtree.sources.gguf_open import FULL_LIMIT, open_gguf
from famtree.sources.header_plan import HeaderPlan
from famtree.types.checkpoint import Listing
from famtree.types.identification import Notice
from famtree.types.source import CheckpointSource
from famtree.types.traits import Trait

MAX_LISTED = 6
_TOKENS = "tokenizer.ggml.tokens"
_SIDE = ("generation_config.json",)
_KINDS = {
    "adapter": "a LoRA adapter in GGUF form; its base model decides the family",
    "mmproj": "the vision or audio projector of a multimodal model, without its language model",
    "imatrix": "an importance matrix for quantization, not a model",
}


def gather_gguf(
    source: CheckpointSource, listing: Listing, report: Callable[[str], None]
) -> Gathered:
    """Read what a first answer needs of a GGUF checkpoint.

    Raises HeaderError for a broken header and UnreadableError when the file cannot be had.
    """
    asked = source.ref.file
    if asked is None and source.kind == "gguf" and source.ref.path:
        asked = source.ref.path.replace("\\", "/").rpartition("/")[2]
    sets = group_files(listing.files)
    chosen = choose_main(sets, asked)
    if chosen is None:
        raise UnreadableError(
            f"{source.ref.text} has no GGUF file", hint="check the name of the file"
        )
    report("reading the GGUF header")
    local = source.kind != "hub"
    reader = open_gguf(source, chosen.files[0], report)
    found = Gathered(
        listing,
        HeaderPlan(
            format="gguf",
            shards=tuple(entry.name for entry in chosen.files),
            sizes={entry.name: entry.size for entry in chosen.files},
            missing_shards=chosen.missing,
        ),
    )
    form = found.gguf = GgufForm(reader, chosen, GgufDesign(), local)
    if asked is None:
        _read_neighbours(source, found, form)
    try:
        header = reader.read_design()
    except HeaderLimitError:
        header = reader.header
    _interpret(found, form)
    if local or (not form.design.config.get("hidden_size") and not header.complete):
        _read_all(source, found, form, report)
    _notice_files(found, sets, chosen, asked)
    found.explanation = _KINDS.get(form.design.kind)
    if found.explanation:
        found.notices.append(
            Notice.model_construct(code=f"gguf-{form.design.kind}", message=found.explanation)
        )
    return found


def weigh_gguf(
    source: CheckpointSource,
    registry: Registry,
    found: Gathered,
    on_progress: OnProgress | None,
    *,
    briefly: bool = False,
) -> tuple[Observation, Classification]:
    """Classify; read vocabulary and tensor names first where they could change the answer.

    `briefly` reads no more than was gathered.
    """
    form = found.gguf
    if form is None:
        raise ValueError("not a GGUF checkpoint")
    answer = _weigh(found, form, registry)
    if not briefly and not form.complete and could_change_answer(answer[1]):
        _read_all(source, found, form, on_progress or (lambda _: None))
        answer = _weigh(found, form, registry)
    return answer


def list_gguf_tokens(source: CheckpointSource, found: Gathered) -> Vocabulary | None:
    """Return every token of the header, read as far as needed; None when it holds none.

    Raises TokenizerError when the arrays are not those of a vocabulary.
    """
    form = found.gguf
    if form is None:
        return None
    if not form.complete:
        _read_all(source, found, form, lambda _: None)
    return read_gguf_vocabulary(_Decoded(form.reader))


def _weigh(
    found: Gathered, form: GgufForm, registry: Registry
) -> tuple[Observation, Classification]:
    observed = observe_tensors(found.index)
    facts = CheckpointFacts(found.config, found.side_files, observed, form.tokenizer)
    observation = observe(build_fingerprint(facts), registry.generic)
    traits = dict(observation.traits)
    types = form.design.model_types
    if len(types) > 1 and MODEL_TYPE not in traits:
        # One of these, which one is open: a rule that names any of them fits.
        traits[MODEL_TYPE] = traits[TEXT_MODEL_TYPE] = Trait(types, "gguf")
    if not form.complete and "rope_scaling" not in found.config:
        # Scaling may be baked into a tensor whose name was not read.
        traits.pop("recipe.rope_type", None)
    observation = replace(observation, traits=traits)
    return observation, classify(observation, registry)


def _read_all(
    source: CheckpointSource, found: Gathered, form: GgufForm, report: Callable[[str], None]
) -> None:
    """Read vocabulary and tensors, and the tensors of further parts."""
    reader = form.reader
    if not form.local:
        reader.limit = FULL_LIMIT
    try:
        reader.read_rest()
        whole = True
        for entry in form.files.files[1:]:
            part = open_gguf(source, entry).read_rest()
            form.parts.update(part.tensors)
            if len(form.parts) > MAX_TENSORS:
                raise HeaderError(
                    f"{entry.name}: the parts have more than {MAX_TENSORS} tensors",
                    hint="no released model has as many; look at the files",
                )
    except HeaderLimitError:
        whole = False
        found.notices.append(
            Notice.model_construct(
                code="header-unread",
                message=f"the header of {form.files.name} is longer than "
                f"{reader.limit / 1e6:.0f} MB and was read in part",
            )
        )
    form.complete = whole and not form.files.missing
    report("reading the tokenizer")
    try:
        form.tokenizer = build_gguf_tokenizer(_Decoded(reader))
    except TokenizerError as fault:
        found.notices.append(Notice.model_construct(code=fault.code, message=fault.message))
    _interpret(found, form)


class _Decoded(Mapping[str, Any]):
    """Key-value pairs whose long arrays are decoded when asked for."""

    def __init__(self, reader: GgufReader) -> None:
        self._reader = reader

    def __getitem__(self, key: str) -> Any:
        value = self._reader.header.metadata[key]
        return self._reader.decode(key) if isinstance(value, GgufArray) else value

    def __iter__(self) -> Any:
        return iter(self._reader.header.metadata)

    def __len__(self) -> int:
        return len(self._reader.header.metadata)


def _interpret(found: Gathered, form: GgufForm) -> None:
    """Put what the header has told so far in place of config.json and safetensors headers."""
    header = form.reader.header
    tensors = {**form.parts, **header.tensors}
    tokens = header.metadata.get(_TOKENS)
    count = tokens.count if isinstance(tokens, GgufArray) else len(tokens or ())
    form.design = read_gguf_design(
        header.metadata, tokens=count or None, tensor_names=frozenset(tensors)
    )
    found.config = _merge(form.design.config, form.config)
    if form.design.chat_template:
        found.side_files["chat_template.jinja"] = form.design.chat_template
    found.index = translate_tensors(
        tensors,
        form.design.architecture,
        complete=header.complete and (form.complete or len(form.files.files) == 1),
        files=found.plan.shards,
    )
    form.quantization, form.conflicts = read_gguf_quantization(header.metadata, tensors.values())


def _merge(own: dict[str, Any], beside: dict[str, Any]) -> dict[str, Any]:
    """A whole config.json says more than the header's keys; a stub adds the model_type alone."""
    if any(name in beside for name in ("hidden_size", "text_config", "num_hidden_layers")):
        return beside
    if isinstance(beside.get("model_type"), str):
        return {**own, "model_type": beside["model_type"]}
    return own


def _read_neighbours(source: CheckpointSource, found: Gathered, form: GgufForm) -> None:
    names = [name for name in (CONFIG, *_SIDE) if found.listing.find(name)]
    if not names:
        return
    wave = source.read_wave(names, {}, limit=MAX_SMALL_FILE)
    for name in names:
        data = wave.get(name)
        if isinstance(data, bytes):
            try:
                table = decode_object(data, name)
            except UnreadableError as fault:
                found.notices.append(
                    Notice.model_construct(code="side-file-unreadable", message=fault.message)
                )
                continue
            if name == CONFIG:
                form.config = table
            else:
                found.side_files[name] = table


def _notice_files(found: Gathered, sets: list[GgufSet], chosen: GgufSet, asked: str | None) -> None:
    if chosen.missing:
        found.notices.append(
            Notice.model_construct(
                code="shard-missing",
                message=f"{chosen.missing} part(s) that the name {chosen.name} counts are absent",
            )
        )
    others = [one.name for one in sets if one is not chosen]
    if asked is None and others:
        more = f" and {len(others) - MAX_LISTED} more" if len(others) > MAX_LISTED else ""
        found.notices.append(
            Notice.model_construct(
                code="gguf-files",
                message=f"{chosen.name} stands for the model; also there: "
                f"{', '.join(others[:MAX_LISTED])}{more}",
            )
        )
