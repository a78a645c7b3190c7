"""Trains the embedded LMM: connector and LoRA on SmolLM2-135M, on simulated streams. Run as a program.

    python -m app.language.training.train --base DIR --out DIR --minutes 8 [--resume DIR|FILE] [--seed 1]
        [--device cuda|cpu]

In: the folder with the converted base weights. Out: `adapter.safetensors` (connector and LoRA, fp16), `scores.json`
with the scores on streams that no seed of training reaches, in the wordings for development. The learning rate follows
the time spent, so a run ends when its minutes do. On a CPU, one process a core is twice as fast as one process with
two threads:

    OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 -m app.language.training.train --device cpu ...
"""

import argparse
import json
import logging
import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, distributed, nn

from app.language.embedded.conversion import TOKENIZER_NAME
from app.language.embedded.tokenizer import TextTokenizer
from app.language.training.adapted import AdaptedLMM, build, save_adapter
from app.language.training.batches import PairStream, RowStream, collate, make_examples
from app.language.training.scoring import FIRST_DEVELOPMENT_SEED, score

__all__ = ["TrainConfig", "average_gradients", "losses", "main", "train"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """One training run. `minutes` bounds the optimisation; the evaluation comes after it."""

    base: Path
    out: Path
    resume: Path | None = None
    minutes: float = 8.0
    seed: int = 1
    device: str = "cuda"
    rank: int = 24
    dropout: float = 0.1  # of LoRA's input
    noise: float = 0.0466  # of the questions' embeddings: 5 / sqrt(20 tokens x 576), NEFTune's smallest
    learning_rate: float = 5e-4
    connector_rate: float = 1e-3
    weight_decay: float = 0.05
    warmup_steps: int = 60
    batch_rows: int = 16
    row_length: int = 1280
    pairs_per_stream: int = 10
    num_workers: int = 15
    eval_streams: int = 120
    save_every_s: float = 300.0

    def __post_init__(self) -> None:
        if self.minutes <= 0:
            raise ValueError(f"minutes must be > 0, got {self.minutes}")
        if self.device not in ("cuda", "cpu"):
            raise ValueError(f"device must be cuda or cpu, got {self.device!r}")


def losses(config: TrainConfig, model: AdaptedLMM) -> Iterator[tuple[Tensor, int]]:
    """Endless (loss, number of samples): packed rows on a GPU, one stream a step on a CPU."""
    first_seed = config.seed * 10_000_000 + _rank() * 5_000_000
    if config.device == "cpu":
        pairs = PairStream(config.base, first_seed, config.pairs_per_stream)
        workers = min(config.num_workers, 1)
        for memory_ids, stream_pairs in torch.utils.data.DataLoader(pairs, batch_size=None, num_workers=workers):
            with torch.autocast("cpu", torch.bfloat16):
                yield model.shared_loss(memory_ids, stream_pairs), len(stream_pairs)
        return
    for layer in model.lmm.layers:
        layer.compile()  # one graph serves all layers; compiling the whole model takes minutes
    rows = RowStream(config.base, first_seed, config.row_length)
    loader = torch.utils.data.DataLoader(
        rows,
        batch_size=config.batch_rows,
        num_workers=config.num_workers,
        collate_fn=collate,
        pin_memory=True,
        prefetch_factor=6,
    )
    for batch in loader:
        ids, labels, positions, segments = (tensor.to(config.device, non_blocking=True) for tensor in batch)
        with torch.autocast("cuda", torch.bfloat16):
            yield model.loss(model(ids, positions, segments), labels), int(batch[3].max(dim=1).values.sum())


def _rank() -> int:
    return distributed.get_rank() if distributed.is_initialized() else 0


def _agreed(progress: float) -> float:
    """The first process's clock counts, so that all stop at the same step."""
    if not distributed.is_initialized():
        return progress
    shared = torch.tensor(progress)
    distributed.broadcast(shared, src=0)
    return float(shared)


def average_gradients(parameters: list[nn.Parameter]) -> None:
    """Replace each gradient by its mean over the processes; nothing to do in a single one."""
    if not distributed.is_initialized():
        return
    flat = torch.cat([parameter.grad.flatten() for parameter in parameters if parameter.grad is not None])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    start = 0
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad.copy_(flat[start : start + parameter.numel()].view_as(parameter))
            start += parameter.numel()


def train(config: TrainConfig) -> AdaptedLMM:
    """Optimise for `config.minutes` with a warm-up and a cosine over the time spent; saves every few minutes."""
    model = build(
        config.base,
        config.device,
        config.rank,
        config.seed,
        config.resume,
        dropout=config.dropout,
        noise=config.noise,
    ).train()
    lora = [parameter for parameter in model.lmm.parameters() if parameter.requires_grad]
    connector = list(model.connector.parameters())
    groups = [{"params": lora, "lr": config.learning_rate}, {"params": connector, "lr": config.connector_rate}]
    optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=config.weight_decay)
    peaks = [group["lr"] for group in optimiser.param_groups]
    started = saved = time.monotonic()
    samples = 0
    for step, (loss, num_samples) in enumerate(losses(config, model)):
        progress = _agreed((time.monotonic() - started) / (60 * config.minutes))
        if progress >= 1:
            break
        scale = min(1.0, (step + 1) / config.warmup_steps) * (0.5 * (1 + math.cos(math.pi * progress)) * 0.97 + 0.03)
        for group, peak in zip(optimiser.param_groups, peaks, strict=True):
            group["lr"] = peak * scale
        loss.backward()
        average_gradients([*lora, *connector])
        nn.utils.clip_grad_norm_([*lora, *connector], 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        samples += num_samples
        if step % 50 == 0 and _rank() == 0:  # sync: once in 50 steps, to show the loss
            log.info("step %d  %.0f s  samples %d  loss %.4f", step, time.monotonic() - started, samples, loss.detach())
        if time.monotonic() - saved > config.save_every_s and _rank() == 0:
            saved = time.monotonic()
            save_adapter(model, config.out)
    log.info("done: %d samples in %.0f s", samples, time.monotonic() - started)
    return model


def main() -> None:
    """Parse the arguments, train, save, score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--resume", type=Path)
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    for name, default in (
        ("minutes", 8.0),
        ("learning-rate", 5e-4),
        ("connector-rate", 1e-3),
        ("dropout", 0.1),
        ("noise", 0.0466),
        ("weight-decay", 0.05),
    ):
        parser.add_argument(f"--{name}", type=float, default=default)
    counts = {"seed": 1, "batch-rows": 16, "num-workers": 15, "eval-streams": 120, "pairs-per-stream": 10}
    for name, count in counts.items():
        parser.add_argument(f"--{name}", type=int, default=count)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    config = TrainConfig(**vars(parser.parse_args()))
    if "WORLD_SIZE" in os.environ:
        distributed.init_process_group("gloo" if config.device == "cpu" else "nccl")
    model = train(config)
    if _rank() > 0:
        return
    save_adapter(model, config.out)
    examples = make_examples(config.base, held_out=True, is_development=True)
    tokenizer = TextTokenizer(config.base / TOKENIZER_NAME)
    report = score(model.eval(), examples, tokenizer, config.eval_streams, FIRST_DEVELOPMENT_SEED)
    (config.out / "scores.json").write_text(json.dumps(report, indent=1))
    log.info("%s", json.dumps({"all": report["all"], "free": report["free"], "families": report["families"]}))


if __name__ == "__main__":
    main()
