"""How far ancestries are walked."""

DEPTH = 8
"""Generations of ancestors that are looked for unless told otherwise."""
