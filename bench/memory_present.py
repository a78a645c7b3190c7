"""Does remembering hurt the present? The same questions of the whole memory and of the newest frames alone.

Comes in: the frames of a detector stream and its whole memory. Goes out: pairs (whole memory right, newest frames
right) by kind of question. One thread. The control holds the eight newest frames and nothing else: no slots, no traces,
and the ledger that can be written from these frames.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bench.answer_reading import count
from bench.memory_asking import Asker, a, plural
from bench.memory_detections import DetectorStream
from memory import MemoryConfig, Snapshot, StreamMemory
from memory.baselines import LastFrames

__all__ = ["PresentTense", "told_of"]

EVERY_S, FIRST_S = 300, 120
Pairs = Mapping[str, list[tuple[bool, bool]]]


class PresentTense:
    """Sees every frame; every few minutes it asks."""

    def __init__(self, stream: DetectorStream, asker: Asker, config: MemoryConfig, pairs: Pairs) -> None:
        """`pairs` takes a list for every kind, as a defaultdict does."""
        small = replace(config, spatial_capacity=6, temporal_capacity=2, protected_slots=1)
        self._newest = LastFrames(replace(small, trace_capacity=0, abstract_capacity=1))
        self._stream, self._asker, self._pairs = stream, asker, pairs

    def see(self, tokens: np.ndarray, key: np.ndarray, time_s: float, number: int, memory: StreamMemory) -> None:
        self._newest.write(tokens, key, time_s, number)
        steps = number - round(FIRST_S * self._stream.fps)
        if steps >= 0 and steps % round(EVERY_S * self._stream.fps) == 0:
            self._ask(number, memory.snapshot(), self._newest.snapshot())

    def _ask(self, number: int, *snapshots: Snapshot) -> None:
        """Of one thing that is in view, one that was, and one that never was."""
        there, away = self._stream.present(number)[:1], self._stream.away(number)[:1]
        for concept in (*there, *away, self._stream.absent):
            is_there = concept in there
            said = [self._asker.says_yes(f"Is there {a(concept)} right now?", snapshot) for snapshot in snapshots]
            self._file("is it there", [one is is_there for one in said])
        for concept in (*there, *away):
            question = f"How many {plural(concept)} are there right now?"
            counts = [count(self._asker.ask(question, snapshot)) for snapshot in snapshots]
            self._file("how many", [one == int(concept in there) for one in counts])

    def _file(self, kind: str, right: list[bool]) -> None:
        self._pairs[kind].append((right[0], right[1]))
        self._pairs["all"].append((right[0], right[1]))


def told_of(pairs: list[tuple[bool, bool]]) -> dict[str, Any]:
    """Accuracies in percent, and their difference with its 95 % interval for paired questions."""
    num = len(pairs)
    only_whole, only_newest = (sum(one is side and other is not side for one, other in pairs) for side in (True, False))
    difference = (only_whole - only_newest) / num
    spread = (only_whole + only_newest - num * difference**2) ** 0.5 / num
    return {
        "questions": num,
        "whole_memory_percent": round(100 * sum(one for one, _ in pairs) / num, 2),
        "newest_frames_percent": round(100 * sum(other for _, other in pairs) / num, 2),
        "right_with_one_alone": [only_whole, only_newest],
        "difference_points": round(100 * difference, 2),
        "interval_points": [round(100 * (difference + sign * 1.96 * spread), 2) for sign in (-1, 1)],
    }
