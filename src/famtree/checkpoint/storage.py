"""Whether a checkpoint was seen to be a whole model of plain floats: what its form says of claims.

A relation that somebody states can be held against the files: what is called `quantized` is not
stored as full-size floats, and what is called an `adapter` is not a whole model.
"""

from __future__ import annotations

from famtree.checkpoint.findings import Findings
from famtree.fingerprints.parameters import estimate_parameters
from famtree.fingerprints.tensor_names import organise
from famtree.packings.sizes import FLOATS
from famtree.sources.header_plan import ADAPTERS
from famtree.sources.weight_files import list_weight_files

FLOAT_BITS = 15.0
"""Bits a parameter from which listed files can hold nothing but 16-bit floats; the rest is room for
buffers that are left out and parameters that are counted though they are tied."""
LEAST_BITS = 1.5
"""Bits a parameter that a whole model takes at least, ternary weights included."""
_ADAPTER_FILES = ("adapter_config.json", *ADAPTERS, "adapter_model.bin")
_SAME_WEIGHTS = (".safetensors", ".bin")
"""Endings under which one model is published side by side."""


def judge_storage(findings: Findings) -> tuple[bool, bool]:
    """Return (whole weights in plain floats, a whole model); False where it was not seen."""
    found = findings.found
    names = {entry.name.rpartition("/")[2] for entry in found.listing.files}
    if found.form.is_adapter(found) or not names.isdisjoint(_ADAPTER_FILES):
        return False, False
    tensors = found.index.tensors.values()
    if tensors:
        layout = organise(found.index)
        whole = layout.main is not None and not layout.adapter
        floats = whole and all(one.dtype in FLOATS for one in tensors)
    else:
        bits = _listed_bits(findings)
        whole, floats = bits >= LEAST_BITS, bits >= FLOAT_BITS
    files = [entry.name.lower() for entry in list_weight_files(found.listing)]
    # Of other forms in the same repository nothing was seen.
    suffixes = found.form.suffixes if found.form.alone else _SAME_WEIGHTS
    alone = all(name.endswith(suffixes) for name in files)
    return floats and alone and findings.quantization is None, whole


def _listed_bits(findings: Findings) -> float:
    """Return how many bits the listing has for each parameter that the config implies, else 0."""
    found = findings.found
    sizes = [size for size in found.plan.sizes.values() if size is not None]
    parameters = estimate_parameters(findings.fingerprint.architecture)
    if not parameters or not sizes or len(sizes) < len(found.plan.shards):
        return 0.0
    return 8.0 * sum(sizes) / parameters
