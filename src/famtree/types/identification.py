"""The answer of `famtree identify`: document `famtree/identification/1`."""

from typing import Any, Literal

from pydantic import Field

from famtree.types.adapter import Adapter
from famtree.types.checkpoint import CheckpointFormat, SourceKind
from famtree.types.fingerprint import Fingerprint
from famtree.types.model import FrozenModel, dump
from famtree.types.quantization import Quantization
from famtree.types.shown import Shown
from famtree.types.weight_facts import DirectionHint, ProofDraw, ReDerived

Outcome = Literal["identified", "ambiguous", "unknown"]
Variant = Literal[
    "base",
    "instruct",
    "chat",
    "code",
    "math",
    "reasoning",
    "vision",
    "embedding",
    "reward",
    "other",
]
Kind = Literal["model", "adapter", "draft-head", "pipeline", "component", "vocabulary"]
"""model: a network that answers by itself. adapter: what is added to a base. draft-head: layers
that guess the next tokens of a target. pipeline: several models that work together, as diffusers
saves them. component: one part of such a whole. vocabulary: tokens without weights."""
UnknownReason = Literal["unregistered", "not-judged", "contradictory"]
"""unregistered: nobody on record has this design. not-judged: the files do not suffice to judge.
contradictory: they show traits that no design on record has together."""
LinkStatus = Literal["verified", "consistent", "declared", "inferred", "unresolved", "contradicted"]
"""From the best to the worst; every order of links is this one."""
LinkRelation = Literal[
    "copy",
    "finetune",
    "continued-pretrain",
    "adapter",
    "quantized",
    "converted",
    "merge",
    "distill",
    "pruned",
    "upscaled",
    "upcycled",
    "unknown",
]


class CheckpointSummary(FrozenModel):
    """What was asked about."""

    ref: str
    source: SourceKind
    revision: str | None = None
    format: CheckpointFormat
    weights_read: bool = False
    files: int | None = None
    """Weight files of the one model that is described; None where none is listed."""
    bytes: int | None = None
    """Their listed sizes together; None where one of them is not told or absent."""


class FamilyName(FrozenModel):
    """A family, by the taxonomy's key."""

    key: str
    name: str
    maker: str


class GenerationName(FrozenModel):
    """A generation, by the taxonomy's key."""

    key: str
    name: str


class Target(FrozenModel):
    """The model that a draft head guesses for, or that an adapter is added to."""

    family: str | None = None
    generation: str | None = None
    hidden_size: int | None = None
    """Width of the states that it hands over."""
    vocab_rows: int | None = None
    """Rows of its vocabulary."""
    name: str | None = None
    """Whose it is, as people call it."""
    layout: str | None = None
    """Method of a draft head (`eagle-3`, `medusa`, ...) or adapter (`lora`, ...); of an image
    model's adapter whose names its tensors have (`kohya`, `diffusers`, ...)."""


class Component(FrozenModel):
    """One part of a checkpoint that has a design of its own."""

    role: str
    """As the files call it: `transformer`, `text_encoder`, `vae`, `vision tower`, ..."""
    family: str | None = None
    generation: str | None = None
    name: str | None = None
    """Whose design it is, as people call it."""


class Candidate(FrozenModel):
    """One possible answer and its share of belief."""

    family: str
    generation: str | None
    name: str | None = None
    """As people call the generation."""
    score: float
    """Posterior share, 0..1."""
    decided_by: str
    """The matcher that spoke: exact, rules, similarity, declared."""


class Evidence(FrozenModel):
    """One observation for or against the answer."""

    signal: str
    """Dotted trait name, e.g. `recipe.rope_theta`."""
    source: str
    """Where it was seen: header, config, tokenizer, default, listing, card, name."""
    expected: str
    seen: str
    supports: bool
    weight: float
    """Log-likelihood ratio against the background, in nats; negative speaks against."""


class Notice(FrozenModel):
    """Something the user should know, with a stable code."""

    code: str
    message: str
    expected: str | None = None
    """What one of the checkpoint's files demands, where two of them contradict each other."""
    seen: str | None = None
    """What another one shows."""


class Unchecked(FrozenModel):
    """A part that was not read over the network, and the warnings that reading it could give."""

    part: Literal["index", "headers", "tokenizer"]
    reason: str
    codes: list[str]


class ChainStep(FrozenModel):
    """One link of the lineage chain, child to parent."""

    child: str
    parent: str
    relation: LinkRelation
    status: LinkStatus
    confidence: float
    role: str | None = None
    """The part of a composition that the parent became: `language model`, `vision tower`, ..."""
    evidence: list[Evidence] = Field(default_factory=list)


class WeightProof(FrozenModel):
    """What weight bytes say about one link; all of it with `compare --verify`."""

    child: str
    parent: str
    verdict: str
    """same-weights, derived, partial, shared-init, independent or undetermined."""
    reason: str
    z: float | None = None
    p_value: float | None = None
    log10_p: float | None = None
    cosine: float | None = None
    bytes_planned: int = 0
    """Weight bytes the samples of both sides take; cached ones are not fetched again."""
    bytes_read: int = 0
    bytes_hashed: int = 0
    """Bytes of weight files of this machine that were hashed for the draw."""
    changed: list[str] | None = None
    """Parts in which a difference was seen (embeddings, head, norms, experts, layers, other); null
    where none were looked at."""
    direction: DirectionHint | None = None
    operation: str | None = None
    """What the difference shows was done, where that was asked."""
    draw: ProofDraw | None = None
    re_derived: ReDerived | None = None
    unread: list[str] = Field(default_factory=list)
    """Parts that could not be read, and why."""


