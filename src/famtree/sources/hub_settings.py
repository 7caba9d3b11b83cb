"""huggingface_hub's settings, read by it from the user's surroundings."""

from __future__ import annotations

from types import ModuleType

from famtree.errors import UsageError

_HINT = "look at HF_HUB_DOWNLOAD_TIMEOUT, HF_HUB_ETAG_TIMEOUT, HF_HOME and the other HF variables"


def load_settings() -> ModuleType:
    """Return `huggingface_hub.constants`. Raises UsageError for a variable it cannot read."""
    try:
        from huggingface_hub import constants
    except (ValueError, OSError, RuntimeError) as fault:
        raise UsageError(
            f"huggingface_hub cannot read its settings: {fault}", hint=_HINT
        ) from fault
    return constants


def find_read_timeout(*, described: bool = False) -> float:
    """Return the seconds that a server may be silent. Raises UsageError for none at all.

    HF_HUB_ETAG_TIMEOUT where a repository is `described`, else HF_HUB_DOWNLOAD_TIMEOUT.
    """
    name = "HF_HUB_ETAG_TIMEOUT" if described else "HF_HUB_DOWNLOAD_TIMEOUT"
    seconds = float(getattr(load_settings(), name))
    if seconds <= 0:
        raise UsageError(f"{name} is {seconds:g} seconds", hint="set 10, say")
    return seconds


def list_hub_endpoints() -> tuple[str, ...]:
    """Return the addresses of the Hub's own hosts, whichever endpoint is asked."""
    constants = load_settings()
    names = ("_HF_DEFAULT_ENDPOINT", "_HF_DEFAULT_STAGING_ENDPOINT")
    known = (getattr(constants, name, None) for name in names)
    return (*(one for one in known if one), "https://hf.co")


def find_origin() -> str:
    """Return who calls, as the user names it, without what a header cannot hold."""
    stated = load_settings().HF_HUB_USER_AGENT_ORIGIN or ""
    return "".join(mark if " " <= mark <= "~" else " " for mark in stated).strip()
