"""Where the project lives on the Hub."""

from __future__ import annotations

HOME = ""
"""`org/name`: its dataset repository has the bundles of `famtree families update`, its discussions
take reports. Empty until there is one."""
