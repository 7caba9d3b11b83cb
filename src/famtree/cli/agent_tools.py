"""The questions that agents may ask: each the function behind a command, and its arguments."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, TypeVar

from pydantic import Field, ValidationError

from famtree import api
from famtree.cli.compare import MOST_REFERENCES
from famtree.cli.options import DEEPEST
from famtree.errors import UsageError
from famtree.formats.table import render
from famtree.interchange.side import Plan
from famtree.policy.expectation import find_asked
from famtree.policy.fault_words import guess
from famtree.registry.places import load_places
from famtree.types import units
from famtree.types.depth import DEPTH
from famtree.types.model import FrozenModel

LONGEST = 4096
"""Characters of one argument, as of a reference in a policy."""
T = TypeVar("T")


class Bounds(NamedTuple):
    """What whoever started the server allows every question."""

    timeout: float
    """Seconds of fetching."""
    offline: bool = False
    registry: tuple[str, ...] = ()


class AgentAnswer(NamedTuple):
    """A document as the command prints it."""

    text: str
    document: dict[str, Any] | None
    """Plain data; None where a text was asked for."""


class Question(FrozenModel):
    """What every question may say."""

    format: Literal["json", "text", "markdown"] = Field(
        "json", description="The JSON document, or a report to be read."
    )


class AskedCheckpoint(Question):
    """What questions about checkpoints may say."""

    offline: bool = Field(False, description="Use only what is on this machine already.")
    timeout: float | None = Field(
        None, ge=0.001, description="Seconds of fetching; never more than the server allows."
    )


REFERENCE = Field(
    min_length=1,
    max_length=LONGEST,
    description="org/name[@revision], hf://org/name/file.gguf, an address of the Hub, a folder or "
    "a weight file.",
)
REVISION = Field(None, max_length=LONGEST, description="Branch, tag or commit on the Hub.")
VERIFY = Field(False, description="May read weight bytes, by ranges, to prove claims; slower.")
Word = str | int | float


class AskedIdentity(AskedCheckpoint):
    """Arguments of `identify`."""

    reference: str = REFERENCE
    revision: str | None = REVISION
    verify: bool = VERIFY


class AskedLineage(AskedIdentity):
    """Arguments of `lineage`."""

    depth: int = Field(DEPTH, ge=1, le=DEEPEST, description="Generations to go up.")
    children: bool = Field(False, description="Also what was made from it, from the Hub.")


class AskedPlan(AskedCheckpoint):
    """What is to be run, in `compare` and `fit`."""

    engines: list[str] = Field(
        [], max_length=64, description="Only these, as vllm or vllm@0.33; all by default."
    )
    context: Word | None = Field(None, description="Tokens a sequence has to fit: 32768, 32k.")
    batch: Word | None = Field(None, description="Sequences at once.")
    gpu_memory: Word | None = Field(
        None, description="Memory of an accelerator: 24 (GB), 24GB or 24GiB."
    )
    gpu_capability: Word | None = Field(None, description="CUDA compute capability: 9.0, sm_90.")
    kv_cache_type: str | None = Field(
        None, max_length=LONGEST, description="Type of keys and values: bf16, fp8, q8_0, ..."
    )

    def make_plan(self) -> Plan:
        """Return the plan. Raises UsageError for what is no such unit."""
        return Plan(
            context=_read(units.read_tokens, self.context),
            batch=_read(units.read_count, self.batch),
            gpu_memory=_read(units.read_memory, self.gpu_memory),
            capability=_read(units.read_capability, self.gpu_capability),
            cache_type=_read(units.read_cache_type, self.kv_cache_type),
        )


class AskedComparison(AskedPlan):
    """Arguments of `compare`."""

    references: list[str] = Field(
        min_length=2,
        max_length=MOST_REFERENCES,
        description="A and B, each as the reference of identify: may B stand in for A? With more, "
        "every two.",
    )
    verify: bool = VERIFY


class AskedFit(AskedPlan):
    """Arguments of `fit`."""

    reference: str = REFERENCE
    revision: str | None = REVISION
    gpu: str | None = Field(
        None, max_length=LONGEST, description="Where it is to run: L4, H100:8, MI300X, cpu, ..."
    )
    tensor_parallel: int | None = Field(
        None, ge=1, le=4096, description="Accelerators that share one copy."
    )


class AskedFamilies(Question):
    """Arguments of `families`."""

    key: str | None = Field(
        None, max_length=LONGEST, description="FAMILY or FAMILY/GENERATION; all in short without."
    )


def _read(parse: Callable[[str], T], value: Word | None) -> T | None:
    return None if value is None else parse(str(value)[:LONGEST])


def _limit(asked: AskedCheckpoint, bounds: Bounds) -> dict[str, Any]:
    wanted = bounds.timeout if asked.timeout is None else min(asked.timeout, bounds.timeout)
    offline = asked.offline or bounds.offline
    return {"timeout": wanted, "offline": offline, "registry": bounds.registry}


def _identify(asked: AskedIdentity, bounds: Bounds) -> tuple[str, Any]:
    return "identification", api.identify(
        asked.reference, revision=asked.revision, verify=asked.verify, **_limit(asked, bounds)
    )


def _trace(asked: AskedLineage, bounds: Bounds) -> tuple[str, Any]:
    return "lineage", api.lineage(
        asked.reference,
        revision=asked.revision,
        verify=asked.verify,
        depth=asked.depth,
        children=asked.children,
        **_limit(asked, bounds),
    )


def _compare(asked: AskedComparison, bounds: Bounds) -> tuple[str, Any]:
    found = api.compare_all(
        asked.references,
        engines=asked.engines,
        plan=asked.make_plan(),
        verify=asked.verify,
        **_limit(asked, bounds),
    )
    if len(found.comparisons) == 1:
        return "comparison", found.comparisons[0]
    return "comparison matrix", found


def _fit(asked: AskedFit, bounds: Bounds) -> tuple[str, Any]:
    return "fit", api.fit(
        asked.reference,
        engines=asked.engines,
        gpu=asked.gpu,
        plan=asked.make_plan(),
        tensor_parallel=asked.tensor_parallel,
        revision=asked.revision,
        **_limit(asked, bounds),
    )


def _show_families(asked: AskedFamilies, bounds: Bounds) -> tuple[str, Any]:
    known = load_places(bounds.registry)
    if asked.key is None:
        return "families", known.families
    return "family", find_asked(asked.key, known)


class AgentTool(NamedTuple):
    """One question."""

    about: str
    arguments: type[Question]
    ask: Callable[[Any, Bounds], tuple[str, Any]]
    """(arguments, bounds) -> kind and document."""


TOOLS = {
    "identify": AgentTool(
        "Which family, generation and size a model checkpoint is, from which parents, on what "
        "evidence. 'unknown' and 'ambiguous' are answers.",
        AskedIdentity,
        _identify,
    ),
    "compare": AgentTool(
        "How model checkpoints are related, and whether B can stand in for A: serving, adapters, "
        "drafting, caches, tokenizer, memory, engine by engine.",
        AskedComparison,
        _compare,
    ),
    "lineage": AgentTool(
        "The ancestry graph of a model checkpoint: every known ancestor, with a status on each "
        "link (verified, consistent, declared, inferred, unresolved, contradicted).",
        AskedLineage,
        _trace,
    ),
    "fit": AgentTool(
        "Which engines can serve a model checkpoint on given accelerators, in how much memory.",
        AskedFit,
        _fit,
    ),
    "families": AgentTool(
        "The families of models that are known, or one of them in full.",
        AskedFamilies,
        _show_families,
    ),
}
"""By name; each prints what the command of that name prints."""


def answer(name: str, arguments: Mapping[str, Any], bounds: Bounds) -> AgentAnswer:
    """Answer one question. Raises FamtreeError kin, UsageError for arguments that mean nothing."""
    if name not in TOOLS:
        raise UsageError(f"no tool {name[:LONGEST]!r}", hint=f"there are {', '.join(TOOLS)}")
    tool = TOOLS[name]
    try:
        asked = tool.arguments.model_validate(dict(arguments))
    except ValidationError as fault:
        raise _tell(name, tool, fault) from fault
    kind, document = tool.ask(asked, bounds)
    text = render(kind, document, asked.format)
    return AgentAnswer(text, json.loads(text) if asked.format == "json" else None)


def _tell(name: str, tool: AgentTool, fault: ValidationError) -> UsageError:
    known = list(tool.arguments.model_fields)
    told = []
    for one in fault.errors(include_url=False)[:8]:
        place = ".".join(map(str, one["loc"]))[:200] or "arguments"
        if one["type"] == "extra_forbidden":
            told.append(f"{place}: no such argument{guess(place, known)}")
        elif one["type"] == "missing":
            told.append(f"{place}: is missing")
        else:
            told.append(f"{place}: {one['msg'][:200].lower()}")
    return UsageError(f"{name}: {'; '.join(told)}", hint=f"arguments are {', '.join(known)}")