class Relative(FrozenModel):
    """A checkpoint of an atlas that is like this one: a candidate, not an answer."""

    ref: str
    basis: Literal["hash", "weights", "signature"]
    """hash: the atlas lists the same weight files. weights: samples depend on each other.
    signature: no more than an equal design or vocabulary, which is never descent."""
    reason: str
    family: str | None = None
    generation: str | None = None
    created_at: str | None = None
    z: float | None = None
    log10_p: float | None = None
    cosine: float | None = None


class VerifiedLink(FrozenModel):
    """What `--verify` has to say of one link, in one sentence."""

    child: str
    parent: str
    outcome: Literal["proven", "refuted", "untold"]
    text: str


class Verification(FrozenModel):
    """What came of `--verify`; there is always something to say."""

    links: list[VerifiedLink] = Field(default_factory=list)
    """Those whose weights were, or should have been, compared."""
    bytes_read: int = 0
    """Weight bytes fetched or hashed for it; what was cached is not counted again."""


class LineageSummary(FrozenModel):
    """Direct parents and the chain to the root, as far as known."""

    parents: list[str] = Field(default_factory=list)
    chain: list[ChainStep] = Field(default_factory=list)
    root: str | None = None
    complete: bool = False
    proofs: list[WeightProof] = Field(default_factory=list)
    """Only with `--verify`: one for each link whose weights were compared."""
    verification: Verification | None = None
    """Only with `--verify`."""
    relatives: list[Relative] = Field(default_factory=list)
    """Only with `--atlas`: what the atlas holds that is like this checkpoint."""
    unopened: list[str] = Field(default_factory=list)
    """Parents in the chain that nobody looked at: their status is that of the claim alone, which
    `famtree lineage` holds against their files."""


Part = Literal["config", "weights", "shards", "tokenizer"]


class MissingPart(FrozenModel):
    """One part of a whole checkpoint that is absent."""

    part: Part
    message: str


class Completeness(FrozenModel):
    """What a checkpoint lacks, and what that costs."""

    missing: list[MissingPart]
    confidence_if_complete: float | None = None
    """The most that the confidence could be if the absent parts were there and showed what the
    registry expects of this generation; None where no family was found."""
    confidence_cost: float | None = None
    """That, less the confidence the evidence at hand gives."""


class PickledWeights(FrozenModel):
    """What the directories of pickled weight files list; the pickles are never opened."""

    files: int
    """Files whose directory was read."""
    storages: int
    bytes: int
    """Of all storages."""


class Knowledge(FrozenModel):
    """Which registry an answer was given from."""

    version: str
    """Of famtree, or of the bundle that the families came with."""
    digest: str
    """`sha256:` and the hex digest of all its files."""
    sources: list[str]
    """Where they were found, what has precedence first: folders, `famtree` for what it ships."""


class CostReport(FrozenModel):
    """What the answer cost."""

    requests: int = 0
    bytes: int = 0
    seconds: float = 0.0


class Identification(Shown):
    """Which family, generation and size a checkpoint is, on what evidence."""

    kind_ = "identification"

    schema_: Literal["famtree/identification/1"] = Field(
        default="famtree/identification/1", alias="schema"
    )
    famtree: str
    checkpoint: CheckpointSummary
    kind: Kind = "model"
    """What it is; a family, size and variant are those of a thing of this kind."""
    for_: Target | None = Field(default=None, alias="for")
    """What a draft head or an adapter is made for; its family is never the checkpoint's own."""
    outcome: Outcome
    unknown_because: UnknownReason | None = None
    """What an `unknown` means; None for every other outcome."""
    reason: str
    """One sentence: what decided, or why nothing could."""
    family: FamilyName | None = None
    generation: GenerationName | None = None
    candidates: list[Candidate] = Field(default_factory=list)
    decided_by: str | None = None
    confidence: float
    parameters: int | None = None
    active_parameters: int | None = None
    """Those that one token uses, where a mixture of experts leaves some idle."""
    size: str | None = None
    variant: Variant | None = None
    wrapper: str | None = None
    """Multimodal wrapper around the identified language model, if any."""
    components: list[Component] = Field(default_factory=list)
    """Parts that have a design of their own, such as the models of a pipeline."""
    fingerprint: Fingerprint
    quantization: Quantization | None = None
    license: str | None = None
    """As its card, its tags or its header states it, in lower case."""
    adapter: Adapter | None = None
    """What an adapter adds, and to which base; None for a whole model."""
    pickled: PickledWeights | None = None
    """Sizes in pickled weight files of a local folder, where there is nothing better."""
    completeness: Completeness | None = None
    """What is absent; None where nothing is."""
    lineage: LineageSummary = Field(default_factory=LineageSummary)
    evidence: list[Evidence] = Field(default_factory=list)
    warnings: list[Notice] = Field(default_factory=list)
    registry: Knowledge | None = None
    """None in documents of older versions."""
    unchecked: list[Unchecked] = Field(default_factory=list)
    """What a copy on this machine would have been checked for as well."""
    cost: CostReport = Field(default_factory=CostReport)

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document of the contract as plain data."""
        document: dict[str, Any] = dump(self)
        return document

    def sum_up(self) -> str:
        """Return the answer in a few words."""
        found = self.generation or self.family
        name = "/".join(one.key for one in (self.family, self.generation) if one is not None)
        told = f"{name} {self.size or ''}".strip() if found else self.outcome
        sure = "" if self.outcome == "identified" or not found else f", {self.outcome}"
        return f"{self.checkpoint.ref!r}: {told}{sure}, confidence {self.confidence:.2f}"
