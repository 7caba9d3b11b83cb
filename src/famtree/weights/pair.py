"""Two checkpoints, test after test, each stopping when the verdict is decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from famtree.weights import fit_thresholds as fit
from famtree.weights import thresholds as limit
from famtree.weights.changes import Seen, list_changes, read_outside
from famtree.weights.column_alignment import column_test, joint_test
from famtree.weights.draw import Draw, make_draw
from famtree.weights.identity import equal_share, same_files
from famtree.weights.learned_directions import explain_by_start
from famtree.weights.localise import locate_layers
from famtree.weights.pieces import DISGUISED, find_misfit
from famtree.weights.places import Place, draw_columns, draw_layers, draw_places
from famtree.weights.probing import covers_neurons, probe_pair
from famtree.weights.read import read_windows
from famtree.weights.results import (
    ColumnTest,
    DecidedBy,
    GramTest,
    LayerLink,
    PairResult,
    PairVerdict,
    ProbeTest,
)
from famtree.weights.row_gram import compare_grams
from famtree.weights.second_look import Look, Sample, look_again
from famtree.weights.tensor_sample import compare_all_tensors
from famtree.weights.token_probe import Probe, prepare_probe
from famtree.weights.unstructured import compare_tensors

if TYPE_CHECKING:
    from famtree.weights.open import Weights

MORE_WAVES = (1, 2, 3)
"""Further rows of every matrix where the first leave doubt."""
Report = Callable[[str], None]
Floats = NDArray[np.float32]


@dataclass(slots=True)
class _Case:
    """One pair while it is examined."""

    child: Weights
    parent: Weights
    draw: Draw
    report: Report
    permutations: int
    column: ColumnTest | None = None
    embedding: ColumnTest | None = None
    probe: ProbeTest | None = None
    gram: GramTest | None = None
    layers: tuple[LayerLink, ...] = ()
    equal: float | None = None
    matched: list[tuple[int, int]] = field(default_factory=list)
    """Layers of the child and of the parent that are held against each other."""
    samples: list[Sample] = field(default_factory=list)
    outside: Seen = field(default_factory=Seen)
    changed: tuple[str, ...] | None = None

    def conclude(self, verdict: PairVerdict, reason: str, by: DecidedBy) -> PairResult:
        """Return the answer with everything measured so far."""
        tests = {"probe": self.probe, "column": self.column, "gram": self.gram}
        test = tests.get(by)
        return PairResult(
            verdict=verdict, reason=reason, decided_by=by,
            z=test.z if test is not None else None,
            log10_p=test.log10_p if test is not None else None,
            cosine=self.column.cosine if self.column is not None else None,
            bit_equal=self.equal, column=self.column, embedding=self.embedding,
            probe=self.probe, gram=self.gram, layers=self.layers, changed=self.changed,
            draw=self.draw,
        )  # fmt: skip

    def read(self, places: Sequence[Place]) -> list[Sample]:
        """Return the places that both sides can read, with the values of both."""
        ours = read_windows(self.child, [place.ours for place in places])
        theirs = read_windows(self.parent, [place.theirs for place in places])
        return [
            (place, ours[place.ours], theirs[place.theirs])
            for place in places
            if place.ours in ours and place.theirs in theirs
        ]

    def draw_more(self, wave: int) -> list[Sample]:
        """Return other rows of every matrix of the layers that were looked at."""
        return self.read(
            draw_places(self.draw, self.child, self.parent, self.matched, wave=wave)
        )  # fmt: skip


def compare_weights(
    child: Weights,
    parent: Weights,
    *,
    deep: bool = True,
    permutations: int = 0,
    nonce: str | None = None,
    on_progress: Report | None = None,
) -> PairResult:
    """Say whether one of two checkpoints comes from the other, on exact statistics.

    `deep` allows what takes megabytes instead of kilobytes, where the column test does not see
    descent; without it that case is `undetermined`. `permutations` > 0 adds an exact p-value by so
    many random column orders. `nonce` draws other places. Nothing is said about which came first.
    Raises FetchError and UnreadableError kin when files cannot be read at all.
    """
    report = on_progress or (lambda _: None)
    draw = make_draw(child, parent, nonce=nonce, on_progress=on_progress)
    case = _Case(child, parent, draw, report, permutations)
    if same_files(child, parent):
        return case.conclude("same-weights", "every weight file has the same hash", "identity")
    if child.layout.main is None and parent.layout.main is None:
        return _compare_tensors(case)
    if child.hidden is not None and child.hidden == parent.hidden:
        _column_tests(case)
        found = _decide_by_columns(case, deep=deep)
        if found is not None:
            return found
    return _decide_deeply(case, deep=deep)


def _compare_tensors(case: _Case) -> PairResult:
    """Decide where neither side has transformer blocks."""
    seen = compare_tensors(case.child, case.parent, case.draw)
    case.column = seen.test
    aside = f" (constants left out: {', '.join(seen.constants)[:120]})" if seen.constants else ""
    if case.column is None:
        return case.conclude("undetermined", f"no learned tensors of one shape{aside}", "nothing")
    if case.column.z > limit.DEPENDENT_Z:
        if seen.misfit is not None:
            verdict, told, by = seen.misfit
            return case.conclude(verdict, f"{told}{aside}", by)
        whole = compare_all_tensors(case.child, case.parent, case.draw)
        if whole is not None and whole.same:
            return case.conclude("same-weights", whole.reason, "identity")
        return case.conclude("derived", f"outputs of equal layers are aligned{aside}", "column")
    if case.column.z <= limit.DOUBT_Z:
        return case.conclude(
            "independent", f"outputs of equal layers are not aligned{aside}", "column"
        )
    return case.conclude("undetermined", f"the sample leaves doubt{aside}", "nothing")


def _column_tests(case: _Case) -> None:
    child, parent, draw = case.child, case.parent, case.draw
    assert child.hidden is not None  # noqa: S101 - equal to the parent's
    layers = draw_layers(draw, child.depth)
    located = None
    if child.depth == parent.depth:
        case.matched = [(layer, layer) for layer in layers]
    else:
        case.report("comparing layers of unequal depth")
        case.layers, located = locate_layers(
            child, parent, draw, draw_columns(draw, child.hidden), layers
        )
        case.matched = [(one.child, one.parent) for one in case.layers if one.parent is not None]
    places = draw_places(draw, child, parent, case.matched)
    if places:
        case.report(f"reading {len(places)} windows of weights from each side")
    case.samples = case.read(places)
    case.column = _test(case)
    if case.column is None or child.depth != parent.depth:
        # Layers that were chosen out of many: the test of the choice is the one that counts.
        case.column = located
    elif _needs_more(case.column):
        case.report("reading more, since the first sample leaves doubt")
        for wave in MORE_WAVES:
            case.samples += case.draw_more(wave)
        case.column = _test(case)
    case.outside = read_outside(child, parent, draw, case.matched)
    both = case.outside.embedding
    if both:
        case.embedding = column_test(
            np.vstack([x for x, _ in both]), np.vstack([y for _, y in both])
        )
    case.equal = equal_share(
        [(x, y) for _, x, y in case.samples] + case.outside.all
    )  # fmt: skip
    case.changed = list_changes(case.samples, case.outside)


def _needs_more(column: ColumnTest | None) -> bool:
    """Tell doubt, and too few elements for a verdict of independence, from a settled test."""
    if column is None or column.z > limit.DEPENDENT_Z:
        return False
    return column.z > limit.DOUBT_Z or column.rows * column.columns < limit.ENOUGH_ELEMENTS


def _test(case: _Case) -> ColumnTest | None:
    """Test the windows of every axis together; constants drop out as they have no spread."""
    axes: dict[object, list[tuple[Floats, Floats]]] = {}
    for place, x, y in case.samples:
        axes.setdefault((place.axis, place.ours.columns), []).append((x, y))
    return joint_test(
        [(np.vstack([x for x, _ in own]), np.vstack([y for _, y in own])) for own in axes.values()],
        permutations=case.permutations,
    )


def _decide_by_columns(case: _Case, *, deep: bool) -> PairResult | None:
    """Return the verdict where the column test settles it, else None."""
    column, embedding = case.column, case.embedding
    if column is None or column.z <= limit.DEPENDENT_Z:
        return None
    look = look_again(case.child, case.parent, case.draw, case.samples, case.draw_more)
    if not case.layers:
        case.layers = tuple(
            LayerLink(own, None if own in look.foreign else other, _layer_z(case, own))
            for own, other in case.matched
        )
    if look.kind == "mixed":
        return case.conclude(
            "undetermined",
            f"{look.notes[-1]}: parts of one in the other, not descent",
            "consistency",
        )
    if look.kind == "layers":
        _relocate(case)
    foreign = [link.child for link in case.layers if link.parent is None]
    if foreign:
        return case.conclude(
            "partial", f"{len(case.layers) - len(foreign)} of {len(case.layers)} sampled layers "
            "come from the parent, the others do not", "column"
        )  # fmt: skip
    if look.kind == "part":
        return case.conclude("partial", look.notes[-1], "column")
    if column.cosine < limit.SHARED_INIT_COSINE:
        probe = prepare_probe(case.child, case.parent, case.draw)
        if probe is not None and probe.only_began_alike:
            return case.conclude(
                "shared-init", "columns are aligned, but neither values nor what tokens mean are "
                "alike: the same initialisation or a far ancestor, not descent", "column",
            )  # fmt: skip
    asked = deep and not look.notes and column.cosine < fit.LEARNED_COSINE
    if asked and (told := explain_by_start(case.child, case.parent, case.draw)) is not None:
        return case.conclude("shared-init", told, "column")
    return _conclude_whole(case, look, embedding)


def _conclude_whole(case: _Case, look: Look, embedding: ColumnTest | None) -> PairResult:
    if case.equal == 1.0 and case.child.depth == case.parent.depth and not look.notes:
        case.report("looking at every tensor")
        whole = compare_all_tensors(case.child, case.parent, case.draw)
        if whole is not None:
            if whole.same:
                case.changed = ()
                return case.conclude("same-weights", whole.reason, "identity")
            case.changed = whole.changed
    if any(link.child != link.parent for link in case.layers) and (
        case.child.depth == case.parent.depth
    ):
        look.notes.append("layers stand in another order")
    notes = "".join(f"; {note}" for note in look.notes)
    if embedding is not None and embedding.z <= limit.DOUBT_Z and embedding.columns >= 256:
        told = f"blocks come from the parent; embeddings do not{notes}"
        return case.conclude("derived", told, "column")
    told = f"columns of the sampled weights are aligned{notes}"
    return case.conclude("derived", told, "column")


def _layer_z(case: _Case, layer: int) -> float:
    own = [(x, y) for place, x, y in case.samples if place.layer == layer]
    found = joint_test(own)
    return found.z if found is not None else 0.0


def _relocate(case: _Case) -> None:
    """Look for layers that do not fit the one of their number among all others."""
    if case.child.depth != case.parent.depth:
        return
    assert case.child.hidden is not None  # noqa: S101 - columns were compared
    lost = [link.child for link in case.layers if link.parent is None]
    columns = draw_columns(case.draw, case.child.hidden)
    found, _ = locate_layers(case.child, case.parent, case.draw, columns, lost)
    places = {link.child: link for link in found}
    case.layers = tuple(places.get(link.child, link) for link in case.layers)


def _decide_deeply(case: _Case, *, deep: bool) -> PairResult:
    """Decide where columns of like-numbered layers are not aligned, or widths differ."""
    column, embedding = case.column, case.embedding
    if not deep:
        if column is None:
            return case.conclude("undetermined", _why_nothing(case), "nothing")
        return case.conclude(
            "undetermined", "columns are not aligned; only a token probe could tell disguised "
            "weights from foreign ones", "nothing"
        )  # fmt: skip
    if column is not None:
        found = _look_everywhere(case)
        if found is not None:
            return found
    case.report("reading embeddings and feed-forward weights for the token probe")
    probe = prepare_probe(case.child, case.parent, case.draw)
    case.probe = probe_pair(probe) if probe is not None else None
    seen = case.probe
    if probe is not None and seen is not None and seen.z > limit.DEPENDENT_Z:
        if probe.only_began_alike:
            return case.conclude(
                "shared-init", "neurons are those of one initialisation, but what tokens mean is "
                "not alike: not descent", "probe"
            )  # fmt: skip
        return _conclude_disguised(case, "probe")
    if (found := _decide_by_gram(case, probe)) is not None:
        return found
    if embedding is not None and embedding.z > limit.DEPENDENT_Z and column is not None:
        return case.conclude(
            "partial", "the embeddings come from the parent; the blocks do not", "column"
        )
    return _conclude_apart(case, probe)


def _look_everywhere(case: _Case) -> PairResult | None:
    """Look for every layer of the child among all of the parent: shuffled, or stolen one by one."""
    assert case.child.hidden is not None  # noqa: S101 - columns were compared
    columns = draw_columns(case.draw, case.child.hidden)
    case.layers, _ = locate_layers(case.child, case.parent, case.draw, columns)
    kept = [link for link in case.layers if link.parent is not None]
    if not kept:
        return None
    if len(kept) == len(case.layers):
        # Copied rows make such links too, so other rows of the same layers are looked at.
        drawn = {own for own, _ in case.matched}
        pairs = ((link.child, link.parent) for link in kept)
        case.matched = [(own, at) for own, at in pairs if at is not None and own in drawn]
        case.samples = case.draw_more(0)
        test = _test(case)
        if test is None or test.z <= limit.DEPENDENT_Z:
            told = "rows of layers are the parent's, others of them are not: not descent"
            return case.conclude("undetermined", told, "consistency")
        told = "layers come from the parent and stand in another order"
        return case.conclude("derived", told, "column")
    return case.conclude(
        "partial", f"{len(kept)} of {len(case.layers)} layers come from the parent, the others do "
        "not", "column"
    )  # fmt: skip


def _decide_by_gram(case: _Case, probe: Probe | None) -> PairResult | None:
    """Return the verdict where the rows of some matrix lie to each other as the parent's do."""
    case.report("reading rows of v, gate and up for the row-Gram test")
    case.gram = compare_grams(case.child, case.parent, case.draw)
    if case.gram is None or case.gram.z <= limit.DEPENDENT_Z:
        return None
    if probe is not None and case.embedding is None and probe.only_began_alike:
        told = "rows are those of one initialisation, but what tokens mean is not alike"
        return case.conclude("shared-init", f"{told}: not descent", "gram")
    return _conclude_disguised(case, "gram")


