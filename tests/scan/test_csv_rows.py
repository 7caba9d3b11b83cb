from __future__ import annotations

import csv

from famtree.scan.csv_rows import HEADINGS, write_heading, write_row
from scan_rows import make_row


def test_no_cell_is_a_formula_and_every_row_is_a_line() -> None:
    row = make_row("=HYPERLINK(1)") | {"license": "+x", "candidates": ["=a", "b\nc"]}
    text = write_heading() + write_row(row)
    heading, cells = csv.reader(text.splitlines())
    found = dict(zip(heading, cells, strict=True))
    assert tuple(heading) == HEADINGS
    assert found["ref"] == "'=HYPERLINK(1)"
    assert found["license"] == "'+x"
    assert found["candidates"].startswith('["=a", "b')
