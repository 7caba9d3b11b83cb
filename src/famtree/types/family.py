"""Registry entries: one family a file, with generations, rules, sizes, tokenizers, exemplars.

A rule is a conjunction of conditions on traits. A trait is a dotted name of
`famtree.types.fingerprint` (`architecture.vocab_rows`, `recipe.rope_theta`, ...). Operators are
few on purpose: a plain value (equality), `one_of`, `between` (inclusive), `contains` (every
listed item is in the list-valued trait) and `absent`.
"""

from typing import Annotated, Any, Literal, Self, get_type_hints

from msgspec import Struct, field
from msgspec.structs import fields
from pydantic import Field

from famtree.types.identification import Variant

Scalar = bool | int | float | str

ExemplarRelation = Literal[
    "finetune", "continued-pretrain", "distill", "merge", "pruned", "upscaled", "upcycled", "copy",
    "quantized",
]  # fmt: skip
ParentRelation = Literal[
    "successor", "continued-pretrain", "finetune", "distill", "pruned", "upscaled", "upcycled"
]


class RegistryEntry(Struct, frozen=True, omit_defaults=True):
    """A table of a registry file, which pydantic validates strictly and msgspec decodes untouched.

    The files are validated when they are read, once; the compiled form of what was sound is decoded
    at every start, thousands of entries at a time.
    """

    def check(self) -> None:
        """Hold the values of a file against each other. Raises ValueError."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> dict[str, Any]:
        """Tell pydantic of the table in the file, by the file's own names, without any other."""
        hints = get_type_hints(cls, include_extras=True)
        told = {
            one.encode_name: {
                "type": "typed-dict-field",
                "schema": handler.generate_schema(hints[one.name]),
                "required": one.required,
            }
            for one in fields(cls)
        }
        table = {"type": "typed-dict", "fields": told, "extra_behavior": "forbid"}
        make = {"type": "no-info", "function": cls._make}
        return {"type": "function-after", "schema": table, "function": make}

    @classmethod
    def _make(cls, table: dict[str, Any]) -> Self:
        names = {one.encode_name: one.name for one in fields(cls)}
        made = cls(**{names[told]: value for told, value in table.items()})
        made.check()
        return made


class Condition(RegistryEntry, frozen=True, kw_only=True):
    """One test of one trait; exactly one operator is set."""

    equals: Scalar | None = None
    one_of: tuple[Scalar, ...] | None = None
    between: tuple[float, float] | None = None
    contains: tuple[Scalar, ...] | None = None
    absent: bool | None = None

    def check(self) -> None:
        """Count the operators. Raises ValueError."""
        given = [name for name in OPERATORS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"exactly one operator is needed, got {given or 'none'}")
        if self.absent is False:
            raise ValueError("`absent` can only be true")
        if self.between is not None and self.between[0] > self.between[1]:
            raise ValueError("`between` needs low <= high")


OPERATORS = ("equals", "one_of", "between", "contains", "absent")


class Rule(RegistryEntry, frozen=True, kw_only=True):
    """One design of a generation: every trait it is known to show."""

    name: str = "default"
    when: dict[str, Condition]
    """Dotted trait name to condition."""
    variant: Variant | None = None
    """What a checkpoint that fits this rule is trained for, where the rule can tell."""
    converted: bool = False
    """Published under another design's class by third parties. A config with nothing but its labels
    swapped looks the same, so that only the vocabulary makes such an answer sure."""


class Size(RegistryEntry, frozen=True, kw_only=True):
    """An official size: its shape signature and exact parameter count."""

    name: str
    """As the maker writes it: `8B`, `30B-A3B`, `base`."""
    parameters: int | None = None
    """Exact count of distinct parameters (tied embeddings once); None if not sourced."""
    layers: int | None = None
    hidden_size: int | None = None
    heads: int | None = None
    kv_heads: int | None = None
    ffn: int | None = None
    experts: int | None = None
    expert_ffn: int | None = None
    decoder_layers: int | None = None
    """Only where decoder and encoder differ in depth."""
    vocab_rows: int | None = None
    """Only where the size has its own embedding rows."""
    stores_head: bool = False
    """The maker's own files hold the tied output head beside the embedding."""
    source: str | None = None


class ParentLink(RegistryEntry, frozen=True, kw_only=True):
    """Where a generation (or one of its sizes) comes from."""

    family: str
    generation: str | None = None
    relation: ParentRelation
    size: str | None = None
    """Child size this holds for; None for all."""
    repo: str | None = None
    """Hub id of the concrete parent checkpoint, where one is published."""
    source: str | None = None


