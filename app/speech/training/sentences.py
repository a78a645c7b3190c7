"""Phoneme ids for training, from all processor cores at once, and the word list that covers all sounds."""

import gzip
import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from app.speech.phonemes import Phonemizer, teacher_file
from app.speech.training.texts import make_sentences

__all__ = ["lexicon_words", "phoneme_ids"]


def lexicon_words() -> list[str]:
    """Everyday words of the lexicon that comes with hibari-tts: lower-case, 3 to 12 letters."""
    path = teacher_file().parent / "lexicon_us_gold.json.gz"
    words = json.loads(gzip.decompress(path.read_bytes()))
    return sorted(
        word for word in words if word.isascii() and word.isalpha() and word.islower() and 3 <= len(word) <= 12
    )


def phoneme_ids(num: int, seed: int, lines: Path | None, num_processes: int) -> list[list[int]]:
    """`num` sentences as phoneme ids; those of fewer than 4 ids are left out."""
    sentences = make_sentences(num, seed, lexicon_words(), lines)
    parts = [sentences[i::num_processes] for i in range(num_processes)]
    if num_processes == 1:
        found = [_ids_of(parts[0])]
    else:
        with ProcessPoolExecutor(num_processes) as pool:
            found = list(pool.map(_ids_of, parts))
    return [ids for part in found for ids in part if len(ids) >= 4]


def _ids_of(sentences: list[str]) -> list[list[int]]:
    phonemizer = Phonemizer()
    return [phonemizer.ids(phonemizer.phonemes(sentence)) for sentence in sentences]
