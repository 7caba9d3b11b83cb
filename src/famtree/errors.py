"""Every error famtree raises on purpose.

    FamtreeError
    ├── UsageError                2   the request itself is wrong
    │   └── PolicyError               a policy file is (all faults at once)
    ├── FetchError                3   could not be fetched
    │   ├── NotFoundError             no such repository, revision, file or folder
    │   ├── AccessError               gated, private, disabled, bad token
    │   ├── OfflineError              needed the network, was told not to
    │   ├── NetworkError              broken off, reset, rate limit, server fault
    │   └── DeadlineError             not there within --timeout
    ├── UnreadableError           4   fetched, but not what it should be
    │   ├── HeaderError               safetensors header
    │   ├── ConfigError               config.json and other JSON
    │   └── TokenizerError            tokenizer files
    └── RegistryError            70   a registry file is wrong (all faults at once)

Each class carries the exit code of the public contract. `code` is the stable word that scripts
read; `hint` is one sentence saying what to do next.
"""

from __future__ import annotations

from typing import Any

from famtree.redaction import redact


class FamtreeError(Exception):
    """Base of all expected errors: a message, a stable `code`, a `hint` and an exit code.

    Tokens and passwords are taken out of both texts, whoever put them in.
    """

    exit_code: int = 70
    code: str = "internal"

    def __init__(self, message: str, *, hint: str = "", code: str | None = None) -> None:
        self.message = redact(message)
        self.hint = redact(hint)
        super().__init__(self.message)
        if code is not None:
            self.code = code


class UsageError(FamtreeError):
    """The command or the reference is not of a form famtree understands."""

    exit_code = 2
    code = "usage"


class PolicyError(UsageError):
    """A policy file is wrong; `faults` has line (from 1), field and what is wrong of each."""

    def __init__(
        self,
        message: str,
        faults: list[tuple[int, str, str]],
        *,
        hint: str = "",
        code: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint, code=code)
        self.faults = [(line, field, redact(reason)) for line, field, reason in faults]


def require_package(module: str, purpose: str, *, instead: str = "") -> Any:
    """Import and return `module`. Raises UsageError, which says what to install, where it is not.

    `instead` is what can be done without it.
    """
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError as fault:
        raise missing_package(module, purpose, instead) from fault


def refuse_bundle(reason: str) -> UsageError:
    """Return the error of a registry bundle that is not taken."""
    return UsageError(
        f"the registry bundle is refused: {reason}",
        hint="nothing was changed; ask whoever publishes it",
        code="bad-bundle",
    )


def missing_package(module: str, purpose: str, instead: str = "") -> UsageError:
    """Return the error of `require_package`."""
    package, extra = PACKAGES[module.partition(".")[0]]
    # A package itself can be had wherever famtree came from: an index, a wheel or a checkout.
    told = f" (famtree's extra {extra})" if extra else ""
    return UsageError(
        f"{purpose} needs the package {package}, which is not installed",
        hint=f"pip install '{package}'{told}{instead}",
    )


PACKAGES = {
    "cryptography": ("cryptography", "attest"),
    "cyclonedx": ("cyclonedx-python-lib", "bom"),
    "duckdb": ("duckdb", "atlas"),
    "fast_sugiyama": ("fast-sugiyama", "html"),
    "mcp": ("mcp", "mcp"),
    "numpy": ("numpy", ""),
    "pyarrow": ("pyarrow", "parquet"),
    "ray": ("ray[data]", "ray"),
    "safetensors": ("safetensors", ""),
    "socks": ("pysocks", "socks"),
}
"""Module -> its package, and the extra of famtree it comes with."""


class FetchError(FamtreeError):
    """The checkpoint, or a needed part of it, could not be fetched."""

    exit_code = 3
    code = "fetch"


class NotFoundError(FetchError):
    """No such repository, revision, file or folder (or a private one seen without a token)."""

    code = "not-found"


class AccessError(FetchError):
    """The repository exists but may not be read: gated, private, disabled or bad token."""

    code = "access"


class OfflineError(FetchError):
    """Something was needed from the network while offline mode was on."""

    code = "offline"


ONLINE = "run once without --offline (and without HF_HUB_OFFLINE)"
"""What to do where something is not cached."""


class NetworkError(FetchError):
    """The network or the server failed: timeout, reset, rate limit, 5xx."""

    code = "network"


class DeadlineError(FetchError):
    """The time that was allowed for all fetching (`--timeout`) is over."""

    code = "timeout"


class UnreadableError(FamtreeError):
    """A file was fetched but is not what its name says."""

    exit_code = 4
    code = "unreadable"


class HeaderError(UnreadableError):
    """A safetensors header is truncated, oversized or malformed."""

    code = "bad-header"


class ConfigError(UnreadableError):
    """config.json or another JSON file cannot be understood."""

    code = "bad-config"


class TokenizerError(UnreadableError):
    """A tokenizer file cannot be understood."""

    code = "bad-tokenizer"


class RegistryError(FamtreeError):
    """One or more registry files are wrong; `faults` lists them all as `file: field: reason`.

    Engine files are told of in the same way, under their own `where` and `hint`.
    """

    exit_code = 70
    code = "bad-registry"

    def __init__(
        self,
        faults: list[str],
        *,
        where: str = "the registry",
        hint: str = "run `famtree families check` to see them all",
    ) -> None:
        self.faults = faults
        super().__init__(
            f"{len(faults)} fault(s) in {where}: {faults[0] if faults else ''}", hint=hint
        )
