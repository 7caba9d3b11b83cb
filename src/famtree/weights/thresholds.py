"""Every threshold of the weight tests, with its origin.

Chosen on small models trained for the purpose (four designs; see docs/verify.md) and frozen
before the held-out trees there were run.
"""

from __future__ import annotations

PLAN_VERSION = 1
"""Positions of sketches are a function of roles, layers, shapes and this number."""

DEPENDENT_Z = 6.0
"""p = 1e-9: with ten thousand candidate parents still 1e-5 by Bonferroni."""
DOUBT_Z = 4.0
"""Up to here an aligned descendant would have a mean cosine below .06; between the two, four
times as much is read."""
ENOUGH_ELEMENTS = 4096
"""Elements a side that a verdict of independence needs; fewer leave it undetermined."""

SHARED_INIT_COSINE = 0.5
"""Below, dependence is no proof of descent: two trainings from one initialisation reach .23,
the longest continued pretraining .73."""
SHARED_INIT_GRAM = 0.5
"""Correlation of token-token cosines: shared initialisations reach .36, far relatives .65."""
SHARED_ANSWERS = 0.05
"""Rank correlation of two assignments of neurons that shared training text can explain: twins
reach a mean of .02 with deviation .04, descendants in disguise from .8."""

STEP_FINETUNE = 0.25
"""|child - parent| / |parent|: cosines above about .97 are finetuning, below continued
pretraining or very strong finetuning."""
LORA_MAX_RANK = 64

CAST_SHARE = 0.99
"""Share of equal values (a 16-bit format rounds the smallest ones) that makes a cast."""

T_ABSTAIN = 0.65
"""Of 82 finetunes whose norms decided, those told wrong had .26, .56 and, with rows that decayed
the other way, 1.44; of the right ones four had less than .65."""
SHARE_GROWTH = 0.2
"""The same statistic, of what one update adds to another: least that makes it the later one."""
DECAY_COSINE = 0.9995
DECAY_ARROW = -3e-4
DECAY_NOISE = 1e-5
"""Median log ratio of row norms that rounding alone stays below."""
DECAY_ROWS = 8
GRID_DISTINCT = 0.9
"""Distinct magnitudes over their number in blocks of 64: quantized at most .824, others from
.949."""
SPARSE_ZEROS = 0.2

BETA_LEAST, BETA_MOST = 0.98, 1.3
BETA_SPREAD, BETA_SPREAD_SHARE = 0.03, 0.4
"""Mean of beta over matrices, and its deviation: at most the first, or this share of what the mean
exceeds one by. Descendants have means of .993 to 1.08 and deviations up to .021 (1.24 and .1 where
the earlier step is tiny); of siblings with a mean of .95 to 1.3 the deviation is at least .038,
and .55 of the excess."""
ROW_STILL, ROW_TURNED = 5e-6, 3e-5
"""1 - cosine of an embedding row that was only rounded and shrunk, and of one that was trained."""
BETA_INHERITED = 0.9
"""Mean that is enough where embedding rows say the same."""
ROWS_KEPT = 8
ROWS_STRAY_SHARE = 0.02
"""Descendants keep from 17 rows of their ancestor's training and have none that are older;
siblings keep none and have from 2 older ones."""
MERGE_RATIO = 0.3
"""Residual of a two-parent mix over that of the best single one: merges reach .011, the best
other pair .54."""
MERGE_EXPLAINED = 0.9
"""Share of telling coordinates that a merge's arithmetic explains to within rounding."""
MERGE_COORDINATES = 200
"""Fewer telling coordinates leave a merge undecided."""
MUTUAL_RATIO, MUTUAL_LEAST = 4.0, 0.005
"""Of two members that name each other as parents the one stands that leaves so many times less
unexplained, and the other more than this share."""
SPARSE_PEAK = 0.03
SPARSE_EXPLAINED = 0.98
SPARSE_UNIQUE = 0.02
"""Of sparse merges: share of coordinates at one multiple of a parent's delta, share explained in
all, and by each parent alone."""
