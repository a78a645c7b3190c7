"""Endless training data made by worker processes: packed rows for a GPU, one stream with its questions for a CPU.

In: seeds. Out: tensors or token lists. Each worker process takes its own seeds, so a run sees each stream once.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from app.language.embedded.conversion import TOKENIZER_NAME
from app.language.embedded.lexicon import Lexicon
from app.language.embedded.prompt import PromptWriter, SoftVocabulary
from app.language.embedded.tokenizer import TextTokenizer
from app.language.training.packing import ExampleMaker, Packed
from app.language.training.phrasings import load_phrasings
from app.language.training.questions import Questioner, Wording
from app.language.training.simulator import Simulator
from vision.encoders import CONCEPTS, GridLayout

__all__ = ["PairStream", "RowStream", "collate", "make_examples"]

Pairs = tuple[list[int], list[tuple[list[int], list[int]]]]


def make_examples(base: Path, held_out: bool, row_length: int = 1280, is_development: bool = False) -> ExampleMaker:
    """Everything that turns a seed into samples; every worker process makes its own.

    held_out: questions as in the test, misread ones too; `is_development`: so, but in the wordings for development.
    """
    layout = GridLayout(num_concepts=len(CONCEPTS))
    tokenizer = TextTokenizer(base / TOKENIZER_NAME)
    phrasings = load_phrasings(with_extra=True)
    wording = Wording(phrasings.train, phrasings.unknown_train)
    if is_development:
        wording = Wording(phrasings.development, phrasings.unknown_train)
    elif held_out:
        wording = Wording(phrasings.held_out, phrasings.unknown_held_out)
    writer = PromptWriter(CONCEPTS, SoftVocabulary(tokenizer.vocab_size, len(CONCEPTS)), tokenizer.encode)
    questioner = Questioner(
        CONCEPTS, Lexicon(CONCEPTS, tokenizer.is_plain_word), wording, is_test=held_out or is_development
    )
    return ExampleMaker(Simulator(CONCEPTS, layout), questioner, writer, layout, row_length)


class _Seeded:
    """Seeds of one worker process: first, first + workers, first + 2 * workers ..."""

    def __init__(self, base: Path, first_seed: int):
        self._base, self._first_seed = base, first_seed

    def _seeds(self) -> Iterator[int]:
        torch.set_num_threads(1)
        worker = torch.utils.data.get_worker_info()
        seed, step = self._first_seed + (worker.id if worker else 0), worker.num_workers if worker else 1
        while True:
            yield seed
            seed += step


class RowStream(_Seeded, torch.utils.data.IterableDataset[Packed]):
    """Endless packed rows of a fixed length."""

    def __init__(self, base: Path, first_seed: int, row_length: int):
        super().__init__(base, first_seed)
        self._row_length = row_length

    def __iter__(self) -> Iterator[Packed]:
        examples = make_examples(self._base, held_out=False, row_length=self._row_length)
        for seed in self._seeds():
            yield from examples.rows(seed)


class PairStream(_Seeded, torch.utils.data.IterableDataset[Pairs]):
    """Endless streams, each with `num_pairs` questions."""

    def __init__(self, base: Path, first_seed: int, num_pairs: int):
        super().__init__(base, first_seed)
        self._num_pairs = num_pairs

    def __iter__(self) -> Iterator[Pairs]:
        examples = make_examples(self._base, held_out=False)
        for seed in self._seeds():
            memory_ids, pairs = examples.pairs(seed, self._num_pairs)
            if pairs:
                yield memory_ids, pairs


def collate(rows: list[Packed]) -> tuple[torch.Tensor, ...]:
    """Rows to int64 [B, L] tensors: ids, labels, positions, segments."""
    fields = ("ids", "labels", "positions", "segments")
    return tuple(torch.from_numpy(np.stack([getattr(row, field) for row in rows])) for field in fields)
