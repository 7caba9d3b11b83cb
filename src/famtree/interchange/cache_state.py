"""Size of the state a recurrent or convolutional layer keeps, from the config's own numbers.

Formulas: vllm/model_executor/layers/mamba/mamba_utils.py (0.33.0) for selective scans, gated
delta rule, KDA, short convolutions and linear attention; the attention modules of transformers for
gated linear recurrences and time mixing. One convolution keeps its kernel's length less one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from famtree.fingerprints.aliases import look_up
from famtree.interchange.cache_kinds import UnseenError, load_caches

MOST = 2**40
"""Larger counts are no sizes of a state."""
Counts = tuple[int, int]
"""(numbers in convolutions, numbers in the recurrence) of one layer."""


class State(NamedTuple):
    """What one layer keeps of a recurrence, in numbers."""

    mixer: str
    convolution: int
    recurrent: int


def read_state(
    text: dict[str, Any], hidden_size: int | None, heads: int | None, head_dim: int | None
) -> State:
    """Return the state of one layer. Raises UnseenError where the config does not tell."""
    for mixer in load_caches()["mixers"]:
        marks = mixer.get("any_of")
        if marks and not any(look_up(text, key) is not None for key in marks):
            continue
        sizes = {role: _first(text, keys) for role, keys in mixer["keys"].items()}
        if any(value is None for value in sizes.values()):
            continue
        for role, keys in mixer.get("optional", {}).items():
            sizes[role] = _first(text, keys)
        sizes |= {"hidden": hidden_size, "query_heads": heads, "query_width": head_dim}
        convolution, recurrent = _MIXERS[mixer["mixer"]](_Sizes(sizes))
        if not 0 <= convolution <= MOST or not 0 <= recurrent <= MOST:
            raise UnseenError("a sensible size of the recurrent state")
        return State(mixer["mixer"], convolution, recurrent)
    raise UnseenError("the size of the recurrent state")


def list_state_heads(text: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield what of a recurrence has to be dealt out among accelerators: role and number.

    Nothing for recurrences that are cut by their width, and where the config does not tell.
    """
    for mixer in load_caches()["mixers"]:
        found = {role: _first(text, keys) for role, keys in mixer["keys"].items()}
        if mixer.get("any_of") or None in found.values():
            continue
        yield from ((role, found[role] or 0) for role in _DEALT if role in found)
        return


_DEALT = ("heads", "key_heads", "value_heads", "groups")


class _Sizes:
    """Numbers by role; asking for one that is not there says so."""

    def __init__(self, sizes: dict[str, int | None]) -> None:
        self._sizes = sizes

    def get(self, role: str) -> int | None:
        """Return a number that need not be there."""
        return self._sizes.get(role)

    def __getitem__(self, role: str) -> int:
        value = self._sizes.get(role)
        if value is None:
            raise UnseenError(f"the size of the recurrent state ({role.replace('_', ' ')})")
        return value


def _first(text: dict[str, Any], keys: list[str]) -> int | None:
    for key in keys:
        value = look_up(text, key)
        if type(value) is int and 0 < value < 2**31:
            return value
    return None


def _gated_delta(s: _Sizes) -> Counts:
    keys = s["key_heads"] * s["key_width"]
    values = s["value_heads"] * s["value_width"]
    return (2 * keys + values) * (s["kernel"] - 1), values * s["key_width"]


def _kda(s: _Sizes) -> Counts:
    width = s["heads"] * s["width"]
    return 3 * width * (s["kernel"] - 1), width * s["width"]


def _mamba2(s: _Sizes) -> Counts:
    expand = s.get("expand")
    inner = s.get("inner")
    width = s.get("width")
    if width is not None:
        inner = inner or s["heads"] * width
    elif inner is None and expand is not None:
        inner = expand * s["hidden"]
    elif inner is None:
        inner = s["heads"] * s["head_dim"]
    convolution = (inner + 2 * s["groups"] * s["state"]) * (s["kernel"] - 1)
    return convolution, inner * s["state"]


def _mamba1(s: _Sizes) -> Counts:
    """A hybrid's `intermediate_size` is that of its MLP: there `mamba_expand` counts."""
    expand = s.get("expand")
    inner = expand * s["hidden"] if expand else s.get("inner")
    if inner is None:
        inner = s["own_expand"] * s["hidden"]
    return inner * (s["kernel"] - 1), inner * s["state"]


def _short_convolution(s: _Sizes) -> Counts:
    return (s.get("inner") or s["hidden"]) * (s["kernel"] - 1), 0


def _gated_recurrence(s: _Sizes) -> Counts:
    width = s.get("inner") or s["hidden"]
    return width * (s["kernel"] - 1), width


def _time_mix(s: _Sizes) -> Counts:
    """Last inputs of time and channel mixing, and one matrix a head."""
    return 2 * s["hidden"], (s.get("inner") or s["hidden"]) * s["width"]


def _linear(s: _Sizes) -> Counts:
    return 0, s["query_heads"] * s["query_width"] * s["query_width"]


_MIXERS: dict[str, Callable[[_Sizes], Counts]] = {
    "gated-delta": _gated_delta,
    "kda": _kda,
    "mamba2": _mamba2,
    "mamba1": _mamba1,
    "short-conv": _short_convolution,
    "gated-recurrence": _gated_recurrence,
    "time-mix": _time_mix,
    "linear": _linear,
}
