"""Writes what the assistant says, for bench/speech_quality.py to speak: true answers about simulated streams.

In: seeds no training uses, held-out phrasings of questions. Out: one distinct answer a line. The answers are those
which the memory entails (app/language/embedded/statements), so their words and times are the ones a user will hear.

    python -m bench.speech_answers --base CACHE --num 100 --out bench/speech_answers.txt
"""

from __future__ import annotations

import argparse
from pathlib import Path

from app.language.training.batches import make_examples

__all__ = ["distinct_answers"]

_FIRST_SEED = 9_000_000
_PER_STREAM = 6


def distinct_answers(base: Path, num: int) -> list[str]:
    """`num` different answers, in the order in which they came. base: the folder of the embedded model's base."""
    examples = make_examples(base, held_out=True)
    answers: dict[str, None] = {}
    seed = _FIRST_SEED
    while len(answers) < num:
        _, samples = examples.samples(seed, _PER_STREAM)
        answers |= dict.fromkeys(sample.answer for sample in samples)
        seed += 1
    return list(answers)[:num]


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes answers of the assistant, one a line.")
    parser.add_argument("--base", type=Path, required=True, help="the cache folder, with the converted base model")
    parser.add_argument("--num", type=int, default=100)
    parser.add_argument("--out", type=Path, required=True)
    words = parser.parse_args()
    words.out.write_text("\n".join(distinct_answers(words.base, words.num)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
