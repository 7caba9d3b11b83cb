"""Diffusers pipelines: several models in folders, named in model_index.json.

The denoiser decides what a pipeline is, whatever lies at the root: some repositories put the files
of a text encoder there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from famtree.checkpoint.forms.folder import Folder
from famtree.checkpoint.gathered import MAX_SMALL_FILE, Gathered
from famtree.checkpoint.parts import judge_part
from famtree.errors import ConfigError
from famtree.fingerprints.build import CheckpointFacts, build_fingerprint
from famtree.fingerprints.json_text import decode_object
from famtree.fingerprints.parts import (
    CLASS_NAME,
    INDEX,
    find_denoiser,
    list_parts,
    load_table,
    translate_part,
)
from famtree.matchers.classify import Classification, classify
from famtree.matchers.observation import Observation, observe
from famtree.sources.header_plan import HeaderPlan
from famtree.types.checkpoint import Listing
from famtree.types.identification import Component, Notice

if TYPE_CHECKING:
    from famtree.checkpoint.gathered import OnProgress
    from famtree.fingerprints.vocabulary import Vocabulary
    from famtree.registry.registry import Registry
    from famtree.types.fingerprint import Disagreement
    from famtree.types.quantization import Quantization

_MOST_READ = 8
"""Configs of parts that are read; released pipelines have up to seven models."""
_MOST_NAMED = 12
_CONFIG = "/config.json"


class Pipeline(Folder):
    """A pipeline, which is not one model; what its parts are is told apart."""

    name = "pipeline"

    @classmethod
    def recognises(cls, listing: Listing) -> bool:
        """Return whether model_index.json lies at the root."""
        return listing.find(INDEX) is not None

    def gather(self, listing: Listing, report: Callable[[str], None], *, headers: bool) -> Gathered:
        """Read the index and, where `headers`, the configs of the parts; the denoiser's first.

        Raises FetchError kin. A broken index is a notice: the folders say what they are.
        """
        report("reading the configs of the pipeline")
        found = Gathered(listing, HeaderPlan(), self, kind="pipeline")
        names = [INDEX, *_choose_configs(listing, everything=headers)]
        wave = self.source.read_wave(names, {}, limit=MAX_SMALL_FILE)
        tables: dict[str, dict[str, Any]] = {}
        for name, data in wave.items():
            if not isinstance(data, bytes):
                continue
            try:
                tables[name] = decode_object(data, name)
            except ConfigError as fault:
                told = Notice.model_construct(code="side-file-unreadable", message=fault.message)
                found.notices.append(told)
        index = tables.get(INDEX, {})
        parts = list_parts(index)
        found.parts = {
            role: translate_part(tables.get(f"{role}{_CONFIG}", {}), name)
            for role, name in parts.items()
        }
        denoiser = find_denoiser(parts)
        found.config = dict(found.parts[denoiser]) if denoiser is not None else {}
        if isinstance(origin := index.get("_name_or_path"), str):
            found.config["_name_or_path"] = origin
        found.explanation = describe_pipeline(index, parts, denoiser)
        return found

    def weigh(
        self,
        found: Gathered,
        registry: Registry,
        on_progress: OnProgress | None,
        *,
        briefly: bool,
    ) -> tuple[Observation, Classification]:
        """Classify the denoiser, and what else is a model on record."""
        del on_progress
        if not briefly:
            found.components = [
                _name_part(role, config, registry) for role, config in found.parts.items()
            ][:_MOST_NAMED]
        return _weigh(found.config, registry)

    def read_quantization(self, found: Gathered) -> tuple[Quantization | None, list[Disagreement]]:
        """Return None: parts are quantized each by itself."""
        del found
        return None, []

    def list_tokens(self, found: Gathered) -> Vocabulary | None:
        """Return None: encoders have vocabularies of their own."""
        del found
        return None

    def holds_vocabulary(self, found: Gathered) -> bool:
        """Return True: what is absent of a pipeline is not looked for."""
        del found
        return True

    def describe_unread(self, first: str) -> str:
        """Return why weights told nothing."""
        del first
        return "a pipeline is told by its configs"


def _weigh(config: dict[str, Any], registry: Registry) -> tuple[Observation, Classification]:
    observation = observe(build_fingerprint(CheckpointFacts(config)), registry.generic)
    return observation, judge_part(config, classify(observation, registry), registry)


def _choose_configs(listing: Listing, *, everything: bool) -> list[str]:
    """Return the configs of parts, the denoiser's first."""
    known: list[str] = load_table()["denoisers"]
    names = [
        entry.name
        for entry in listing.files
        if entry.name.count("/") == 1 and entry.name.endswith(_CONFIG)
    ]

    def rank(name: str) -> tuple[int, str]:
        role = name.removesuffix(_CONFIG)
        return (known.index(role) if role in known else len(known), role)

    return sorted(names, key=rank)[: _MOST_READ if everything else 1]


def _name_part(role: str, config: dict[str, Any], registry: Registry) -> Component:
    """Return a part with its family where its own config settles one."""
    result = _weigh(config, registry)[1] if len(config) > 1 else None
    settled = result if result is not None and result.outcome == "identified" else None
    return Component.model_construct(
        role=role,
        family=settled.family.key if settled is not None and settled.family else None,
        generation=settled.generation.key if settled is not None and settled.generation else None,
    )


def describe_pipeline(index: dict[str, Any], parts: dict[str, str], denoiser: str | None) -> str:
    """Return one sentence about a pipeline: its class, its denoiser and its text encoders."""
    class_name = index.get(CLASS_NAME)
    kind = class_name[:80] if isinstance(class_name, str) else "of an unnamed class"
    told = f"a diffusers pipeline ({kind}) of several models"
    if denoiser is not None:
        told += f", decided by its {denoiser} ({parts[denoiser][:80]})"
    encoders = [f"{role} ({name})" for role, name in parts.items() if "text_encoder" in role]
    return f"{told}; its text encoders: {', '.join(encoders)[:300]}" if encoders else told
