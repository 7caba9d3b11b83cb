"""Facts about what one version of one engine runs."""

from __future__ import annotations

from famtree.interchange.adapters import highest_rank
from famtree.interchange.facts_lora import read_initial
from famtree.interchange.pair import Fact, Pair
from famtree.interchange.side import Side
from famtree.interchange.stored_methods import takes_form
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


def _has(pair: Pair, capability: str) -> bool | None:
    """Return whether b's class is on one of the engine's lists; None where that does not tell.

    Another version may have given a class what it lacks at the version the list was read from.
    """
    support = pair.engine.support if pair.engine is not None else None
    listed = getattr(support, capability) if support is not None else None
    name = pair.b.architecture.class_name
    if listed is None or name is None:
        return None
    if name in listed:
        return True
    same = pair.engine is not None and read_version(pair.version or "") == read_version(
        pair.engine.version
    )
    return False if same and find_support(pair, pair.b) in ("native", "generic") else None


def _knows_type(pair: Pair) -> bool | None:
    """Return whether the engine goes by b's `model_type`, where it is that which chooses."""
    support = pair.engine.support if pair.engine is not None else None
    stated = pair.b.config.get("model_type")
    if support is None or not support.model_types or not isinstance(stated, str):
        return None
    return stated in support.model_types


def _lacks(pair: Pair) -> bool:
    """Return whether b's class or type is known not to be there; False where that is not known."""
    return find_support(pair, pair.b) in ("removed", "absent") or _knows_type(pair) is False


def _rank_limit(pair: Pair) -> int | None:
    """Return the least limit the engine lets one set that the adapter's rank keeps."""
    adapters = pair.engine.adapters if pair.engine is not None else None
    rank = highest_rank(pair.a)
    if adapters is None or rank is None:
        return None
    return min((one for one in adapters.ranks if one >= rank), default=None)


def _takes_initial(pair: Pair) -> bool | None:
    adapters = pair.engine.adapters if pair.engine is not None else None
    initial = read_initial(pair)
    if adapters is None or initial is None:
        return None
    return adapters.initial is None or initial == "default" or initial in adapters.initial


def _ended(pair: Pair) -> str | None:
    return pair.engine.ended if pair.engine is not None else None


ENGINE_FACTS: dict[str, Fact] = {
    "support.a": Fact("whether this version runs a's class", lambda p: find_support(p, p.a)),
    "support.b": Fact("whether this version runs b's class", lambda p: find_support(p, p.b)),
    "support.lacking": Fact("whether this version lacks b's class", _lacks),
    "support.last": Fact("the last version that ran b's class", _last),
    "support.lora": Fact("whether b's class takes adapters", lambda p: _has(p, "lora")),
    "support.eagle3": Fact("whether b's class serves EAGLE-3", lambda p: _has(p, "eagle3")),
    "support.experts_3d": Fact(
        "how adapters of b's class name experts", lambda p: _has(p, "experts_3d")
    ),
    "support.towers": Fact(
        "whether b's class takes adapters of its towers", lambda p: _has(p, "towers")
    ),
    "support.stateful": Fact("whether b keeps a state", lambda p: _has(p, "stateful")),
    "support.model_type": Fact("whether it knows b's model_type", _knows_type),
    "form.taken": Fact(
        "whether it takes weights stored as b's are", lambda p: takes_form(p.engine, p.version, p.b)
    ),
    "lora.limit": Fact("the adapter's rank", _rank_limit),
    "lora.takes_initial": Fact("how the adapter began", _takes_initial),
    "engine.version": Fact("the engine's version", lambda p: p.version),
    "engine.ended": Fact("when its maintenance ended", _ended),
    "engine.instead": Fact(
        "what its users went to", lambda p: p.engine.instead if p.engine is not None else None
    ),
}