def _conclude_disguised(case: _Case, by: Literal["probe", "gram"]) -> PairResult:
    misfit = find_misfit(case.child, case.parent, case.draw, case.gram, case.probe)
    return case.conclude("partial" if misfit else "derived", misfit or DISGUISED[by], by)


def _conclude_apart(case: _Case, probe: Probe | None) -> PairResult:
    """Return `independent` where every test that the shapes call for ran and saw nothing."""
    column, seen, gram = case.column, case.probe, case.gram
    made = [test for test in (column, seen, gram) if test is not None]
    if not made:
        return case.conclude("undetermined", _why_nothing(case), "nothing")
    compared = column.rows * column.columns * max(1, len(case.matched)) if column else 0
    enough = column is None or compared >= limit.ENOUGH_ELEMENTS
    if any(test.z > limit.DOUBT_Z for test in made) or not enough:
        return case.conclude("undetermined", "the sample leaves doubt", "nothing")
    # Neurons and heads may stand in any order: one of the two tests has to have seen through it.
    assigned = probe is not None and covers_neurons(probe)
    values = gram is not None and gram.values
    if seen is None and not values:
        return case.conclude(
            "undetermined", "columns are not aligned, and no token probe could be made", "nothing"
        )
    if not assigned and not values:
        return case.conclude(
            "undetermined", "columns and neurons are not aligned; whether they were put into "
            "another order could not be tested", "nothing"
        )  # fmt: skip
    by: DecidedBy = "probe" if seen is not None else "gram"
    if column is None:
        return case.conclude("independent", "neurons are not aligned beyond chance", by)
    told = "neither columns nor neurons are aligned beyond chance"
    return case.conclude("independent", told, by)


def _why_nothing(case: _Case) -> str:
    for weights in (case.child, case.parent):
        if weights.reading.unread:
            first = weights.reading.unread[0]
            return f"{first.part} could not be compared: {first.reason}"
    return "the two have no weights that can be compared"
