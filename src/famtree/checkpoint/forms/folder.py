"""A folder in transformers' terms: config.json, side files, tokenizer files, and weight files.

All is read in one listing and one wave of small files and header prefixes; a vocabulary of many
megabytes before the answer where that is cheap, after it where it could change it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from famtree.checkpoint.claims import MERGE_FILES
from famtree.checkpoint.forms.form import FileForm
from famtree.checkpoint.gathered import CONFIG, MAX_SMALL_FILE, Gathered, OnProgress
from famtree.checkpoint.parts import judge_part
from famtree.checkpoint.settled import could_change_answer
from famtree.checkpoint.vocabulary import (
    MAX_LOCAL,
    find_unread,
    first_look,
    list_folder_tokens,
    read_vocabulary,
    warn_of_unread,
)
from famtree.errors import AccessError, ConfigError, TokenizerError
from famtree.fingerprints.build import CheckpointFacts, build_fingerprint
from famtree.fingerprints.denoiser_tensors import observe_denoiser
from famtree.fingerprints.json_text import decode_object
from famtree.fingerprints.parts import INDEX, is_part, translate_part
from famtree.fingerprints.quantization import read_quantization
from famtree.fingerprints.tensors import observe_tensors
from famtree.fingerprints.tokenizer import choose_vocabulary_files
from famtree.matchers.classify import Classification, classify
from famtree.matchers.observation import Observation, observe
from famtree.sources.header_plan import has_index, plan_headers
from famtree.sources.tensor_index import MAX_INDEX_BYTES, read_tensor_index
from famtree.types.checkpoint import Listing, Missing
from famtree.types.identification import Notice

if TYPE_CHECKING:
    from famtree.fingerprints.vocabulary import Vocabulary
    from famtree.registry.registry import Registry
    from famtree.types.fingerprint import Disagreement, Tokenizer
    from famtree.types.quantization import Quantization

MAX_SIDE_VALUES = 400_000
"""Tables, lists and a quarter of the keys of all small files beside config.json, and one for every
64 bytes, counted before they are decoded: such a value takes some hundred bytes of memory."""

_SMALL_FILES = (
    CONFIG,
    "generation_config.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "quantize_config.json",
    "quant_config.json",
    "hf_quant_config.json",
    "quanto_qmap.json",
    "adapter_config.json",
    *MERGE_FILES,
)
_FALLBACK_FILES = {"tokenizer_config.json": ("special_tokens_map.json", "added_tokens.json")}
"""Read only where the file that repeats their content is absent."""
_TEMPLATE_FALLBACK = "chat_template.json"


class Folder(FileForm):
    """What the forms of transformers' folders have in common; they differ in their weight files."""

    def gather(self, listing: Listing, report: Callable[[str], None], *, headers: bool) -> Gathered:
        """Read small files and, if told to, headers.

        Raises FetchError kin when nothing could be fetched, ConfigError for a broken config.json
        and HeaderError for a broken header. A broken side file is a notice: it could only add
        detail.
        """
        source = self.source
        local = source.near
        plan = plan_headers(listing, everything=local)
        names = choose_small_files(listing)
        if not headers:
            plan = replace(plan, prefixes={}, index=None)
        report("reading config and headers")
        # Over a network all comes in one wave; on a disk an index may be longer than small files.
        index = [plan.index] if plan.index is not None else []
        wave = source.read_wave(
            names if local else [*names, *index], plan.prefixes, limit=MAX_SMALL_FILE
        )
        if local and index:
            wave |= source.read_wave(index, {}, limit=MAX_INDEX_BYTES)
        found = Gathered(listing, plan, self)
        left, broken = MAX_SIDE_VALUES, None
        for name in names:
            data = wave.get(name)
            if isinstance(data, bytes) and name != CONFIG:
                left -= data.count(b"{") + data.count(b"[") + data.count(b":") // 4
                left -= len(data) // 64
            if isinstance(data, bytes) and left < 0:
                message = f"{name} was not read: the small files hold too many values together"
                _note(found, "side-file-unreadable", message)
            elif isinstance(data, bytes):
                try:
                    _decode(found, name, data)
                except ConfigError as fault:
                    broken = fault
            elif isinstance(data, Missing) and name == CONFIG:
                _note(found, "config-unread", f"{CONFIG} was not read: {data.reason}")
        if broken is not None:
            if not self.does_without(found):
                raise broken
            _note(found, "config-unread", broken.message)
        found.index, found.plan, notices = read_tensor_index(source, listing, plan, wave)
        found.notices += [
            Notice.model_construct(code=code, message=message) for code, message in notices
        ]
        unserved = all(isinstance(data, Missing) for data in wave.values())
        if listing.gated and unserved and (wave or not listing.files):
            raise AccessError(
                "the repository is gated and none of its files may be read",
                hint="accept its terms on its page and log in with `hf auth login`",
            )
        if is_part(found.config) or self._lies_in_pipeline():
            found.kind = "component"
            found.config = translate_part(found.config)
        elif "model_type" not in found.config and not self.is_adapter(found):
            from famtree.checkpoint.forms.stand_ins import look_closer

            look_closer(source, found)
            if self.name == "config-only" and not (found.config or found.explanation):
                found.kind = "vocabulary" if self.holds_vocabulary(found) else "model"
        return found

    def _lies_in_pipeline(self) -> bool:
        """Return whether the folder lies in that of a pipeline; nothing there is opened."""
        path = self.source.ref.path
        return path is not None and (Path(path).absolute().parent / INDEX).is_file()

    def does_without(self, found: Gathered) -> bool:
        """Return whether the other files tell what a broken config.json does not."""
        del found
        return False

    def weigh(
        self,
        found: Gathered,
        registry: Registry,
        on_progress: OnProgress | None,
        *,
        briefly: bool,
    ) -> tuple[Observation, Classification]:
        """Classify; read the vocabulary before where that is cheap, after where it is needed."""
        local = self.source.near
        observed = observe_tensors(found.index)
        denoiser = None if found.config else observe_denoiser(found.index)
        if denoiser is not None:
            observed, found.kind = denoiser.observed, denoiser.kind
            found.layout = denoiser.layout

        def weigh(tokenizer: Tokenizer | None) -> tuple[Observation, Classification]:
            facts = CheckpointFacts(found.config, found.side_files, observed, tokenizer)
            observation = observe(build_fingerprint(facts), registry.generic)
            result = classify(observation, registry)
            return observation, judge_part(found.config, result, registry) if is_part(
                found.config
            ) else result

        def read(chosen: tuple[str, ...], otherwise: Tokenizer | None) -> Tokenizer | None:
            if on_progress is not None:
                on_progress("reading the tokenizer")
            try:
                return read_vocabulary(self.source, found, chosen, registry)
            except TokenizerError as fault:
                found.notices.append(Notice.model_construct(code=fault.code, message=fault.message))
                return otherwise

        tokenizer = first_look(found, registry, local=local and not briefly)
        if briefly:
            return weigh(tokenizer)
        unread = find_unread(found, tokenizer)
        if unread.files and unread.cheap(local=local):
            return weigh(read(unread.files, tokenizer))
        answer = weigh(tokenizer)
        if unread.files and could_change_answer(answer[1]):
            return weigh(read(unread.files, tokenizer))
        if local and unread.size > MAX_LOCAL:
            found.notices.append(warn_of_unread(found))
        return answer

    def read_quantization(self, found: Gathered) -> tuple[Quantization | None, list[Disagreement]]:
        """Return what config, side files and tensors say."""
        return read_quantization(found.config, found.side_files, found.index)

    def list_tokens(self, found: Gathered) -> Vocabulary | None:
        """Read the vocabulary files whole."""
        return list_folder_tokens(self.source, found)

    def holds_vocabulary(self, found: Gathered) -> bool:
        """Return whether the listing has vocabulary files."""
        return bool(choose_vocabulary_files(entry.name for entry in found.listing.files))


