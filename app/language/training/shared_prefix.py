"""One stream a step: the memory runs through the model once, its questions as a batch behind it.

In: the token ids of a memory and of (question, answer) pairs. Out: hidden states at the answers. The packed rows of
packing.py do the same with one dense mask, which suits a GPU; on a CPU attention over a whole row costs more than the
rest of the step, and this form attends only to what may be seen.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from app.language.training.packing import IGNORED

__all__ = ["Pair", "PrefixCache", "groups_by_length", "pad_pairs"]

Pair = tuple[Sequence[int], Sequence[int]]  # question ids, answer ids

_GROUP_SIZE = 4
_LENGTH_STEP = 16  # few different shapes: every new one costs the matrix library a set-up


class PrefixCache:
    """Keeps the prefix's keys and values with their gradients; every later batch sees them before its own."""

    def __init__(self) -> None:
        self._kept: list[tuple[Tensor, Tensor]] = []
        self._is_filled = False

    def close_prefix(self) -> None:
        """From here on nothing is added: calls read the prefix and put their own keys behind it."""
        self._is_filled = True

    def update(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """keys, values: [B, H_kv, T, head_dim] of one layer. Returns what this call's queries may see."""
        if not self._is_filled:
            self._kept.append((keys, values))
            return keys, values
        num = keys.shape[0]
        prefix_keys, prefix_values = (kept.expand(num, -1, -1, -1) for kept in self._kept[layer])
        return torch.cat((prefix_keys, keys), dim=2), torch.cat((prefix_values, values), dim=2)


def groups_by_length(pairs: Sequence[Pair]) -> list[list[Pair]]:
    """Pairs of like length together, so that little is spent on padding."""
    ordered = sorted(pairs, key=lambda pair: len(pair[0]) + len(pair[1]))
    return [ordered[start : start + _GROUP_SIZE] for start in range(0, len(ordered), _GROUP_SIZE)]


def pad_pairs(pairs: Sequence[Pair]) -> tuple[Tensor, Tensor]:
    """Pairs to ids and labels, int64 [N, T], padded on the right; labels as in packing.pack."""
    length = max(len(question) + len(answer) for question, answer in pairs)
    length = -(-length // _LENGTH_STEP) * _LENGTH_STEP
    ids = torch.zeros(len(pairs), length, dtype=torch.int64)
    labels = torch.full((len(pairs), length), IGNORED, dtype=torch.int64)
    for row, (question, answer) in enumerate(pairs):
        stop = len(question) + len(answer)
        ids[row, :stop] = torch.tensor([*question, *answer])
        labels[row, len(question) - 1 : stop - 1] = torch.tensor(list(answer))
    return ids, labels
