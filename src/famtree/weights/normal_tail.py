"""Tails of the normal distribution, in logarithms: p-values of 1e-300 and less are the rule."""

from __future__ import annotations

from math import erfc, expm1, log, log1p, log10, pi, sqrt

_FAR = 25.0
"""From here on the asymptotic series is exact to 1e-6 and `erfc` nears its underflow."""
_TINY = -12.0
"""Below, a p-value of so few trials equals Bonferroni's bound to nine digits."""
_SURE = 1 - 1e-9
"""Nearest to certainty that a corrected p comes: z = -6, where a p of 1 has no z at all."""


def log10_upper_tail(z: float) -> float:
    """Return log10 P(Z > z) of a standard normal Z.

    Beyond 25: log phi(z) - log z + log(1 - 1/z^2 + 3/z^4 - 15/z^6) (Abramowitz & Stegun 26.2.12).
    """
    if z < _FAR:
        return log10(0.5 * erfc(z / sqrt(2)))
    square = z * z
    series = 1 - 1 / square + 3 / square**2 - 15 / square**3
    return (-0.5 * square - 0.5 * log(2 * pi) - log(z) + log(series)) / log(10)


def correct_for_trials(log10_p: float, trials: int) -> tuple[float, float]:
    """Return (z, log10 p) of the best of `trials` tests, as if there had been one.

    p of the smallest of n independent p-values is 1 - (1 - p)^n (Sidak), which Bonferroni's n p
    bounds from above; the bound is returned where the two cannot be told apart. z is the point
    whose tail is the corrected p, found by bisection: it stays N(0, 1) where the tests are
    independent, and is conservative where they are alike.
    """
    trials = max(trials, 1)
    if log10_p < _TINY:
        corrected = log10_p + log10(trials)
    else:
        # 1 - (1 - p)^n without cancellation.
        p = -expm1(trials * log1p(-min(10**log10_p, _SURE)))
        corrected = log10(min(p, _SURE))
    low, high = -40.0, 1e4
    for _ in range(80):
        middle = (low + high) / 2
        if log10_upper_tail(middle) > corrected:
            low = middle
        else:
            high = middle
    return low, corrected