class IndexOnly(Folder):
    """An index without the shards it names."""

    name = "index-only"

    @classmethod
    def recognises(cls, listing: Listing) -> bool:
        """Return whether an index lies at the root."""
        return has_index(listing)


class ConfigOnly(Folder):
    """No weight files at all, as far as famtree knows their names."""

    name = "config-only"

    @classmethod
    def recognises(cls, listing: Listing) -> bool:
        """Return True: what is nothing else is this."""
        del listing
        return True


def choose_small_files(listing: Listing) -> list[str]:
    """Return the small files to read, the fewest that say everything."""
    present = {entry.name for entry in listing.files}
    names = [name for name in _SMALL_FILES if name in present]
    for name, fallbacks in _FALLBACK_FILES.items():
        if name not in present:
            names += [fallback for fallback in fallbacks if fallback in present]
    if "chat_template.jinja" not in present and _TEMPLATE_FALLBACK in present:
        names.append(_TEMPLATE_FALLBACK)
    return names


def _decode(found: Gathered, name: str, data: bytes) -> None:
    if name == CONFIG:
        found.config = decode_object(data, name)
        return
    found.raw[name] = data
    if name.endswith((".jinja", ".yml", ".yaml")):
        found.side_files[name] = data.decode("utf-8", "replace")
        return
    try:
        found.side_files[name] = decode_object(data, name)
    except ConfigError as fault:
        del found.raw[name]
        _note(found, "side-file-unreadable", fault.message)


def _note(found: Gathered, code: str, message: str) -> None:
    found.notices.append(Notice.model_construct(code=code, message=message))
