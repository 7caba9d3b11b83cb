"""Engine files: what one inference engine, compiler or merge tool accepts, as data.

A rule is a conjunction of conditions on facts about a pair (`famtree.interchange.facts`), with an
answer. The operators are those of the family registry. The rules of a question are read in order;
the first that holds answers, and the last one holds always.
"""

from __future__ import annotations

from dataclasses import field
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from famtree.types.comparison import Question, Reply
from famtree.types.family import Condition, entry

GENERAL = "any"
"""Key of the file whose rules hold whatever the engine."""
Version = str
"""Dotted numbers: `0.33.0`."""


@entry
class EngineRule:
    """One rule: when it holds, what the answer is, and which file says so."""

    key: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    """Unique within its question; the rule's full key is `<engine>/<question>.<key>`."""
    question: Question
    when: dict[str, Condition] = field(default_factory=dict)
    """Fact name to condition; empty for the last rule of a question."""
    answer: Reply
    reason: str
    """One line; `{fact.name}` stands for the fact's value."""
    condition: str | None = None
    """What makes a conditional answer a yes: flag, version, other file."""
    since: Version | None = None
    """First version it holds for."""
    until: Version | None = None
    """First version it no longer holds for."""
    source: str
    """File (with lines) or document of the engine it was read from."""
    checked: date | None = None
    """When, where not with the rest of the file."""


@entry
class Support:
    """Which classes (`architectures[0]`) an engine runs, at the file's version."""

    source: str
    architectures: list[str] = field(default_factory=list)
    """Implemented by the engine itself."""
    generic: list[str] = field(default_factory=list)
    """Run only through another library's implementation."""
    removed: dict[str, Version] = field(default_factory=dict)
    """Class to the last version that had it."""
    anything: bool = False
    """The engine has no list of its own: any class of a known kind goes."""


@entry
class QuantizationMethod:
    """One stored form of weights an engine runs."""

    method: str
    """`quantization.method` of a checkpoint."""
    schemes: list[str] = field(default_factory=list)
    """Beginnings of `quantization.scheme`, whatever their case; empty for all."""
    bits: list[float] = field(default_factory=list)
    """Bits a weight; empty for all."""
    weight_type: str | None = None
    """int, float, nf4, ...; None for all."""
    activations: bool | None = None
    """Whether inputs are quantized too; None for both."""
    capability: int | None = None
    """Least CUDA compute capability times ten (H100: 90); None where it is not about CUDA."""
    native: int | None = None
    """Capability from which the hardware computes in this form; below it weights are widened."""
    condition: str | None = None
    """What else is needed: a plug-in, a flag."""
    since: Version | None = None
    until: Version | None = None
    source: str | None = None
    """Where not the section's source."""


@entry
class QuantizationSupport:
    """Every stored form an engine runs; what is absent it does not."""

    source: str
    methods: Annotated[list[QuantizationMethod], Field(alias="method")] = field(
        default_factory=list
    )
    """Read in order: the first that fits counts."""
    others: Literal["no", "unknown"] = "no"
    """Answer for a method that is not listed: `unknown` where the list is not complete."""
    plain: bool = True
    """Weights stored as plain floats run as they are."""


@entry
class CacheSupport:
    """How an engine stores what it keeps of a sequence."""

    source: str
    latent: Literal["packed", "expanded"] = "packed"
    """Whether latent vectors are stored as they are or as the keys and values made of them."""
    windows: Literal["kept", "all"] = "kept"
    """Whether layers with a window keep only its tokens or all."""
    state: str | None = None
    """Type of recurrent states where the config states none; None for that of the weights."""
    types: dict[str, str] = field(default_factory=dict)
    """Type of keys and values to the flag that chooses it."""
    memory_share: Annotated[float | None, Field(gt=0, le=1)] = None
    """Share of a GPU's memory the engine takes by default."""


@entry
class ContextSupport:
    """What an engine does with a context longer than declared."""

    source: str
    refuses: bool
    """Without a further setting it does not start, or cuts."""
    longer: str | None = None
    """Setting that allows it all the same."""
    scaling: str | None = None
    """Setting that gives the model rope scaling its config does not have."""


@entry
class Engine:
    """One file under `data/engines`."""

    schema_: Annotated[Literal["famtree/engine/1"], Field(alias="schema")]
    key: Annotated[str, Field(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$")]
    """The file's name, and what `--engine` takes."""
    name: str
    version: Version
    """Version (or commit) the file was checked at."""
    checked: date
    url: str
    kind: Literal["server", "library", "compiler", "merger", "general"]
    rules: Annotated[list[EngineRule], Field(alias="rule")] = field(default_factory=list)
    support: Support | None = None
    quantization: QuantizationSupport | None = None
    cache: CacheSupport | None = None
    context: ContextSupport | None = None
