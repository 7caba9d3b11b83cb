"""Two checkpoints, test after test, each stopping when the verdict is decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from famtree.packings.stored import UnreadableWeightError
from famtree.weights import thresholds as limit
from famtree.weights.column_alignment import column_test
from famtree.weights.identity import equal_share, same_files
from famtree.weights.localise import locate_layers
from famtree.weights.plan import (
    EMBEDDING_ROWS,
    NORM_LAYERS,
    block_windows,
    choose_columns,
    embedding_windows,
    narrow_windows,
    spread_layers,
)
from famtree.weights.probing import probe_pair
from famtree.weights.read import Window, read_norms, read_windows
from famtree.weights.results import ColumnTest, LayerLink, PairResult, PairVerdict, ProbeTest
from famtree.weights.roles import INPUT_ROLES, OUTPUT_ROLES, find_view, require_roles
from famtree.weights.token_probe import Probe, prepare_probe
from famtree.weights.tokens import shared_rows
from famtree.weights.unstructured import compare_tensors

if TYPE_CHECKING:
    from famtree.weights.open import Weights

MORE_DRAWS = (1, 2, 3)
"""Rows added when the first leave doubt: four times as much in all."""
Report = Callable[[str], None]
Floats = NDArray[np.float32]


@dataclass(slots=True)
class _Case:
    """One pair while it is examined."""

    child: Weights
    parent: Weights
    report: Report
    permutations: int
    column: ColumnTest | None = None
    embedding: ColumnTest | None = None
    probe: ProbeTest | None = None
    layers: tuple[LayerLink, ...] = ()
    equal: float | None = None
    pairs: list[tuple[Window, Floats, Floats]] = field(default_factory=list)

    def conclude(
        self,
        verdict: PairVerdict,
        reason: str,
        by: Literal["identity", "column", "probe", "nothing"],
    ) -> PairResult:
        """Return the answer with everything measured so far."""
        test = self.probe if by == "probe" else self.column if by == "column" else None
        cosine = self.column.cosine if self.column is not None else None
        return PairResult(
            verdict=verdict, reason=reason, decided_by=by,
            z=test.z if test is not None else None,
            log10_p=test.log10_p if test is not None else None,
            cosine=cosine, bit_equal=self.equal, column=self.column, embedding=self.embedding,
            probe=self.probe, layers=self.layers,
        )  # fmt: skip


def compare_weights(
    child: Weights,
    parent: Weights,
    *,
    deep: bool = True,
    permutations: int = 0,
    on_progress: Report | None = None,
) -> PairResult:
    """Say whether one of two checkpoints comes from the other, on exact statistics.

    `deep` allows the token probe, megabytes instead of kilobytes, where the column test does not
    see descent; without it that case is `undetermined`. `permutations` > 0 adds an exact p-value
    by so many random column orders. Nothing is said about which came first. Raises FetchError and
    UnreadableError kin when files cannot be read at all.
    """
    case = _Case(child, parent, on_progress or (lambda _: None), permutations)
    if same_files(child, parent):
        return case.conclude("same-weights", "every weight file has the same hash", "identity")
    if child.layout.main is None and parent.layout.main is None:
        return _compare_tensors(case)
    same_width = child.hidden is not None and child.hidden == parent.hidden
    if same_width:
        _column_tests(case)
        found = _decide_by_columns(case)
        if found is not None:
            return found
    return _decide_by_probe(case, deep=deep)


def _compare_tensors(case: _Case) -> PairResult:
    """Decide where neither side has transformer blocks."""
    case.column, constants = compare_tensors(case.child, case.parent)
    aside = f" (constants left out: {', '.join(constants)[:120]})" if constants else ""
    if case.column is None:
        return case.conclude("undetermined", f"no learned tensors of one shape{aside}", "nothing")
    if case.column.z > limit.DEPENDENT_Z:
        return case.conclude("derived", f"outputs of equal layers are aligned{aside}", "column")
    if case.column.z <= limit.DOUBT_Z:
        return case.conclude(
            "independent", f"outputs of equal layers are not aligned{aside}", "column"
        )
    return case.conclude("undetermined", f"the sample leaves doubt{aside}", "nothing")


def _column_tests(case: _Case) -> None:
    child, parent = case.child, case.parent
    assert child.hidden is not None  # noqa: S101 - equal to the parent's
    columns = choose_columns(child.hidden)
    same_depth = child.depth == parent.depth
    windows: list[Window] = []
    if same_depth:
        layers = spread_layers(child.depth)
        windows = _usable(case, layers, columns)
    if windows:
        case.report(f"reading {len(windows)} windows of weights from each side")
        case.pairs = _read_pairs(case, windows)
        case.column = _test(case, case.pairs)
        norms = [layers[0], *layers[2:]][:NORM_LAYERS]
        for weights in (child, parent):
            read_norms(weights, norms, columns)
        if _needs_more(case.column):
            case.report("reading four times as much, since the first sample leaves doubt")
            more = block_windows(layers, columns, draws=MORE_DRAWS, roles=_roles(windows))
            case.pairs += _read_pairs(case, more)
            case.column = _test(case, case.pairs)
    else:
        case.report("comparing layers of unequal depth")
        located = locate_layers(child, parent, columns) if not same_depth else None
        if located is not None:
            case.layers, case.column = located
    rows = shared_rows(child, parent, EMBEDDING_ROWS)
    ours = read_windows(child, embedding_windows([a for a, _ in rows], columns))
    theirs = read_windows(parent, embedding_windows([b for _, b in rows], columns))
    both = [
        (x, y)
        for a, b in rows
        for x, y in [(ours.get(Window("embedding", 0, (a,), columns)),
                      theirs.get(Window("embedding", 0, (b,), columns)))]
        if x is not None and y is not None
    ]  # fmt: skip
    if both:
        case.embedding = column_test(
            np.vstack([x for x, _ in both]), np.vstack([y for _, y in both])
        )
    case.equal = equal_share([(x, y) for _, x, y in case.pairs] + both)


def _needs_more(column: ColumnTest | None) -> bool:
    """Tell doubt, and too few elements for a verdict of independence, from a settled test."""
    if column is None or column.z > limit.DEPENDENT_Z:
        return False
    return column.z > limit.DOUBT_Z or column.rows * column.columns < limit.ENOUGH_ELEMENTS


def _usable(case: _Case, layers: Sequence[int], columns: tuple[int, int]) -> list[Window]:
    """Return the windows of forms that both sides read along rows, else narrow ones."""
    roles = []
    for weights in (case.child, case.parent):
        require_roles(weights, (*INPUT_ROLES, *OUTPUT_ROLES), layers)
    for role in INPUT_ROLES:
        forms = []
        for weights in (case.child, case.parent):
            try:
                forms.append(find_view(weights, role, layers[0]).form.fast)
            except UnreadableWeightError:
                forms.append("")
        if forms == ["columns", "columns"] or (
            case.child.source.kind != "hub" and case.parent.source.kind != "hub"
        ):
            roles.append(role)
    if roles:
        return block_windows(layers, columns, roles=roles)
    assert case.child.hidden is not None  # noqa: S101
    return narrow_windows(case.child.depth, case.child.hidden)


def _roles(windows: Sequence[Window]) -> list[str]:
    return list(dict.fromkeys(window.role for window in windows))


def _read_pairs(case: _Case, windows: list[Window]) -> list[tuple[Window, Floats, Floats]]:
    ours, theirs = read_windows(case.child, windows), read_windows(case.parent, windows)
    return [
        (window, ours[window], theirs[window])
        for window in windows
        if window in ours and window in theirs
    ]


def _test(case: _Case, pairs: Sequence[tuple[Window, Floats, Floats]]) -> ColumnTest | None:
    """Test windows of one column range together; constants drop out as they have no spread."""
    if not pairs:
        return None
    return column_test(
        np.vstack([x for _, x, _ in pairs]),
        np.vstack([y for _, _, y in pairs]),
        permutations=case.permutations,
    )


def _decide_by_columns(case: _Case) -> PairResult | None:
    """Return the verdict where the column test settles it, else None."""
    column, embedding = case.column, case.embedding
    if column is None or column.z <= limit.DEPENDENT_Z:
        return None
    if case.equal == 1.0 and case.child.depth == case.parent.depth and _more_is_equal(case):
        return case.conclude("same-weights", "every sampled value is equal", "identity")
    if not case.layers:
        case.layers = _each_layer(case)
    if column.cosine < limit.SHARED_INIT_COSINE:
        probe = prepare_probe(case.child, case.parent)
        if probe is not None and _only_began_alike(probe):
            return case.conclude(
                "shared-init",
                "columns are aligned, but neither values nor what tokens mean are alike: the same "
                "initialisation or a far ancestor, not descent",
                "column",
            )
    foreign = [link.child for link in case.layers if link.parent is None]
    if foreign and len(foreign) * 2 >= len(case.layers):
        return case.conclude(
            "partial", f"{len(case.layers) - len(foreign)} of {len(case.layers)} sampled layers "
            "come from the parent, the others do not", "column"
        )  # fmt: skip
    if embedding is not None and embedding.z <= limit.DOUBT_Z and embedding.columns >= 256:
        return case.conclude("derived", "blocks come from the parent; embeddings do not", "column")
    return case.conclude("derived", "columns of the sampled weights are aligned", "column")


def _only_began_alike(probe: Probe) -> bool:
    """Return whether dependent models disagree on which tokens lie near each other.

    Training soon settles that; descendants keep it through all disguises, and two trainings from
    one initialisation find their own.
    """
    return probe.gram_correlation() < limit.SHARED_INIT_GRAM


def _more_is_equal(case: _Case) -> bool:
    """Look at matrices the plan leaves out before equality of all is concluded."""
    pairs = []
    for role in OUTPUT_ROLES:
        for layer in range(min(case.child.depth, 32)):
            try:
                view = find_view(case.child, role, layer)
            except UnreadableWeightError:
                continue
            window = Window(role, layer, (view.rows // 2,), choose_columns(view.columns))
            pairs += _read_pairs(case, [window])
    return equal_share((x, y) for _, x, y in pairs) in (1.0, None) and (
        case.child.file_of.keys() == case.parent.file_of.keys()
    )


def _each_layer(case: _Case) -> tuple[LayerLink, ...]:
    """Test each sampled layer by itself against its own counterpart."""
    links = []
    for layer in sorted({window.layer for window, _, _ in case.pairs}):
        found = _test(
            _without_permutations(case), [pair for pair in case.pairs if pair[0].layer == layer]
        )
        if found is not None:
            same = found.z > limit.DOUBT_Z
            links.append(LayerLink(layer, layer if same else None, found.z))
    return tuple(links)


def _without_permutations(case: _Case) -> _Case:
    """Return `case` without random permutations, which only the joint test draws."""
    return replace(case, permutations=0)


def _decide_by_probe(case: _Case, *, deep: bool) -> PairResult:
    column, embedding = case.column, case.embedding
    inherited = embedding is not None and embedding.z > limit.DEPENDENT_Z
    probe: Probe | None = None
    if deep:
        case.report("reading embeddings and feed-forward weights for the token probe")
        probe = prepare_probe(case.child, case.parent)
        case.probe = probe_pair(probe) if probe is not None else None
    seen = case.probe
    if probe is not None and seen is not None and seen.z > limit.DEPENDENT_Z:
        if _only_began_alike(probe):
            return case.conclude(
                "shared-init", "neurons are those of one initialisation, but what tokens mean is "
                "not alike: not descent", "probe"
            )  # fmt: skip
        return case.conclude(
            "derived", "neurons answer shared tokens alike: the same weights, permuted, rotated, "
            "scaled or cut", "probe"
        )  # fmt: skip
    if inherited and column is not None:
        return case.conclude(
            "partial", "the embeddings come from the parent; the blocks do not", "column"
        )
    compared = column.rows * column.columns * max(1, len(case.layers)) if column else 0
    enough = compared >= limit.ENOUGH_ELEMENTS
    if seen is not None and seen.z <= limit.DOUBT_Z and (
        column is None or (enough and column.z <= limit.DOUBT_Z)
    ):  # fmt: skip
        return case.conclude(
            "independent", "neither columns nor neurons are aligned beyond chance", "probe"
        )
    if column is None and seen is None:
        return case.conclude("undetermined", _why_nothing(case), "nothing")
    if not deep:
        return case.conclude(
            "undetermined", "columns are not aligned; only a token probe could tell disguised "
            "weights from foreign ones", "nothing"
        )  # fmt: skip
    if seen is None and enough and column is not None and column.z <= limit.DOUBT_Z:
        return case.conclude(
            "undetermined", "columns are not aligned, and no token probe could be made", "nothing"
        )
    return case.conclude("undetermined", "the sample leaves doubt", "nothing")


def _why_nothing(case: _Case) -> str:
    for weights in (case.child, case.parent):
        if weights.reading.unread:
            first = weights.reading.unread[0]
            return f"{first.part} could not be compared: {first.reason}"
    return "the two have no weights that can be compared"
