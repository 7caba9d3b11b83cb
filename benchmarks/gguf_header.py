"""What the header of a GGUF file with a vocabulary of 262,144 tokens costs.

    python benchmarks/gguf_header.py [FILE.gguf]

Reads the file's header locally, then asks for it at a Hub on this machine, which counts bytes:
once for family and architecture alone, once for all of it. Without FILE a file is made up that
has as many tokens, merges and bytes as the vocabularies of that size have. Exits with 1 if a
budget is exceeded.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from gguf_files import Raw, decoder_tensors, design_of, write_gguf  # noqa: E402
from hub.repository import make_sparse  # noqa: E402
from hub.server import HubServer  # noqa: E402

TOKENS, MERGES = 262_144, 514_906
MOST_SECONDS = 0.4
MOST_BYTES = 20_000_000
MOST_BYTES_BRIEFLY = 1_000_000
REPO = "org/model-GGUF"
RUNS = 5


@dataclass(frozen=True)
class Measurement:
    """One figure and the most it may be."""

    name: str
    value: float
    most: float
    unit: str

    @property
    def fits(self) -> bool:
        """Whether the budget is kept."""
        return self.value <= self.most


def make_model() -> bytes:
    """Return a small model of a common design with a vocabulary of the largest released size."""
    design = design_of(
        "gemma3", block_count=18, embedding_length=640, feed_forward_length=2048,
        attention__head_count=4, attention__head_count_kv=1, attention__key_length=256,
        context_length=32768, attention__layer_norm_rms_epsilon=1e-6, rope__freq_base=1e6,
        attention__sliding_window=512,
    )  # fmt: skip
    # 8 bytes a token and 11 a merge on average, as in ggml-vocab-gemma-4.gguf (15.8 MB).
    vocabulary = {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": [f"{number:08x}" for number in range(TOKENS)],
        "tokenizer.ggml.scores": Raw("f32", [0.0] * TOKENS),
        "tokenizer.ggml.token_type": [1] * TOKENS,
        "tokenizer.ggml.merges": [f"{number % 4096:03x} {number:07x}" for number in range(MERGES)],
        "tokenizer.ggml.bos_token_id": 2,
        "tokenizer.ggml.eos_token_id": 1,
    }
    tensors = decoder_tensors(
        layers=18, hidden=640, heads=4, kv=1, ffn=2048, rows=TOKENS, kind="Q8_0", tied=True
    )
    return write_gguf(design | vocabulary, tensors, data=False)


def measure(data: bytes, size: int) -> Iterator[Measurement]:
    """Yield every figure for a file that begins with `data` and is `size` bytes long."""
    yield Measurement("header, local", time_header(data, size), MOST_SECONDS, "s")
    with tempfile.TemporaryDirectory() as home, HubServer() as hub:
        os.environ.update(HF_HOME=home, HF_ENDPOINT=hub.url, HF_HUB_DISABLE_TELEMETRY="1")
        file = make_sparse("model.gguf", size, data)
        hub.add(REPO, {"model.gguf": file})
        for briefly, name, most in (
            (True, "family and architecture, by range", MOST_BYTES_BRIEFLY),
            (False, "all of the header, by range", MOST_BYTES),
        ):
            hub.seen.clear()
            steps = examine(briefly=briefly)
            yield Measurement(name, hub.seen.bytes, most, "bytes")
        yield Measurement("steps of progress that were not told", float(not steps), 0, "")


def time_header(data: bytes, size: int) -> float:
    """Return the CPU seconds of reading every key and tensor, the best of some runs."""
    from famtree.sources.gguf_header import GgufReader

    best = float("inf")
    with tempfile.NamedTemporaryFile(suffix=".gguf") as stream:
        stream.write(data)
        stream.truncate(size)
        stream.flush()

        def fetch(start: int, stop: int) -> bytes:
            stream.seek(start)
            return stream.read(stop - start)

        for _ in range(RUNS):
            started = time.process_time()
            header = GgufReader(fetch, "model.gguf", size=size).read_rest()
            best = min(best, time.process_time() - started)
            if not header.complete:
                raise SystemExit("the header was not read whole")
    return best


def examine(*, briefly: bool) -> list[str]:
    """Ask for the family, or read the whole header; return what progress was told."""
    from famtree.checkpoint.examine import examine_checkpoint
    from famtree.registry.load import load_registry
    from famtree.sources.gguf_files import group_files
    from famtree.sources.gguf_open import FULL_LIMIT, open_gguf
    from famtree.sources.open import open_source
    from famtree.sources.reference import parse_reference

    steps: list[str] = []
    source = open_source(parse_reference(REPO))
    if briefly:
        findings = examine_checkpoint(source, load_registry(), briefly=True)
        architecture = findings.fingerprint.architecture
        if findings.result.family is None or architecture.layers is None:
            raise SystemExit("family and architecture were not told")
        return steps
    (files,) = group_files(source.list_files().files)
    reader = open_gguf(source, files.files[0], steps.append)
    reader.limit = FULL_LIMIT
    if not reader.read_rest().complete:
        raise SystemExit("the header was not read whole")
    return [step for step in steps if "MB" in step]


def main() -> None:
    if len(sys.argv) > 1:
        path = Path(sys.argv[1])
        data, size = path.read_bytes(), path.stat().st_size
    else:
        data = make_model()
        size = len(data) + (300 << 20)
    failed = False
    for one in measure(data, size):
        failed |= not one.fits
        mark = "" if one.fits else "  EXCEEDED"
        print(f"{one.name:40} {one.value:>14,.3f} {one.unit:6} (most {one.most:,.1f}){mark}")
    raise SystemExit(failed)


if __name__ == "__main__":
    main()
