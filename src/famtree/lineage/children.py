"""What is known to be made from a checkpoint: asked of the Hub, which knows what cards say."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from famtree.errors import FamtreeError, UsageError
from famtree.sources.hub_access import OWN, HubAccess
from famtree.sources.reference import parse_reference
from famtree.types.checkpoint import Cost
from famtree.types.identification import LinkRelation, Notice
from famtree.types.lineage import ChildGroup

RELATIONS: tuple[LinkRelation, ...] = ("finetune", "adapter", "merge", "quantized")
"""The Hub's own words; it knows no others."""
MAX_EXAMPLES = 10


def list_children(
    ref: str, notices: list[Notice], *, offline: bool = False, access: HubAccess = OWN
) -> tuple[list[ChildGroup], list[Cost]]:
    """Return groups of children, one a relation that has any, and what asking cost.

    What keeps the Hub from being asked becomes a notice: the ancestry is the answer even so.
    """
    try:
        repo = parse_reference(f"hf://{ref}").repo_id
    except UsageError:
        repo = None
    if repo is None or "/" not in repo or offline:
        reason = "offline mode is on" if repo and "/" in repo else f"{ref} is not on the Hub"
        notices.append(_note(f"children were not listed: {reason}"))
        return [], []
    from famtree.sources.hub_children import Children, list_models

    def ask(relation: str) -> Children | FamtreeError:
        try:
            return list_models(repo, relation, access)
        except FamtreeError as fault:
            return fault

    with ThreadPoolExecutor(len(RELATIONS)) as pool:
        answers = list(pool.map(ask, RELATIONS))
    groups, costs = [], []
    for relation, answer in zip(RELATIONS, answers, strict=True):
        if isinstance(answer, FamtreeError):
            notices.append(_note(f"{relation} children were not listed: {answer.message}"))
            continue
        costs.append(answer.cost)
        if answer.names:
            groups.append(
                ChildGroup.model_construct(
                    relation=relation,
                    count=len(answer.names),
                    examples=list(answer.names[:MAX_EXAMPLES]),
                    complete=answer.complete,
                )
            )
    return groups, costs


def _note(message: str) -> Notice:
    return Notice.model_construct(code="children-unlisted", message=message)
