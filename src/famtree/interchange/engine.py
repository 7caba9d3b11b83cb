"""Engine files: what one inference engine, compiler or merge tool accepts, as data.

A rule is a conjunction of conditions on facts about a pair (`famtree.interchange.facts`), with an
answer. The operators are those of the family registry. The rules of a question are read in order;
the first that holds answers, and the last one holds always.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from msgspec import field
from pydantic import Field

from famtree.types.comparison import Question, Reply
from famtree.types.family import Condition, RegistryEntry

GENERAL = "any"
"""Key of the file whose rules hold whatever the engine."""
Version = str
"""Dotted numbers: `0.33.0`."""


class EngineRule(RegistryEntry, frozen=True, kw_only=True):
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
    facts: list[str] = field(default_factory=list)
    """Facts of the engine's source it leans on; another hash than the one looked at leaves it
    unchecked."""
    unchecked: list[str] = field(default_factory=list)
    """Of these, the ones whose definition has changed since a person looked at it; found while
    loading, never written."""
    checked: date | None = None
    """When, where not with the rest of the file."""


class Support(RegistryEntry, frozen=True, kw_only=True):
    """Which classes (`architectures[0]`) an engine runs, at the file's version."""

    source: str
    architectures: list[str] = field(default_factory=list)
    """Implemented by the engine itself."""
    generic: list[str] = field(default_factory=list)
    """Run only through another library's implementation."""
    removed: dict[str, Version] = field(default_factory=dict)
    """Class to the last version that had it."""
    model_types: list[str] = field(default_factory=list)
    """`model_type` words it goes by, where it is these and not the class that choose."""
    lora: list[str] | None = None
    """Classes that take LoRA adapters; None where all do, or it is not known."""
    eagle3: list[str] | None = None
    """Classes that hand out what an EAGLE-3 head reads; None where all do, or it is not known."""
    experts_3d: list[str] | None = None
    """Classes whose adapters name whole stacks of experts, not experts one by one."""
    towers: list[str] | None = None
    """Classes that take adapters of their image or audio towers; None where it is not known."""
    stateful: list[str] | None = None
    """Classes that cannot go back to an earlier token; None where it does not matter."""


class QuantizationMethod(RegistryEntry, frozen=True, kw_only=True):
    """One stored form of weights an engine runs, or refuses."""

    method: str
    """`quantization.method` of a checkpoint."""
    schemes: list[str] = field(default_factory=list)
    """Beginnings of `quantization.scheme`, whatever their case; empty for all."""
    when: dict[str, Condition] = field(default_factory=dict)
    """Fact of the stored form (`famtree.interchange.stored_form`) to condition; empty for all."""
    refused: str | None = None
    """Why the engine does not load this form; None where it runs it."""
    capability: int | None = None
    """Least CUDA compute capability times ten (H100: 90); None where it is not about CUDA."""
    highest: int | None = None
    """Highest capability that has the kernels."""
    only: list[int] = field(default_factory=list)
    """The capabilities that have the kernels, where they are no range."""
    native: int | None = None
    """Capability from which the hardware computes in this form; below it weights are widened."""
    condition: str | None = None
    """What else is needed: a plug-in, a flag."""
    note: str | None = None
    """What to know all the same: widened weights, a method that is to go."""
    since: Version | None = None
    until: Version | None = None
    source: str | None = None
    """Where not the section's source."""
    facts: list[str] = field(default_factory=list)
    """As of a rule."""
    unchecked: list[str] = field(default_factory=list)


class QuantizationSupport(RegistryEntry, frozen=True, kw_only=True):
    """Every stored form an engine runs; what is absent it does not."""

    source: str
    methods: list[QuantizationMethod] = field(default_factory=list, name="method")
    """Read in order: the first that fits counts."""
    others: Literal["no", "unknown"] = "no"
    """Answer for a method that is not listed: `unknown` where the list is not complete."""
    plain: bool = True
    """Weights stored as plain floats run as they are."""


class StepSize(RegistryEntry, frozen=True, kw_only=True):
    """Tokens of all sequences that one step of a server takes, by the memory of the GPU."""

    memory: float = 0.0
    """From so many GiB on."""
    tokens: Annotated[int, Field(gt=0)]
    excepted: list[str] = field(default_factory=list)
    """Beginnings of the names of GPUs that keep to the step size before."""


class AdapterSupport(RegistryEntry, frozen=True, kw_only=True):
    """Which LoRA adapters an engine takes, where lists say more than rules."""

    source: str
    ranks: list[int] = field(default_factory=list)
    """Values its limit may have; empty where any number goes."""
    initial: list[str] | None = None
    """Words of `init_lora_weights` it takes; None where it does not look at them."""
    harmless: dict[str, str] = field(default_factory=dict)
    """Fields of PEFT's LoraConfig that no rule asks about, each with the reason."""


