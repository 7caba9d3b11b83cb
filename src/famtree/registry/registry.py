"""The families famtree knows, looked up by key; immutable."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from msgspec import Struct

from famtree.types.family import Family, Generation, GenericTraits, KnownTokenizer
from famtree.types.identification import Knowledge


class Registry(Struct, frozen=True, eq=False, dict=True):
    """All families, and the knowledge that belongs to none."""

    families: tuple[Family, ...]
    generic: GenericTraits
    version: str = ""
    """Of famtree, or of the bundle that the families came with."""
    digest: str = ""
    """Hex sha256 over names and contents of all files; nothing of where or when."""
    sources: tuple[str, ...] = ()
    """Where the files were found, what has precedence first."""

    @cached_property
    def knowledge(self) -> Knowledge:
        """What a document says of it."""
        return Knowledge.model_construct(
            version=self.version, digest=f"sha256:{self.digest}", sources=list(self.sources)
        )

    @cached_property
    def by_key(self) -> dict[str, Family]:
        """Family key to family."""
        return {family.key: family for family in self.families}

    def find_generation(self, family: str, generation: str) -> Generation | None:
        """Return one generation, or None."""
        entry = self.by_key.get(family)
        if entry is None:
            return None
        return next((item for item in entry.generations if item.key == generation), None)

    def walk_generations(self) -> Iterator[tuple[Family, Generation]]:
        """Yield every generation with its family, in key order of the files."""
        for family in self.families:
            for generation in family.generations:
                yield family, generation

    @cached_property
    def population(self) -> frozenset[tuple[str, str]]:
        """(family, generation) of all designs among which the background of a value is counted.

        Those that `_generic.toml` lists: a family file that is added later weighs no trait of
        another family anew. All generations where none of the listed ones is there.
        """
        every = {(family.key, one.key) for family, one in self.walk_generations()}
        listed = {(key, one) for key, keys in self.generic.population.items() for one in keys}
        return frozenset(every & listed or every)

    @cached_property
    def tokenizers_by_file(self) -> dict[str, tuple[Family, KnownTokenizer]]:
        """File hash (`sha256` or `git:<blob id>`) to the tokenizer it holds."""
        return {
            file: (family, known)
            for family in self.families
            for known in family.tokenizers
            for file in known.files
        }
