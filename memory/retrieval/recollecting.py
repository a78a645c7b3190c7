"""Bringing back without an archive: the traces of a snapshot that a question needs, as a tier of their own.

Comes in: a snapshot, a Query, how many. Goes out: a Tier of the chosen traces in order of time, one token each, which
`assemble` takes as what was retrieved. Pure; any thread; the same snapshot and query give the same traces.
"""

from dataclasses import fields

import numpy as np
import torch

from memory.retrieval.query import Query, RetrieverConfig
from memory.retrieval.selection import SeenKeys
from memory.snapshot import Snapshot, Tier

__all__ = ["recollect"]


def recollect(
    snapshot: Snapshot, query: Query, k: int, *, num_tokens: int, config: RetrieverConfig | None = None
) -> Tier:
    """At most k traces without near-duplicates, the best first chosen; none when nothing fits.

    num_tokens: P of the memory, by which a trace's mean token becomes the evidence of a picture. By content: cosine
    with the key, evidence as in the archive (e / (e + 1)), the mean of both when both are asked. By time: traces that
    touch an interval, those that stand for the least time first. Without either: those that stand for the most
    frames. Raises ValueError for k < 1.
    """
    if k < 1:
        raise ValueError(f"k must be >= 1, got {k}")
    config = config or RetrieverConfig()
    traces = snapshot.traces
    if not len(traces):
        return traces
    scores = _scores(traces, query, num_tokens, config)
    order = sorted(range(len(traces)), key=lambda row: (-scores[row], float(traces.times_s[row, 0])))
    keys, seen = traces.keys.numpy(), SeenKeys(np.empty((0, 0), np.float32), config.duplicate_similarity)
    chosen: list[int] = []
    for row in order:
        if len(chosen) < k and scores[row] > 0 and not seen.has(keys[row]):
            seen.add(keys[row])
            chosen.append(row)
    rows = torch.tensor(sorted(chosen), dtype=torch.int64)
    tensors = {part.name: getattr(traces, part.name) for part in fields(Tier)}
    return Tier(**{name: tensor[rows.to(tensor.device)] for name, tensor in tensors.items()})


def _scores(traces: Tier, query: Query, num_tokens: int, config: RetrieverConfig) -> np.ndarray:
    """[N]; 0 for what does not fit."""
    fits = np.ones(len(traces), bool)
    if query.times:
        starts, ends = traces.times_s.numpy().T
        fits = np.any([(starts <= end_s) & (ends >= start_s) for start_s, end_s in query.times], axis=0)
    if query.has_content:
        return np.where(fits, _content(traces, query, num_tokens, config), 0.0)
    if query.times:
        lengths_s = (traces.times_s[:, 1] - traces.times_s[:, 0]).numpy()
        return np.where(fits, 1.0 / (1.0 + lengths_s), 0.0)
    weights: np.ndarray = traces.weights.numpy().astype(np.float64)
    return weights


def _content(traces: Tier, query: Query, num_tokens: int, config: RetrieverConfig) -> np.ndarray:
    """[N]; 0 below what counts as an answer at all."""
    parts = []
    if query.key is not None:
        wanted = np.asarray(query.key, np.float64)
        keys = traces.keys.numpy().astype(np.float64)
        lengths = np.linalg.norm(keys, axis=1) * np.linalg.norm(wanted)
        similarity = keys @ wanted / np.maximum(lengths, 1e-12)
        parts.append(np.where(similarity >= config.min_similarity, similarity, 0.0))
    if query.channels:
        evidence = traces.tokens[:, 0, list(query.channels)].cpu().numpy().astype(np.float64) * num_tokens
        evidence[evidence < config.min_evidence] = 0.0
        parts.append((evidence / (evidence + 1.0)).mean(axis=1))
    scores: np.ndarray = np.mean(parts, axis=0)
    return scores
