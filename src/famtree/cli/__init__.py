"""The command line."""

import gc

COLLECT_AFTER = 200_000
"""New objects between two collections. A start makes some 100,000 and drops hardly any: with
Python's own 700, set before anything is imported, the collector walks them over and over, a
fifteenth of the time of a local answer."""

gc.set_threshold(COLLECT_AFTER)
