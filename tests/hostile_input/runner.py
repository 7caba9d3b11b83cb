"""Runs `famtree` once a line of stdin in a process of its own, measured and under hard limits.

One JSON request `{"arguments": [...], "environment": {...}}` a line; one JSON reply `{"code",
"out", "err", "seconds", "megabytes"}` a line. Each run is a fork of this process, which has the
imports done, so a crash or a limit ends that run alone and its peak memory is its own.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import sys
import tempfile
import traceback
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

MAX_SECONDS = 5
MAX_MEGABYTES = 300
"""What reading any one file may take at most, of processor time and of memory."""
STOP_SECONDS = 3 * MAX_SECONDS
"""A run is ended here. How fast a processor is, and what else it does, is the machine's: a test
fails for what is far over the budget, and `benchmarks/hostile.py` holds the budget itself."""
_WALL_SECONDS = 30
"""A run that waits for something that never comes ends here, by a signal."""
_ADDRESS_SPACE = 3 << 30
"""Keeps a runaway run from taking the machine; what is asserted is the peak resident size."""
_CAPABILITIES_VERSION = 0x20080522
EXAMPLE = str(Path(__file__).parents[2] / "fixtures" / "example")


def drop_privileges() -> None:
    """Make root an ordinary user, for whom file permissions count."""
    if sys.platform == "linux" and os.geteuid() == 0:
        header = (ctypes.c_uint32 * 2)(_CAPABILITIES_VERSION, 0)
        if ctypes.CDLL(None, use_errno=True).capset(header, (ctypes.c_uint32 * 6)()):
            raise OSError(ctypes.get_errno(), "capset failed")


def _run(arguments: list[str], out: int, err: int) -> int:
    import resource

    os.dup2(out, 1)
    os.dup2(err, 2)
    resource.setrlimit(resource.RLIMIT_CPU, (STOP_SECONDS, STOP_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(_WALL_SECONDS)
    drop_privileges()
    from famtree.cli.app import make_app
    from famtree.cli.run import run

    code = run(make_app(arguments[0]), arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def measure(request: dict[str, Any]) -> dict[str, Any]:
    """Run one request in a child and return what it did and what it took."""
    with (
        patch.dict(os.environ, request["environment"]),
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        _keep_registry()
        child = os.fork()
        if child == 0:
            code = 99
            try:
                code = _run(request["arguments"], out.fileno(), err.fileno())
            except BaseException:  # noqa: BLE001 - the fork must never return to the loop
                os.write(2, traceback.format_exc().encode())
            finally:
                os._exit(code)
        _, status, usage = os.wait4(child, 0)
        out.seek(0)
        err.seek(0)
        return {
            "code": os.waitstatus_to_exitcode(status),
            "out": out.read().decode("utf-8", "replace"),
            "err": err.read().decode("utf-8", "replace"),
            "seconds": usage.ru_utime + usage.ru_stime,
            "megabytes": usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10),
        }


def _keep_registry() -> None:
    """Put the compiled registry where the workers of a scan, which are no forks, look for it."""
    from famtree.registry.compiled import cached_path, write_cache_file
    from famtree.registry.load import DATA, stamp_sources

    path = cached_path(stamp_sources(DATA))
    if not path.exists():
        write_cache_file(path, _compiled())


@cache
def _compiled() -> bytes:
    from famtree.registry.compiled import dump_compiled
    from famtree.registry.load import DATA, load_registry, stamp_sources

    return dump_compiled(load_registry(), stamp_sources(DATA))


def serve() -> None:
    """Answer requests until stdin ends."""
    import msgspec  # noqa: F401 - so that no run spends its time on imports
    import yaml  # noqa: F401

    import famtree.api
    import famtree.checkpoint.examine
    import famtree.checkpoint.gguf
    import famtree.cli.app
    import famtree.cli.identify
    import famtree.fingerprints.tokenizer_json
    import famtree.formats.json_report
    import famtree.sources.local
    from famtree.cli.launch import COLLECT_AFTER
    from famtree.registry import load

    # Most of what a run takes is the same for all: the registry, patterns, rules. It is read once,
    # by the first whole answer, and every fork has it.
    registry = load.load_registry()
    load.load_registry = lambda *_: registry
    famtree.api.identify(EXAMPLE)
    gc.set_threshold(COLLECT_AFTER)

    for line in sys.stdin:
        sys.stdout.write(json.dumps(measure(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
