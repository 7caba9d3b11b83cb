"""How a scan is going: counts by outcome and by error, and how fast."""

from __future__ import annotations

import time
from collections import Counter

from famtree.formats.escape import clip_text
from famtree.scan.row import Row

MOST_TOLD = 20


class Tally:
    """Counts rows as they come."""

    def __init__(self, held: int = 0) -> None:
        self.held = held
        """Rows of an earlier scan, which are not asked for again."""
        self.outcomes: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.failed: list[str] = []
        """The first references that failed, and why."""
        self._started = time.monotonic()

    def add(self, row: Row) -> None:
        """Count one row."""
        if row["error_code"] is None:
            self.outcomes[row["outcome"]] += 1
        else:
            self.errors[row["error_code"]] += 1
            if len(self.failed) < MOST_TOLD:
                self.failed.append(f"{clip_text(row['ref'])} ({row['error_code']})")

    @property
    def rows(self) -> int:
        """Rows so far, failures among them."""
        return self.outcomes.total() + self.errors.total()

    @property
    def rate(self) -> float:
        """Rows a second since the beginning."""
        return self.rows / max(time.monotonic() - self._started, 1e-9)

    def describe(self) -> str:
        """Return a line, what came out, what failed, how fast, and one for each that failed."""
        parts = [f"{count} {word}" for word, count in sorted(self.outcomes.items())]
        if self.errors:
            reasons = ", ".join(f"{code} {count}" for code, count in self.errors.most_common())
            parts.append(f"{self.errors.total()} failed ({reasons})")
        earlier = f", {self.held} held already" if self.held else ""
        if not parts:
            return f"nothing scanned{earlier}"
        lines = [f"{self.rows} scanned{earlier}: {', '.join(parts)}; {self.rate:.1f} a second"]
        lines += [f"failed: {one}" for one in self.failed]
        if more := self.errors.total() - len(self.failed):
            lines.append(f"failed: {more} more, which the rows name")
        return "\n".join(lines)
