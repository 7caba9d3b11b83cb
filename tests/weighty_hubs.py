"""Checkpoints of real weights on the test Hub, with what their cards claim."""

from __future__ import annotations

from typing import Any

from hub.server import HubServer
from tiny_models import Arrays, files_of


def publish(hub: HubServer, name: str, arrays: Arrays, *parents: str, **config: Any) -> None:
    claims = "\n".join(f"- {parent}" for parent in parents)
    card = f"---\nbase_model:\n{claims}\n---\n" if parents else "---\nlicense: mit\n---\n"
    hub.add(name, {**files_of(arrays, **config), "README.md": card.encode()},
            card={"base_model": list(parents)} if parents else {})  # fmt: skip