class CacheSupport(RegistryEntry, frozen=True, kw_only=True):
    """How an engine stores what it keeps of a sequence."""

    source: str
    latent: Literal["packed", "expanded"] = "packed"
    """Whether latent vectors are stored as they are or as the keys and values made of them."""
    windows: Literal["kept", "all"] = "kept"
    """Whether layers with a window keep only its tokens or all."""
    state: str | None = None
    """Type of recurrent states where the config states none; None for that of the weights."""
    config_state: bool = True
    """Whether the type of states that a config states counts."""
    states: dict[str, str] = field(default_factory=dict)
    """Kind of recurrence (`data/caches.json`) or class to the type of states, before `state`."""
    convolution: str | None = None
    """Type of the inputs that convolutions keep; None for that of the weights."""
    types: dict[str, str] = field(default_factory=dict)
    """Type of keys and values to the flag that chooses it."""
    cells: dict[str, float] = field(default_factory=dict)
    """Bytes of a number of a type, where they are others than `CELL_BYTES` says."""
    follows: list[str] = field(default_factory=list)
    """Methods of quantization whose declared type of the cache is taken without a flag."""
    defaults: dict[str, str] = field(default_factory=dict)
    """Class to the type of keys and values that it has without a flag."""
    least: dict[str, int] = field(default_factory=dict)
    """Type to the least CUDA compute capability times ten that has kernels for it."""
    elsewhere: dict[str, list[str]] = field(default_factory=dict)
    """Vendor other than NVIDIA to the types with a flag that it has there, where that was read."""
    mixed: bool = False
    """8-bit latents of sparse attention have scales and a 16-bit rotary part."""
    steps: list[StepSize] = field(default_factory=list, name="step")
    """Step sizes, least memory first; empty where they do not matter for what is admitted."""
    steps_at_once: int = 1
    """Steps whose tokens may be under way together; windows are held for all of them."""
    window_padding: Annotated[int, Field(gt=0)] = 1
    """What the tokens that windows are held for are padded to a multiple of."""
    memory_share: Annotated[float | None, Field(gt=0, le=1)] = None
    """Share of a GPU's memory the engine takes by default."""
    memory_reserve: Annotated[int | None, Field(ge=0)] = None
    """Bytes of a GPU's memory it leaves free by default, where that is no share."""


class Hardware(RegistryEntry, frozen=True, kw_only=True):
    """On which hardware an engine runs at all."""

    source: str
    least: int | None = None
    """Least CUDA compute capability times ten of what it ships; None where any does."""
    bf16: int | None = None
    """Capability below which it takes no bfloat16."""
    half: str | None = None
    """Setting that makes it float16 there."""
    no_half: dict[str, str] = field(default_factory=dict)
    """`model_type` that is not run in float16, to the reason: it becomes float32 instead."""
    vendors: dict[str, str] = field(default_factory=dict)
    """Vendor to the build or plug-in it takes there, empty for none; it runs on no other."""
    methods: dict[str, list[str]] = field(default_factory=dict)
    """Vendor other than NVIDIA to the stored forms it has there, where such a list was read."""


class HeldForm(RegistryEntry, frozen=True, kw_only=True):
    """A stored form that the engine holds in another width."""

    method: str
    """`quantization.method` of a checkpoint."""
    schemes: list[str] = field(default_factory=list)
    """Beginnings of `quantization.scheme`, whatever their case; empty for all."""
    when: dict[str, Condition] = field(default_factory=dict)
    """As of a `QuantizationMethod`; what was not seen is taken to be widened."""
    bits: Annotated[float, Field(gt=0, le=64)]
    """Bits a weight once loaded."""
    below: int | None = None
    """Only below this capability times ten; None on every device."""
    source: str


class Towers(RegistryEntry, frozen=True, kw_only=True):
    """Which image towers are cut among accelerators as the language tower is."""

    source: str
    split: list[str]
    """Classes that deal out the heads of the tower, and stop where that leaves a rest."""
    whole: list[str] = field(default_factory=list)
    """Classes that keep the tower whole on every accelerator when `option` says so."""
    option: str


class Holding(RegistryEntry, frozen=True, kw_only=True):
    """How an engine holds the weights it has loaded."""

    source: str
    floats: Annotated[int | None, Field(gt=0, le=64)] = None
    """Bits of a weight that is stored in 32; None where it stays as stored."""
    forms: list[HeldForm] = field(default_factory=list, name="form")
    """Forms that are widened; all others are held as stored, repacked at most."""
    sharding: Literal["tensor", "layers", "none"] | None = None
    """How several accelerators share one model: each matrix is cut, layers are dealt out, or not
    at all; None where that was not looked at."""
    blocks: bool = False
    """Cut matrices have to be whole blocks of FP8 experts."""
    vocabulary: Annotated[int, Field(gt=0)] | None = None
    """What rows are padded to a multiple of, before they are cut; None where any number goes."""
    towers: Towers | None = None
    """None where image towers stay whole, or it was not looked at."""


class ContextSupport(RegistryEntry, frozen=True, kw_only=True):
    """What an engine does with a context longer than declared."""

    source: str
    refuses: bool
    """Without a further setting it does not start, or cuts."""
    longer: str | None = None
    """Setting that allows it all the same."""
    scaling: str | None = None
    """Setting that gives the model rope scaling its config does not have."""


class Engine(RegistryEntry, frozen=True, kw_only=True):
    """One file under `data/engines`."""

    schema_: Literal["famtree/engine/1"] = field(name="schema")
    key: Annotated[str, Field(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$")]
    """The file's name, and what `--engine` takes."""
    name: str
    version: Version
    """Version (or commit) the file was checked at."""
    checked: date
    url: str
    kind: Literal["server", "library", "compiler", "merger", "general"]
    ended: str | None = None
    """When its maintenance ended, as far as is known: `2025-12`."""
    instead: str | None = None
    """What its makers, or its users, went to."""
    rules: list[EngineRule] = field(default_factory=list, name="rule")
    support: Support | None = None
    quantization: QuantizationSupport | None = None
    adapters: AdapterSupport | None = None
    cache: CacheSupport | None = None
    holding: Holding | None = None
    hardware: Hardware | None = None
    context: ContextSupport | None = None
