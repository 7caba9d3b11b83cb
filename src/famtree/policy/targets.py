"""Checkpoints that a policy names by a pattern or a folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from glob import iglob
from itertools import islice
from os.path import isdir, splitext

from famtree.errors import FamtreeError, NotFoundError, UsageError
from famtree.policy.load import Demand
from famtree.sources.hub_access import HubAccess
from famtree.sources.nested import walk_checkpoints
from famtree.sources.reference import is_path_like, is_pattern
from famtree.sources.weight_files import CHECKPOINT_SUFFIXES

MAX_TARGETS = 10_000
"""Checkpoints that one pattern may stand for; a policy names no more."""


def expand_demands(
    demands: Iterable[Demand], *, offline: bool, access: HubAccess
) -> list[tuple[Demand, FamtreeError | None]]:
    """Return each checkpoint by itself, with what kept a pattern from being followed."""
    found: list[tuple[Demand, FamtreeError | None]] = []
    for demand in demands:
        try:
            refs = list(islice(_expand(demand, offline, access), MAX_TARGETS + 1))
            if not refs:
                raise NotFoundError(
                    f"{demand.policy.ref} matches no checkpoint", hint="check the pattern"
                )
            if len(refs) > MAX_TARGETS:
                raise UsageError(
                    f"{demand.policy.ref} matches more than {MAX_TARGETS} checkpoints",
                    hint="write a narrower pattern",
                )
        except FamtreeError as fault:
            found.append((demand, fault))
            continue
        found += [(_name(demand, ref), None) for ref in refs]
    return found


def _name(demand: Demand, ref: str) -> Demand:
    """Return what is demanded of one checkpoint of those that a pattern stands for."""
    if ref == demand.ref:
        return demand
    policy = demand.policy.model_copy(update={"ref": ref})
    return replace(demand, ref=ref, policy=policy, target=demand.policy.ref)


def _expand(demand: Demand, offline: bool, access: HubAccess) -> Iterator[str]:
    ref = demand.ref
    if not is_pattern(ref):
        yield from _look_below(ref) if isdir(ref) else [ref]
    elif is_path_like(ref):
        for path in sorted(iglob(ref)):
            if isdir(path):
                yield from _look_below(path)
            elif path.endswith(CHECKPOINT_SUFFIXES) and splitext(path)[1]:
                yield path
    else:
        from famtree.sources.hub_models import walk_models

        author = ref.partition("/")[0]
        rule = re.sub(r"\[(?!!)", "[", ref.lower())
        models = walk_models(author=author, offline=offline, access=access)
        yield from (name for name in models if fnmatchcase(name.lower(), rule))


def _look_below(folder: str) -> Iterator[str]:
    """Yield a folder, or the checkpoints below it where it is none itself but has several."""
    try:
        found = list(islice(walk_checkpoints(folder), MAX_TARGETS + 1))
    except OSError:
        found = []
    yield from found if len(found) > 1 else [folder]
