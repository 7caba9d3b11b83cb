"""A GGUF checkpoint, from its header to the classifier: cheap first, the vocabulary where it pays.

Architecture and hyperparameters stand in the first kilobytes. The vocabulary (up to 20 MB) comes
after them and the tensors after the vocabulary, so over a network both are read only where they
could change the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from famtree.checkpoint.forms.form import FileForm
from famtree.checkpoint.gathered import CONFIG, MAX_SMALL_FILE, Gathered, OnProgress
from famtree.checkpoint.settled import could_change_answer
from famtree.errors import HeaderError, TokenizerError, UnreadableError
from famtree.fingerprints.build import CheckpointFacts, build_fingerprint
from famtree.fingerprints.denoiser_tensors import observe_denoiser
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
from famtree.types.checkpoint import Listing, TensorIndex, TensorInfo
from famtree.types.fingerprint import Disagreement, Tokenizer
from famtree.types.identification import Notice
from famtree.types.quantization import Quantization
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


class GgufReading(Struct):
    """The header being read, and what it has told so far."""

    source: CheckpointSource
    readers: list[GgufReader]
    """Of the first part, and of further ones as far as they were opened."""
    files: GgufSet
    design: GgufDesign
    local: bool
    config: dict[str, Any] = {}
    """A config.json that lies beside the file, if it was asked for with its repository."""
    parts: dict[str, TensorInfo] = {}
    """Tensors of the further files of a split model."""
    tokenizer: Tokenizer | None = None
    quantization: Quantization | None = None
    conflicts: list[Disagreement] = []
    complete: bool = False
    ended: bool = False
    """All that is read of the files was read, whether that is the whole header or not."""

    @property
    def reader(self) -> GgufReader:
        """The reader of the first part, which holds the metadata."""
        return self.readers[0]


def gather_gguf(
    source: CheckpointSource, listing: Listing, report: Callable[[str], None], form: FileForm
) -> tuple[Gathered, GgufReading]:
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
    local = source.near
    reader = open_gguf(source, chosen.files[0], report)
    found = Gathered(
        listing,
        HeaderPlan(
            shards=tuple(entry.name for entry in chosen.files),
            sizes={entry.name: entry.size for entry in chosen.files},
            missing_shards=chosen.missing,
        ),
        form,
    )
    reading = GgufReading(source, [reader], chosen, GgufDesign(), local)
    if asked is None:
        _read_neighbours(found, reading)
    try:
        header = reader.read_design()
    except HeaderLimitError:
        header = reader.header
    _interpret(found, reading)
    if local or (not reading.design.config.get("hidden_size") and not header.complete):
        _read_all(found, reading, report)
    _notice_files(found, sets, chosen, asked)
    found.explanation = _KINDS.get(reading.design.kind)
    if found.explanation and reading.design.kind != "adapter":
        found.kind = "component"
    elif reading.reader.header.tensor_count == 0 and len(chosen.files) == 1 and not chosen.missing:
        # The first of several parts may hold the keys alone.
        found.kind = "vocabulary"
    if found.explanation:
        found.notices.append(
            Notice.model_construct(code=f"gguf-{reading.design.kind}", message=found.explanation)
        )
    return found, reading


def weigh_gguf(
    found: Gathered,
    reading: GgufReading,
    registry: Registry,
    on_progress: OnProgress | None,
    *,
    briefly: bool = False,
) -> tuple[Observation, Classification]:
    """Classify; read vocabulary and tensor names first where they could change the answer.

    `briefly` reads no more than was gathered.
    """
    answer = _weigh(found, reading, registry)
    if not briefly and not reading.ended and could_change_answer(answer[1]):
        _read_all(found, reading, on_progress or (lambda _: None))
        answer = _weigh(found, reading, registry)
    return answer


def list_gguf_tokens(found: Gathered, reading: GgufReading) -> Vocabulary | None:
    """Return every token of the header, read as far as needed; None when it holds none.

    Raises TokenizerError when the arrays are not those of a vocabulary.
    """
    if not reading.ended:
        _read_all(found, reading, lambda _: None)
    return read_gguf_vocabulary(_Decoded(reading.reader))


def complete_headers(found: Gathered, reading: GgufReading) -> list[GgufReader]:
    """Return the readers of all parts, read to their end; what was read is not read again.

    Raises UnreadableError where a header is longer than is read.
    """
    if not reading.ended:
        _read_all(found, reading, lambda _: None)
    if len(reading.readers) < len(reading.files.files) or not all(
        one.header.complete for one in reading.readers
    ):
        raise UnreadableError(
            f"the header of {reading.files.name} is longer than "
            f"{reading.reader.limit / 1e6:.0f} MB, or a part of it is absent",
            hint="download the file and name its path",
        )
    return reading.readers


def _weigh(
    found: Gathered, reading: GgufReading, registry: Registry
) -> tuple[Observation, Classification]:
    observed = observe_tensors(found.index)
    if "hidden_size" not in found.config:
        named = {**reading.parts, **reading.reader.header.tensors}
        denoiser = observe_denoiser(TensorIndex(tensors=named, names=frozenset(named)))
        if denoiser is not None:
            observed, found.kind, found.layout = denoiser.observed, denoiser.kind, denoiser.layout
            found.config = {}  # its architecture is a program's name for the design
    facts = CheckpointFacts(found.config, found.side_files, observed, reading.tokenizer)
    observation = observe(build_fingerprint(facts), registry.generic)
    traits = dict(observation.traits)
    types = reading.design.model_types
    if len(types) > 1 and MODEL_TYPE not in traits:
        # One of these, which one is open: a rule that names any of them fits.
        traits[MODEL_TYPE] = traits[TEXT_MODEL_TYPE] = Trait(types, "gguf")
    if not reading.complete and "rope_scaling" not in found.config:
        # Scaling may be baked into a tensor whose name was not read.
        traits.pop("recipe.rope_type", None)
    observation = replace(observation, traits=traits)
    return observation, classify(observation, registry)


def _read_all(found: Gathered, reading: GgufReading, report: Callable[[str], None]) -> None:
    """Read vocabulary and tensors, and the tensors of further parts."""
    reader = reading.reader
    if not reading.local:
        reader.limit = FULL_LIMIT
    try:
        reader.read_rest()
        whole = True
        for entry in reading.files.files[len(reading.readers) :]:
            part = open_gguf(reading.source, entry)
            part.limit = max(part.limit, FULL_LIMIT)
            reading.readers.append(part)
            reading.parts.update(part.read_rest().tensors)
            if len(reading.parts) > MAX_TENSORS:
                raise HeaderError(
                    f"{entry.name}: the parts have more than {MAX_TENSORS} tensors",
                    hint="no released model has as many; look at the files",
                )
    except HeaderLimitError:
        whole = False
        found.notices.append(
            Notice.model_construct(
                code="header-unread",
                message=f"the header of {reading.files.name} is longer than "
                f"{reader.limit / 1e6:.0f} MB and was read in part",
            )
        )
    reading.ended = True
    reading.complete = whole and not reading.files.missing
    report("reading the tokenizer")
    try:
        vocabulary = read_gguf_vocabulary(_Decoded(reader))
        reading.tokenizer = build_gguf_tokenizer(vocabulary)
        found.keep(vocabulary)
    except TokenizerError as fault:
        found.notices.append(Notice.model_construct(code=fault.code, message=fault.message))
    _interpret(found, reading)


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


def _interpret(found: Gathered, reading: GgufReading) -> None:
    """Put what the header has told so far in place of config.json and safetensors headers."""
    header = reading.reader.header
    tensors = {**reading.parts, **header.tensors}
    tokens = header.metadata.get(_TOKENS)
    count = tokens.count if isinstance(tokens, GgufArray) else len(tokens or ())
    reading.design = read_gguf_design(
        header.metadata, tokens=count or None, tensor_names=frozenset(tensors)
    )
    found.config = _merge(reading.design.config, reading.config)
    if reading.design.chat_template:
        found.side_files["chat_template.jinja"] = reading.design.chat_template
    found.index = translate_tensors(
        tensors,
        reading.design.architecture,
        complete=header.complete and (reading.complete or len(reading.files.files) == 1),
        files=found.plan.shards,
    )
    reading.quantization, reading.conflicts = read_gguf_quantization(
        header.metadata, tensors.values()
    )


def _merge(own: dict[str, Any], beside: dict[str, Any]) -> dict[str, Any]:
    """A whole config.json says more than the header's keys; a stub adds the model_type alone."""
    if any(name in beside for name in ("hidden_size", "text_config", "num_hidden_layers")):
        return beside
    if isinstance(beside.get("model_type"), str):
        return {**own, "model_type": beside["model_type"]}
    return own


def _read_neighbours(found: Gathered, reading: GgufReading) -> None:
    names = [name for name in (CONFIG, *_SIDE) if found.listing.find(name)]
    if not names:
        return
    wave = reading.source.read_wave(names, {}, limit=MAX_SMALL_FILE)
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
                reading.config = table
            else:
                found.side_files[name] = table


def _notice_files(found: Gathered, sets: list[GgufSet], chosen: GgufSet, asked: str | None) -> None:
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
