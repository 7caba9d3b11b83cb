"""Processor time of `famtree compare` on two folders, as a multiple of an empty Python.

    python benchmarks/compare.py [--runs N]

Ratios, not seconds: they hold on any machine. Exits with 1 if a budget is exceeded.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from startup import PASS, Case, make_environment, report

MOST_TIMES = 30
MOST_UNLIKE = 50
"""Two vocabularies that have to be compared token by token."""
MOST_MEMORY = 130
"""MB; the heaviest tool that answers part of the question takes 6 to 11 s and 470 MB."""
CONFIG = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "num_hidden_layers": 2,
    "hidden_size": 64,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 128,
    "vocab_size": 1024,
    "rope_theta": 10000.0,
    "rms_norm_eps": 1e-05,
    "max_position_embeddings": 512,
    "torch_dtype": "float32",
}


def make_checkpoint(folder: Path, *, theta: float, tokens: int = 1024, word: str = "token") -> str:
    """Write a whole tiny checkpoint (0.6 MB and its vocabulary) and return its path."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({**CONFIG, "rope_theta": theta}))
    vocabulary = {f"{word}{at}": at for at in range(tokens)}
    merges = [f"{word} {at}" for at in range(tokens if tokens > 1024 else 0)]
    model = {"type": "BPE", "vocab": vocabulary, "merges": merges}
    tokenizer = {"model": model, "added_tokens": []}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": "{{ x }}"}))
    shapes = {"model.embed_tokens.weight": [1024, 64], "lm_head.weight": [1024, 64]}
    for layer in range(2):
        stem = f"model.layers.{layer}."
        shapes |= {
            f"{stem}self_attn.q_proj.weight": [64, 64],
            f"{stem}self_attn.k_proj.weight": [32, 64],
            f"{stem}self_attn.v_proj.weight": [32, 64],
            f"{stem}self_attn.o_proj.weight": [64, 64],
            f"{stem}mlp.gate_proj.weight": [128, 64],
            f"{stem}mlp.up_proj.weight": [128, 64],
            f"{stem}mlp.down_proj.weight": [64, 128],
            f"{stem}input_layernorm.weight": [64],
        }
    header, end = {}, 0
    for name, shape in shapes.items():
        size = 4 * shape[0] * (shape[1] if len(shape) > 1 else 1)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    with (folder / "model.safetensors").open("wb") as stream:
        stream.write(len(text).to_bytes(8, "little") + text)
        stream.truncate(8 + len(text) + end)
    return str(folder)


def make_cases(folder: Path) -> list[Case]:
    """Build two checkpoints in `folder` and return the commands that are timed."""
    a = make_checkpoint(folder / "a", theta=1e4)
    b = make_checkpoint(folder / "b", theta=5e5)
    compare = ["-m", "famtree", "compare", a, b]
    large = [
        make_checkpoint(folder / word, theta=1e4, tokens=150_000, word=word)
        for word in ("long", "large")
    ]
    return [
        PASS,
        Case("famtree compare A B", compare, MOST_TIMES, MOST_MEMORY),
        Case("famtree compare A B --json", [*compare, "--json"], MOST_TIMES, MOST_MEMORY),
        Case("famtree compare, 150,000 tokens", [*compare[:3], *large], MOST_UNLIKE, 300),
    ]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        return report(make_cases(Path(name)), make_environment(Path(name)), runs)


if __name__ == "__main__":
    sys.exit(main())