class Generation(RegistryEntry, frozen=True, kw_only=True):
    """One generation of a family."""

    key: str
    name: str
    released: str | None = None
    """`YYYY` or `YYYY-MM`."""
    names: list[str] = []
    """Lower-case words a repository name uses for it; a hint and a liar check, never proof."""
    parents: list[ParentLink] = []
    hard_to_tell_from: list[str] = []
    """`family/generation` keys whose checkpoints can show the very same traits."""
    common: dict[str, Condition] = {}
    """What a file states for every rule; empty in a registry, where each rule has it."""
    rules: Annotated[list[Rule], Field(min_length=1)] = field(name="rule")
    sizes: list[Size] = field(default_factory=list, name="size")
    sources: list[str] = []


class KnownTokenizer(RegistryEntry, frozen=True, kw_only=True):
    """A published vocabulary: digests and counts, by which files are recognised unread."""

    name: str
    generations: list[str]
    """Generation keys of this family that ship it."""
    exhaustive: bool = True
    """False when these generations also ship vocabularies that are not on record, so that an
    unequal one is no contradiction."""
    files: list[str] = []
    """sha256 or `git:<blob id>` of published files with this content."""
    kind: str | None = None
    entries: int | None = None
    base_entries: int | None = None
    vocabulary: str | None = None
    merges: str | None = None
    merges_sorted: str | None = None
    added: str | None = None
    added_count: int | None = None
    pre_tokenizer: str | None = None
    sketch: str = ""
    """As in `famtree.types.fingerprint.Tokenizer`."""
    source: str


class ExemplarParent(RegistryEntry, frozen=True, kw_only=True):
    """A published checkpoint's recorded parent."""

    repo: str
    relation: ExemplarRelation
    source: str


class Exemplar(RegistryEntry, frozen=True, kw_only=True):
    """Recorded facts of one published checkpoint: the registry's own test cases."""

    repo: str
    revision: str | None = None
    """Full commit where it is known."""
    generation: str
    relation: Literal["base", "instruct", "finetune", "quantized", "merge", "other"] = "base"
    ambiguous_with: list[str] = []
    """Other generations its metadata cannot rule out: own keys, or `family/generation`."""
    parents: list[ExemplarParent] = []
    """Where it says its weights come from; empty when unknown or trained from scratch."""
    traits: dict[str, Scalar | list[Scalar]]
    """Dotted trait name to value, as fingerprinted."""
    digests: dict[str, str] = {}
    """`architecture`, `tokenizer`, `recipe`."""
    source: str

    def answers(self, family: str) -> list[tuple[str, str]]:
        """Return every (family, generation) that is a right answer for it, the true one first."""
        found = [(family, self.generation)]
        for key in self.ambiguous_with:
            other, slash, generation = key.rpartition("/")
            found.append((other if slash else family, generation))
        return found


class Family(RegistryEntry, frozen=True, kw_only=True):
    """One registry file."""

    schema_: Literal["famtree/family/1"] = field(name="schema")
    key: str
    name: str
    maker: str
    sources: Annotated[list[str], Field(min_length=1)]
    publishers: list[str] = []
    """Hub organisations that publish it; a hint only."""
    hard_to_tell_from: list[str] = []
    """Family keys that can show the same traits."""
    tower: Literal["vision tower", "audio tower"] | None = None
    """What it is built into other models as; None for language models."""
    generations: Annotated[list[Generation], Field(min_length=1)] = field(name="generation")
    tokenizers: list[KnownTokenizer] = field(default_factory=list, name="tokenizer")
    exemplars: list[Exemplar] = field(default_factory=list, name="exemplar")


class TraitPolicy(RegistryEntry, frozen=True, kw_only=True):
    """How far one trait can be trusted when it fits and when it does not (`_generic.toml`)."""

    group: str
    """Traits of one group say nearly the same thing: their weights share one cap."""
    edit_rate: float
    """Share of genuine derivatives that no longer show it (fine-tuners edit some, never others)."""
    grows: bool = False
    """A value slightly above the expected one is an extension (added tokens), not a conflict."""
    special_id: bool = False
    """Names a special token, so it belongs to the vocabulary."""
    implied: bool = False
    """Where a rule is silent, the generation's other rules and exemplars say what is usual."""
    idle: float | None = None
    """The value that means the same as leaving the trait out."""
    required: bool = False
    """A config of a design that has it always states it: no class default equals it."""
    reason: str


class GroupPolicy(RegistryEntry, frozen=True, kw_only=True):
    """The most, in nats, that one group of traits can add; `identity` groups can veto."""

    cap: float
    identity: bool = False
    signature: bool = False
    """Comes with the weights: a member contradicts one such group at most."""
    reason: str


class GenericTraits(RegistryEntry, frozen=True, kw_only=True):
    """Knowledge of no single family: trait policies, wrappers, designs too common to decide."""

    schema_: Literal["famtree/generic/1"] = field(name="schema")
    traits: dict[str, TraitPolicy]
    groups: dict[str, GroupPolicy]
    population: dict[str, list[str]] = {}
    """Family to the generations among which the background of a value is counted; see
    `Registry.population`."""
    wrappers: dict[str, str]
    """Multimodal `model_type` to `model_type` of its language tower where the config does not
    nest one (empty string: it does)."""
