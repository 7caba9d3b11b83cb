"""What every checkpoint of one scan is asked with."""

from __future__ import annotations

from dataclasses import dataclass

THREADS_A_PROCESS = 8
"""Answers wait for the network most of the time, and share one interpreter the rest."""


@dataclass(frozen=True, slots=True)
class ScanSettings:
    """How to scan: the same for every checkpoint, so that any worker gives the same row."""

    workers: int = 2 * THREADS_A_PROCESS
    """Checkpoints under way at a time."""
    offline: bool = False
    sketch: bool = False
    """Read the weight samples of `--verify` as well, once, and keep them as a sketch."""
