"""Checkpoints as CycloneDX components of type machine-learning-model."""

from __future__ import annotations

from collections.abc import Sequence

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.component import Component, ComponentType, Pedigree
from packageurl import PackageURL

from famtree.bom.licenses import make_licenses
from famtree.bom.properties import make_properties
from famtree.checkpoint.checkpoint import Checkpoint
from famtree.errors import UsageError
from famtree.sources.reference import parse_reference
from famtree.types.checkpoint import FileEntry

PURL_TYPE = "huggingface"
"""Package URLs of the Hub: organisation, name as spelt there, commit in lower case
(github.com/package-url/purl-spec, types/huggingface-definition.json)."""


def make_component(
    ref: str,
    opened: Checkpoint | None,
    *,
    named: bool = True,
    properties: Sequence[Property] = (),
    pedigree: Pedigree | None = None,
    main: bool = False,
) -> Component:
    """Return the component of checkpoint `ref`.

    `opened` gives it commit, licences and hashes. A checkpoint that could not be opened has a
    package URL without commit, and none where `named` says that it may not be on the Hub at all.
    Only the `main` component has a bom-ref and its weight files as components of its own.
    """
    listing = opened.source.list_files() if opened is not None else None
    on_hub = opened.source.kind == "hub" if opened is not None else named
    revision = listing.revision if listing is not None else None
    repo = _find_repository(ref) if on_hub else None
    organisation, _, name = repo.rpartition("/") if repo is not None else ("", "", ref)
    purl = None
    if repo is not None:
        purl = PackageURL(PURL_TYPE, organisation or None, name, revision)
    files = _list_files(opened) if opened is not None else []
    own_ref = (purl.to_string() if purl is not None else ref) if main else None
    return Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=own_ref,
        group=organisation or None,
        name=name,
        version=revision,
        purl=purl,
        # Of several files none is the component's own hash: those stand with the files.
        hashes=_hash(files[0]) if len(files) == 1 else [],
        licenses=make_licenses(listing) if listing is not None else [],
        properties=properties,
        pedigree=pedigree,
        components=[_describe_file(one, own_ref) for one in files] if own_ref else [],
    )


def _find_repository(ref: str) -> str | None:
    try:
        return parse_reference(f"hf://{ref}").repo_id
    except UsageError:
        return None


def _list_files(opened: Checkpoint) -> list[FileEntry]:
    """Return the weight files; of a repository of many GGUF conversions, the one examined."""
    return opened.found.form.list_weight_files(opened.found)


def _hash(entry: FileEntry) -> list[HashType]:
    """Return the hash that the Hub lists or that was computed; a recorded one is a property."""
    if entry.sha256 is None:
        return []
    return [HashType(alg=HashAlgorithm.SHA_256, content=entry.sha256)]


def _describe_file(entry: FileEntry, within: str) -> Component:
    return Component(
        type=ComponentType.FILE,
        bom_ref=f"{within}#{entry.name}",
        name=entry.name,
        hashes=_hash(entry),
        properties=make_properties(
            {
                "size": entry.size,
                "hash:recorded": entry.recorded if entry.sha256 is None else None,
                "hash:mismatch": f"recorded {entry.recorded}" if entry.belied else None,
            }
        ),
    )
