"""Training: from scratch, further, by low-rank adapters, and from a teacher's outputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.nn import functional

from zoo.network import Network, Weights, predict
from zoo.text import Text

LENGTH = 128
BETAS = (0.9, 0.95)
CLIP = 1.0
FINAL_SHARE = 0.1
"""Share of the learning rate that the cosine schedule ends at."""
ADAPTER_SCALE = 2.0

Loss = Callable[[Network, torch.Tensor], torch.Tensor]


@dataclass(frozen=True, slots=True)
class Course:
    """What to train on, how long and how fast. `mix` names corpora, drawn with equal chance."""

    tokenizer: str
    mix: tuple[str, ...]
    steps: int
    rate: float
    decay: float
    seed: int
    batch: int = 4


def _draw_batches(text: Text, course: Course) -> Iterator[torch.Tensor]:
    """Yield batch x (length + 1) ids without end; the order is the seed's."""
    rng = np.random.default_rng(course.seed)
    corpora = [text.tokens(course.tokenizer, corpus) for corpus in course.mix]
    while True:
        rows = []
        for _ in range(course.batch):
            corpus = corpora[rng.integers(len(corpora))]
            start = rng.integers(len(corpus) - LENGTH - 1)
            rows.append(np.asarray(corpus[start : start + LENGTH + 1], dtype=np.int64))
        yield torch.from_numpy(np.stack(rows))


def _next_token_loss(network: Network, batch: torch.Tensor) -> torch.Tensor:
    logits = predict(network, batch[:, :-1])
    return functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())


def make_teacher_loss(teacher: Network) -> Loss:
    """Return the Kullback-Leibler loss against a teacher's next-token distribution."""

    def loss(network: Network, batch: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            wanted = predict(teacher, batch[:, :-1]).softmax(-1).flatten(0, 1)
        logits = predict(network, batch[:, :-1]).log_softmax(-1).flatten(0, 1)
        return functional.kl_div(logits, wanted, reduction="batchmean")

    return loss


def _run(
    optimizer: torch.optim.Optimizer,
    current: Callable[[], Network],
    text: Text,
    course: Course,
    loss: Loss,
) -> None:
    """Take every step of the course: linear warm-up, then cosine to a tenth, clipped at 1."""
    warm = max(10, course.steps // 20)
    batches = _draw_batches(text, course)
    parameters = [one for group in optimizer.param_groups for one in group["params"]]
    for step in range(course.steps):
        cosine = (1 + math.cos(math.pi * step / course.steps)) / 2
        share = min(1.0, (step + 1) / warm) * (FINAL_SHARE + (1 - FINAL_SHARE) * cosine)
        for group in optimizer.param_groups:
            group["lr"] = course.rate * share
        optimizer.zero_grad()
        loss(current(), next(batches)).backward()
        torch.nn.utils.clip_grad_norm_(parameters, CLIP)
        optimizer.step()


def train(network: Network, text: Text, course: Course, loss: Loss = _next_token_loss) -> Network:
    """Train all weights with AdamW; vectors (norms, biases) do not decay."""
    weights = {name: value.detach().clone() for name, value in network.weights.items()}
    for value in weights.values():
        value.requires_grad_(True)
    matrices = [value for value in weights.values() if value.ndim > 1]
    vectors = [value for value in weights.values() if value.ndim == 1]
    groups = [
        {"params": matrices, "weight_decay": course.decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=course.rate, betas=BETAS)
    trained = replace(network, weights=weights)
    _run(optimizer, lambda: trained, text, course, loss)
    return replace(network, weights={name: value.detach() for name, value in weights.items()})


def train_adapter(
    network: Network, text: Text, course: Course, rank: int, targets: tuple[str, ...]
) -> Network:
    """Train a low-rank update of the `targets` roles and return the network with it merged in."""
    generator = torch.Generator().manual_seed(course.seed)
    base = network.weights
    factors: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    for name, value in base.items():
        if name.endswith(tuple(f".{target}.weight" for target in targets)):
            down = torch.randn(rank, value.shape[1], generator=generator) / math.sqrt(
                value.shape[1]
            )
            factors[name] = (
                down.requires_grad_(True),
                torch.zeros(value.shape[0], rank, requires_grad=True),
            )
    optimizer = torch.optim.AdamW(
        [factor for pair in factors.values() for factor in pair], lr=course.rate, weight_decay=0.0
    )

    def merge() -> Weights:
        return base | {
            name: base[name] + ADAPTER_SCALE * (up @ down) for name, (down, up) in factors.items()
        }

    _run(optimizer, lambda: replace(network, weights=merge()), text, course, _next_token_loss)
    return replace(network, weights={name: value.detach() for name, value in merge().items()})


def evaluate(network: Network, text: Text, tokenizer: str) -> float:
    """Return the mean loss (nats a token) over one fixed set of 32 sequences."""
    course = Course(tokenizer, ("library",), steps=8, rate=0.0, decay=0.0, seed=999)
    batches = _draw_batches(text, course)
    with torch.no_grad():
        losses = [_next_token_loss(network, next(batches)).item() for _ in range(course.steps)]
    return float(np.mean(losses))


def draw_calibration(text: Text, tokenizer: str, mix: tuple[str, ...], seed: int) -> torch.Tensor:
    """Return 16 sequences of ids, for quantizers that look at activations."""
    course = Course(tokenizer, mix, steps=1, rate=0.0, decay=0.0, seed=seed, batch=16)
    return next(_draw_batches(text, course))[:, :-1]
