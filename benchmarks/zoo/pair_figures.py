"""Figures about pairs: are two checkpoints related, and which one came first?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from zoo.answers import DirectionAnswer, PairAnswer
from zoo.figures import Figure, fit_normal, make_share, summarise

LIMIT = 6.0
NULL = ("twins", "strangers")
KS_LEVEL = 0.01


def count_related(answers: Sequence[PairAnswer], marked: bool) -> list[Figure]:
    """Return false positives and the share of true pairs that were found."""
    unrelated = [one for one in answers if one.group in NULL]
    twins = [one for one in unrelated if one.group == "twins"]
    shared = [one for one in answers if one.group == "shared-init"]
    related = [one for one in answers if one.group == "related"]
    open_ones = [one for one in related if not one.disguised]
    disguised = [one for one in related if one.disguised]

    def count(name: str, cases: Sequence[PairAnswer], mark: tuple[str, float] | None) -> Figure:
        found = sum(one.related for one in cases)
        return make_share(name, found, len(cases), mark if marked else None)

    claimed = [one for one in shared if one.verdict in ("derived", "same-weights")]
    return [
        Figure("negatives", len(unrelated), len(unrelated), ("at least", 500) if marked else None),
        count("false positives: unrelated pairs said to be related", unrelated, ("at most", 0)),
        count("  of these same config, same data, other seed", twins, ("at most", 0)),
        count("true pairs found, disguised included", related, ("at least", 0.99)),
        count("  without disguises", open_ones, ("at least", 1.0)),
        count("  with disguises", disguised, None),
        make_share("shared initialisation said to be descent", len(claimed), len(shared), None),
    ]


def describe_null(title: str, answers: Sequence[PairAnswer], marked: bool) -> list[Figure]:
    """Compare every statistic of independent pairs with N(0, 1).

    The marks hold for the largest value, and for how far the upper tail may exceed a normal one's:
    by Smirnov's bound, exp(-2 n d^2), once in a hundred samples.
    """
    figures = []
    for statistic in ("column_z", "embedding_z", "probe_z"):
        found = (getattr(one, statistic) for one in answers)
        sample = [value for value in found if value is not None]
        if not sample:
            continue
        about, fit = summarise(sample), fit_normal(sample)
        name = f"{statistic.removesuffix('_z')} z of {title}"
        allowed = math.sqrt(-math.log(KS_LEVEL) / (2 * len(sample)))
        note = f"p {fit.p_value:.2g}; mean {about['mean']:.2f}, sd {about['deviation']:.2f}"
        figures += [
            Figure(
                f"{name}: largest",
                about["most"],
                len(sample),
                ("at most", LIMIT) if marked else None,
            ),
            Figure(f"{name}: KS distance from N(0, 1)", fit.distance, len(sample), None, note),
            Figure(
                f"{name}: excess of the upper tail",
                fit.excess,
                len(sample),
                ("at most", round(allowed, 3)) if marked else None,
            ),
        ]
    return figures


def count_directions(answers: Iterable[DirectionAnswer], marked: bool) -> list[Figure]:
    """Return how often a direction was given and was right."""
    answers = list(answers)
    figures = []
    for title, chosen in (
        ("edges", [one for one in answers if not one.disguised]),
        ("disguised edges", [one for one in answers if one.disguised]),
    ):
        judged = marked and title == "edges"
        given = [one for one in chosen if one.said is not None]
        right = sum(one.said == one.parent for one in given)
        figures += [
            make_share(
                f"direction right where given, {title}",
                right,
                len(given),
                ("at least", 0.95) if judged else None,
            ),
            make_share(
                f"direction abstained, {title}",
                len(chosen) - len(given),
                len(chosen),
                ("at most", 0.15) if judged else None,
            ),
        ]
    return figures
