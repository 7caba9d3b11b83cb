"""An atlas as advisor: relatives by hashes, by weight samples, by signature; in this order.

An equal design or vocabulary makes a candidate and nothing more. Equal hashes, or samples that
depend on each other, make a claim, which then has to pass every check of a link.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace

from famtree.lineage.advice import Advice, is_undeclared
from famtree.types.claim import Claim
from famtree.types.identification import Evidence, LinkRelation, Relative

if TYPE_CHECKING:
    from famtree.atlas.lookup import Atlas, Entry
    from famtree.checkpoint.checkpoint import Checkpoint
    from famtree.checkpoint.facts import NodeFacts
    from famtree.types.fingerprint import Fingerprint
    from famtree.types.proof import FoundMerge, Proof
    from famtree.weights.results import Placement
    from famtree.weights.sketched_kin import Kin

MOST_LISTED = 10
MOST_OPENED = 4
"""Candidates whose weights are read, megabytes each: where no sketch finds a relative, since only a
token probe sees through permuted and rotated weights, and where sketches leave open which of
several the parent is."""
_WEIGHT = {"hash": 20.0, "weights": 10.0}
"""Of the evidence, in nats; of weights at most, as z grows."""

Prove = Callable[["Checkpoint", str], "Proof | None"]
"""Compare a checkpoint's weights with those of the one called so; None where they cannot be had."""

Place = Callable[["Checkpoint", str, Sequence[str]], "FoundMerge | Placement | None"]
"""Place a checkpoint by its weights below the one called so, among those called so that come from
it; None where they cannot be had."""


class AtlasAdvisor:
    """Looks for relatives in one atlas.

    `verify` allows reading weight samples of the checkpoint asked about, `prove` those of
    candidates, where samples alone find none, `place` more of them, where samples find several.
    """

    def __init__(
        self,
        atlas: Atlas,
        *,
        verify: bool = False,
        prove: Prove | None = None,
        place: Place | None = None,
    ) -> None:
        self._atlas = atlas
        self._verify = verify
        self._prove = prove
        self._place = place

    def describe(self, name: str) -> NodeFacts | None:
        """Return what the atlas holds of the checkpoint called `name`."""
        return self._atlas.describe(name)

    def advise(self, checkpoint: Checkpoint, node: NodeFacts) -> Advice:
        """Return the relatives of `checkpoint`, and a claim where it names no parent itself.

        Raises FetchError kin where weights are read and cannot be had.
        """
        sketch = checkpoint.sketch if self._verify and is_undeclared(node) else None
        return self.find(node, checkpoint.findings.fingerprint, sketch, checkpoint)

    def find(
        self,
        node: NodeFacts,
        fingerprint: Fingerprint,
        sketch: str | None,
        checkpoint: Checkpoint | None = None,
    ) -> Advice:
        """Like `advise`, for weights that are sketched already."""
        key = node.ref.lower()
        copies = self._atlas.find_copies(node.weight_hashes, key)
        relatives = [_describe(one, "hash", "listed with the same weight files") for one in copies]
        earlier = _keep_earlier(copies, node, self._atlas.list_parents(copies))
        claims = [_claim_copy(earlier[0])] if earlier else []
        if not claims and is_undeclared(node):
            alike = self._atlas.find_alike(fingerprint, key)
            parents = self._atlas.list_parents(alike)
            alike = _keep_earlier(alike, node, parents)
            found, claims = self._weigh(alike, parents, sketch, checkpoint)
            if sketch is not None and not found and checkpoint is not None:
                found, claims = self._open(alike, checkpoint)
            relatives += found or [_describe(one, "signature", _explain(one)) for one in alike]
        return Advice(tuple(relatives[:MOST_LISTED]), tuple(claims if is_undeclared(node) else ()))

    def _weigh(
        self,
        alike: Sequence[Entry],
        parents: Mapping[str, Collection[str]],
        sketch: str | None,
        checkpoint: Checkpoint | None,
    ) -> tuple[list[Relative], list[Claim]]:
        """Compare sketches; only what depends on the checkpoint's weights is returned."""
        held = self._atlas.list_sketches(alike) if sketch is not None else {}
        if sketch is None or not held:
            return [], []
        from famtree.weights.sketching import find_sketched

        by_key = {one.key: one for one in alike}
        leaves = {one.key for one in alike if one.is_leaf}
        kin, parent, between = find_sketched(sketch, held, parents, leaves)
        if parent is not None:
            # The likeliest parent first.
            kin = [parent, *(one for one in kin if one.name != parent.name)]
        relatives = [_describe_kin(by_key[one.name], one) for one in kin]
        if parent is None:
            return relatives, []
        above = by_key[parent.name]
        named = [by_key[one.name].name for one in between[:MOST_OPENED]]
        if named and checkpoint is not None and self._place is not None:
            placed = _claim_placed(self._place(checkpoint, above.name, named))
            if placed:
                return relatives, placed
        return relatives, [_claim_kin(above, parent)]

    def _open(
        self, alike: Iterable[Entry], checkpoint: Checkpoint
    ) -> tuple[list[Relative], list[Claim]]:
        """Read weights of the likeliest candidates: those most often named as parents."""
        whole = [one for one in alike if not one.is_leaf]
        for one in whole[:MOST_OPENED] if self._prove is not None else ():
            proof = self._prove(checkpoint, one.name) if self._prove is not None else None
            if proof is not None and proof.related and proof.direction != "child-first":
                relative = _describe(one, "weights", proof.reason, z=proof.z, log10_p=proof.log10_p)
                root = _find_root(one, whole, self._atlas.list_parents(whole))
                found = proof.to_evidence()[0]
                return [relative], [Claim(root.name, "atlas", found=found)] if root else []
        return [], []


