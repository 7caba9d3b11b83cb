"""Thresholds of what two dependent checkpoints have to show besides dependence, with their origin.

Those of dependence itself are `thresholds`. These were chosen on numpy-made pairs (see
`benchmarks/forgeries.py`, seeds below 1000) and frozen before its held-out seeds were run.
"""

from __future__ import annotations

ODD_Z = 3.0
ODD_EXPECTED = 5.0
"""A drawn matrix does not fit the others where its z is below the first though their cosine would
give it more than the second; three more rows of each are read before that is believed."""
ODD_ROW_EXPECTED, ODD_ROW_SHARE = 8.0, 0.1
"""The same of single rows, and the share of them that is no chance."""
ODD_SHARE = 20
"""One matrix of so many that does not fit is an exception, two are none."""
TURNED = 0.2
"""Magnitudes of a copy with turned signs are so much more alike than its values."""
MOVED_SHARE, WRITERS_SHARE = 0.2, 0.8
"""An order is another one where so many of the matched columns moved, and explains rows that are
not aligned where so many of those that belong to matched columns are, z by z."""

T_MOST = 1.3
"""Beyond, the norm grew or shrank by more than a step orthogonal to the start can do: decay, a
scaled tensor, or a long training that nothing was measured on."""
ABLATION_REST, ABLATION_COSINE, ABLATION_MATRICES = 0.2, 0.95, 3
"""A projected-out direction: second singular value over the first (what rounding leaves), cosine
of the direction between matrices, and how many matrices have to show it."""
SCALED_COSINE = 0.5
"""Cosine of a difference with the matrix it was made to: orthogonal updates have less than .1."""

SHARE_SIBLING, SHARE_DESCENDANT, SHARE_ERROR = 0.5, 0.9, 0.3
"""Share of the parent's update that a child has: descendants .98 and more (whitened: .993 to 1.08),
siblings about 0, and more where like data made their updates alike; three standard errors of it."""
T_LEAST = 0.65
"""Least growth that says which of two that name each other was first."""

LEARNED_COSINE = 0.995
"""Above, two trainings from one start are not looked for: such reach .991 at a rate of 3e-4."""
LEARNED_KEPT, LEARNED_LEAST = 0.95, 4
"""Share of what one of two has learned that the other holds, the larger of both ways, and the least
directions that it is read off: parents and children 1.00 to 1.08, siblings .96 to 1.04, two
trainings from one start .26 to .91."""
LEARNED_ENOUGH = 2
"""Directions of a block, of the side that has fewer, from which on what was learned tells apart
where both come from: after 160 steps at a rate of 3e-4 there are .5 to 1.6 (and two from one start
hold up to 1.01 of each other's), at 1e-3 3.2 and more."""

PART_LIKENESS, PART_ERRORS, PART_SHARE, PART_SIGNS = 0.95, 4.0, 0.5, 0.6
"""Rows are the parent's in part: the likeness beyond which less than a twentieth differs; standard
errors of the variance of likeness, and its least share of what it can be (copied columns .7 to
1.3, descendants up to .7 where weights are heavy-tailed, or 1.3 where pruned and tuned); most of
the signs (copied columns up to .5, descendants from .7)."""
