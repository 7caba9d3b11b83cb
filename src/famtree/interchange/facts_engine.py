"""Facts about what one version of one engine runs."""

from __future__ import annotations

from famtree.interchange.pair import Fact, Pair
from famtree.interchange.side import Side
from famtree.interchange.versions import read_version


def find_support(pair: Pair, side: Side) -> str | None:
    """Return `native`, `generic`, `removed` or `absent`; None where the list does not tell.

    The list is that of the version its file was checked at: an older version may lack a class
    that is on it, and a newer one may have one that is not.
    """
    engine = pair.engine
    if engine is None or engine.support is None:
        return None
    name = side.architecture.class_name
    if name is None:
        return None
    asked, known = read_version(pair.version or ""), read_version(engine.version)
    same = asked == known
    older = asked is not None and known is not None and asked < known
    support = engine.support
    if name in support.removed:
        last = read_version(support.removed[name])
        if asked is None or last is None:
            return None
        return "removed" if asked > last else "native"
    if name in support.architectures:
        return None if older else "native"
    if name in support.generic:
        return None if older else "generic"
    return "absent" if same else None


def _last(pair: Pair) -> str | None:
    support = pair.engine.support if pair.engine is not None else None
    return support.removed.get(pair.b.architecture.class_name or "") if support else None


ENGINE_FACTS: dict[str, Fact] = {
    "support.a": Fact("whether this version runs a's class", lambda p: find_support(p, p.a)),
    "support.b": Fact("whether this version runs b's class", lambda p: find_support(p, p.b)),
    "support.last": Fact("the last version that ran b's class", _last),
    "engine.version": Fact("the engine's version", lambda p: p.version),
}