def _keep_earlier(
    entries: Sequence[Entry], node: NodeFacts, parents: Mapping[str, Collection[str]]
) -> list[Entry]:
    """Leave out what is known to be later: published after, or named after this one."""
    below = _list_below(node.ref.lower(), parents)
    return [
        one
        for one in entries
        if one.key not in below
        and not (one.created_at and node.created_at and one.created_at > node.created_at)
    ]


def _find_root(
    entry: Entry, among: Sequence[Entry], parents: Mapping[str, Collection[str]]
) -> Entry | None:
    """Return the one checkpoint of `among` that known links lead up to from `entry`, if any.

    A relative may be a sibling; where it comes from, its sibling does.
    """
    above, waiting, tops = set[str](), [entry.key], set[str]()
    while waiting:
        at = waiting.pop()
        if at not in above:
            above.add(at)
            waiting += parents.get(at, ())
            if not parents.get(at):
                tops.add(at)
    found = [one for one in among if one.key in tops]
    return found[0] if len(tops) == len(found) == 1 else None


def _list_below(key: str, parents: Mapping[str, Collection[str]]) -> set[str]:
    """Return everything that known links lead down to from `key`."""
    below = {key}
    while True:
        new = {name for name, above in parents.items() if below & set(above)} - below
        if not new:
            return below
        below |= new


Basis = Literal["hash", "weights", "signature"]


def _describe(
    entry: Entry,
    basis: Basis,
    reason: str,
    *,
    z: float | None = None,
    log10_p: float | None = None,
    cosine: float | None = None,
) -> Relative:
    return Relative.model_construct(
        ref=entry.name,
        basis=basis,
        reason=reason,
        family=entry.family,
        generation=entry.generation,
        created_at=entry.created_at,
        z=_round(z, 2),
        log10_p=_round(log10_p, 2),
        cosine=_round(cosine, 4),
    )


def _describe_kin(entry: Entry, kin: Kin) -> Relative:
    return _describe(entry, "weights", _tell(kin), z=kin.z, log10_p=kin.log10_p, cosine=kin.cosine)


def _round(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _tell(kin: Kin) -> str:
    if kin.same:
        return "every sampled value is equal"
    if not kin.derived:
        return "samples depend on each other no more than by a shared initialisation"
    return f"samples are aligned, cosine {kin.cosine:.3f}"


def _explain(entry: Entry) -> str:
    if entry.same_architecture and entry.same_vocabulary:
        return "equal design and vocabulary, which is no descent"
    if entry.same_architecture:
        return "equal design, which is no descent"
    return "equal vocabulary and width, which is no descent"


def _claim_copy(entry: Entry) -> Claim:
    # That they are the same files, the atlas says; the parent's own listing has to confirm it.
    return _claim(
        entry.name, "unknown", "hash", "listed with the same weight files", _WEIGHT["hash"]
    )


def _claim_kin(entry: Entry, kin: Kin) -> Claim:
    weight = min(kin.z, _WEIGHT["weights"])
    relation: LinkRelation | None = "copy" if kin.same else None
    told = f"{_tell(kin)} (z {kin.z:.1f}, p 10^{kin.log10_p:.0f})"
    return _claim(entry.name, relation, "sketch", told, weight)


def _claim_placed(placed: FoundMerge | Placement | None) -> list[Claim]:
    """Return the parents that whole matrices name where sketches leave several open."""
    from famtree.types.proof import FoundMerge

    if placed is None:
        return []
    if isinstance(placed, FoundMerge):
        return [
            replace(
                _claim(part.ref, "merge", "merge", placed.reason, _WEIGHT["weights"]),
                weight=part.weight if placed.method == "linear" else None,
            )
            for part in placed.parents
        ]
    if placed.unresolved:
        return []
    share = "" if placed.beta is None else f", which has {placed.beta:.2f} of its update"
    told = f"the nearest of those it can come from{share}"
    return [_claim(placed.parent, None, "placed", told, _WEIGHT["weights"])]


def _claim(
    name: str, relation: LinkRelation | None, signal: str, seen: str, weight: float
) -> Claim:
    evidence = Evidence.model_construct(
        signal=f"atlas.{signal}",
        source="atlas",
        expected=name,
        seen=seen,
        supports=True,
        weight=round(weight, 3),
    )
    return Claim(name, "atlas", relation, found=evidence)
