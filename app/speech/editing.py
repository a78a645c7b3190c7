"""Joining the old and the new sound when words of our own speech are exchanged. Any thread.

In: sequences and frame tracks of two utterances. Out: what they share, and one track made of both.
"""

import torch
from torch import Tensor

__all__ = ["joined", "shared_words"]


def shared_words(a: Tensor, b: Tensor, space: int) -> int:
    """How many symbols two sequences share from their start, whole words alone: the last one shared is `space`.

    A word's first sounds already lean towards its later ones, so that half a word cannot be kept.
    """
    size = min(len(a), len(b))
    different = (a[:size] != b[:size]).nonzero()
    shared = int(different[0]) if len(different) else size
    if shared == len(a) == len(b):
        return shared
    spaces = (a[:shared] == space).nonzero()
    return int(spaces[-1]) + 1 if len(spaces) else 0


def joined(old: Tensor, new: Tensor, before: int, after: int, blend: int) -> Tensor:
    """`new` with its first `before` and last `after` frames from `old`, mixed over `blend` frames at the joints."""
    out = new.clone()
    weights = (torch.arange(1, blend + 1) / (blend + 1))[None, :, None]  # towards the new
    out[:, :before] = old[:, :before]
    size = min(blend, before)
    if size:
        w = weights[:, blend - size :]
        out[:, before - size : before] = old[:, before - size : before] * (1 - w) + new[:, before - size : before] * w
    if after:
        out[:, -after:] = old[:, -after:]
        size = min(blend, after)
        w, start = weights.flip(1)[:, :size], new.shape[1] - after
        if size:
            joint = old[:, old.shape[1] - after : old.shape[1] - after + size]
            out[:, start : start + size] = joint * (1 - w) + new[:, start : start + size] * w
    return out
