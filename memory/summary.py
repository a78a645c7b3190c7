"""The abstract tier: what the whole stream was about, in a few entries of one token each.

Comes in: the pooled tokens and key of each frame, one at a time. Goes out: themes, and from themes and event slots the
summary's tokens. Themes are changed under the memory's lock alone; attend() is a pure function for the reader's thread.

Themes are the history: a frame joins the theme it is most like, or becomes one while the two themes most alike are
joined (weighted Ward distance as in memory/ward.py, without a term for time: what comes back joins what it was).
The summary is read by semantic attention over slots and themes, with the themes as queries:

    logits[j, i] = cosine(theme_j - centre, input_i - centre) / temperature,   inputs: every slot, every theme
    share[:, i]  = softmax over j of logits[:, i]            each input divides itself among the entries
    entry_j      = sum over i of share[j, i] * weight_i * value_i, over the sum of share[j, i] * weight_i

Entries compete for inputs (the softmax of Slot Attention, F. Locatello et al., 2020, section 2.1, without its learned
maps), so they stay apart; a softmax over the inputs of one frame at a time, as in Flash-VStream's released code, makes
them all equal.
"""

from collections.abc import Sequence

import numpy as np

from memory.config import MemoryConfig
from memory.entry import Entry
from memory.ward import WardCosts

__all__ = ["SummaryTier", "attend"]

_NO_POOLED = np.zeros(0, np.float32)


class SummaryTier:
    """At most `abstract_capacity` themes. A theme's token_sum is pooled: float32 [D]; their weights add up to all."""

    def __init__(self, config: MemoryConfig) -> None:
        self._capacity = config.abstract_capacity
        self._key_dim = config.key_dim
        self._themes: list[Entry] = []  # in order of start
        self._costs = WardCosts(
            config.abstract_capacity + 1, config.key_dim, alpha=config.ward_alpha, time_lambda=0.0, num_slots=1
        )

    @property
    def nbytes(self) -> int:
        """Bytes of the book-keeping, constant; the themes' own arrays are not in it."""
        return self._costs.nbytes

    def push(self, entry: Entry) -> None:
        """A frame, or a slot when the themes are made anew. Starts no earlier than those before it."""
        theme = entry._replace(token_sum=entry.pooled_sum, pooled_sum=_NO_POOLED, runs=())
        self._themes.append(theme)
        self._costs.append(theme.key, theme.weight, 0.0)
        if len(self._themes) > self._capacity:
            older, newer = self._costs.cheapest_pair(0.0)
            joined = self._themes[older] = self._themes[older].merged(self._themes[newer])
            del self._themes[newer]
            self._costs.remove(newer)
            self._costs.replace(older, joined.key, joined.weight, 0.0)

    def rebuild(self, slots: Sequence[Entry]) -> None:
        """Themes of these slots alone: after forgetting, nothing may be left of what was in the others."""
        self._costs.clear()
        self._themes = []
        for slot in slots:
            self.push(slot)

    def export(self) -> dict[str, np.ndarray]:
        return {"pairs": self._costs.pairs}

    def restore(self, themes: Sequence[Entry], arrays: dict[str, np.ndarray]) -> None:
        self._themes = list(themes)
        keys = np.array([theme.key for theme in themes], np.float32).reshape(-1, self._key_dim)
        weights = np.array([theme.weight for theme in themes], np.int64)
        self._costs.restore(keys, weights, np.zeros(len(themes)), arrays["pairs"])

    def publish(self) -> tuple[Entry, ...]:
        """The themes, in order of start."""
        return tuple(self._themes)


def attend(keys: np.ndarray, sums: np.ndarray, weights: np.ndarray, num_themes: int, temperature: float) -> np.ndarray:
    """Values of the summary's entries, float32 [A, D]: one for each theme, a weighted mean over slots and themes.

    keys: mean keys [I, key_dim], sums: pooled sums [I, D], weights: [I], of the slots and then of the A themes.
    """
    weights = weights.astype(np.float64)
    values = sums / weights[:, None]  # [I, D]
    directions = keys - weights @ keys / weights.sum()
    directions /= np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-12)
    logits = directions[-num_themes:] @ directions.T / temperature  # [A, I]
    shares = np.exp(logits - logits.max(axis=0))
    shares *= weights / shares.sum(axis=0)
    shares /= shares.sum(axis=1, keepdims=True)
    return (shares @ values).astype(np.float32)
