"""Training examples: one memory and as many questions about it as fit; each question sees the memory and itself only.

In: seeds. Out: `Packed` arrays of one fixed length. The memory part is shared by all questions of a row: a sample costs
the length of its question, not of its memory, which makes training about five times cheaper than one question a row.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from app.language.embedded.prompt import PromptWriter
from app.language.embedded.reading import Reading, read_snapshot
from app.language.training.questions import Questioner, Sample
from app.language.training.simulator import Simulator
from memory import Snapshot
from vision.encoders import GridLayout

__all__ = ["IGNORED", "ExampleMaker", "Packed", "pack"]

IGNORED = -100  # the label of a position that is not learnt


@dataclass(frozen=True)
class Packed:
    """One row. ids, labels, positions, segments: int64 [L]; segment 0 is the memory, -1 padding, 1.. the questions."""

    ids: np.ndarray
    labels: np.ndarray
    positions: np.ndarray
    segments: np.ndarray


def pack(
    memory_ids: Sequence[int], questions: Sequence[tuple[Sequence[int], Sequence[int]]], length: int
) -> tuple[Packed, int]:
    """Pack a memory and (question ids, answer ids) pairs; returns the row and how many pairs it holds."""
    ids = np.zeros(length, np.int64)
    labels = np.full(length, IGNORED, np.int64)
    positions = np.zeros(length, np.int64)
    segments = np.full(length, -1, np.int64)
    end = len(memory_ids)
    if end >= length:
        raise ValueError(f"the memory alone has {end} tokens, a row has room for {length}")
    ids[:end], positions[:end], segments[:end] = memory_ids, np.arange(end), 0
    start, packed = end, 0
    for question, answer in questions:
        stop = start + len(question) + len(answer)
        if stop > length:
            break
        ids[start:stop] = [*question, *answer]
        positions[start:stop] = np.arange(end, end + stop - start)
        segments[start:stop] = packed + 1
        labels[start + len(question) - 1 : stop - 1] = answer  # the label of a position is the token after it
        start, packed = stop, packed + 1
    return Packed(ids, labels, positions, segments), packed


class ExampleMaker:
    """Simulated stream -> memory -> reading -> questions -> packed rows. One instance per worker process."""

    def __init__(
        self, simulator: Simulator, questioner: Questioner, writer: PromptWriter, layout: GridLayout, length: int = 1280
    ):
        self._simulator, self._questioner, self.writer, self.layout = simulator, questioner, writer, layout
        self._length = length

    def snapshot(self, seed: int) -> Snapshot:
        """The memory after the stream of `seed`."""
        return self._simulator.snapshot(seed)

    def ask(self, reading: Reading, rng: random.Random, count: int) -> list[Sample]:
        """`count` question samples about a reading."""
        return self._questioner.ask(reading, rng, count)

    def samples(self, seed: int, count: int) -> tuple[Reading, list[Sample]]:
        """`count` question samples about the stream of `seed`."""
        reading = read_snapshot(self.snapshot(seed), self.layout)
        return reading, self.ask(reading, random.Random(seed), count)

    def pairs(self, seed: int, count: int) -> tuple[list[int], list[tuple[list[int], list[int]]]]:
        """The memory's ids and up to `count` (question ids, answer ids) pairs about the stream of `seed`."""
        reading, samples = self.samples(seed, count)
        pairs = [
            (self.writer.question(one.question, one.history, one.recalled, reading), self.writer.answer(one.answer))
            for one in samples
        ]
        return self.writer.memory(reading), pairs

    def rows(self, seed: int, num_rows: int = 1, samples_per_row: int = 22) -> Iterator[Packed]:
        """Up to `num_rows` packed rows about the stream of `seed`."""
        memory_ids, pairs = self.pairs(seed, num_rows * samples_per_row)
        for _ in range(num_rows):
            if not pairs:
                return
            row, used = pack(memory_ids, pairs, self._length)
            pairs = pairs[max(used, 1) :]
            yield row
