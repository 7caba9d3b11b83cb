"""Open an atlas with DuckDB (extra `atlas`): read-only, and cut off from everything else.

An atlas may come from a stranger, and its views and a user's own SQL must not read other files.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from famtree.errors import UnreadableError, UsageError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SCHEMA = "famtree/atlas/1"
SEALED = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    "lock_configuration": "true",
}
"""No file, no network, no extension, no variable of the Python program, and no way to change it."""


def require_duckdb() -> Any:
    """Return the module. Raises UsageError where it is not installed."""
    try:
        import duckdb
    except ImportError as fault:
        raise UsageError("an atlas needs duckdb", hint="pip install 'famtree[atlas]'") from fault
    return duckdb


def open_atlas(path: Path) -> DuckDBPyConnection:
    """Return a sealed, read-only connection to the atlas at `path`; the caller closes it.

    Raises UsageError for an absent file, UnreadableError (code `bad-atlas`) for any other that is
    no atlas of this form.
    """
    duckdb = require_duckdb()
    if not path.is_file():
        raise UsageError(f"no atlas {str(path)!r}", hint="make one with `famtree atlas build`")
    try:
        connection: DuckDBPyConnection = duckdb.connect(str(path), read_only=True, config=SEALED)
    except duckdb.Error as fault:
        raise _unreadable(path, fault) from fault
    try:
        found = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
        if found != (SCHEMA,):
            raise UnreadableError(
                f"{path.name} is not of the form {SCHEMA}", hint=_AGAIN, code="bad-atlas"
            )
    except duckdb.Error as fault:
        connection.close()
        raise _unreadable(path, fault) from fault
    except UnreadableError:
        connection.close()
        raise
    return connection


_AGAIN = "make it again with `famtree atlas build`"


def _unreadable(path: Path, fault: Exception) -> UnreadableError:
    told = (str(fault).splitlines() or ["unreadable"])[0][:200]
    return UnreadableError(f"{path.name} is no atlas: {told}", hint=_AGAIN, code="bad-atlas")
