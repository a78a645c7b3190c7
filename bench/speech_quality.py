"""Scores FlashSpeech's takes beside other voices', in pieces: what is in --cache already is not done again.

In: sentences (held out, or the assistant's answers). Out: a row a voice and, as the last line, one JSON object. Nothing
that scores was trained on; Whisper's encoder had a part in training, Moonshine's none (bench/speech_scoring.py).

    python -m bench.speech_quality --cache DIR [--voices hibari,flash2,espeak] [--scorers distillmos,moonshine]
                                   [--texts FILE] [--skip 0] [--num 200] [--folder DIR]
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path

import torch

from app.speech import WEIGHTS
from app.speech.phonemes import Phonemizer
from bench.speech_takes import SCORERS, Takes, summary
from bench.speech_voices import make_voice

SENTENCES = Path(__file__).with_name("speech_sentences.txt")


def main() -> None:
    parser = argparse.ArgumentParser(description="Scores takes of many sentences, resumably.")
    parser.add_argument("--cache", type=Path, required=True, help="takes and scores; another folder for other weights")
    parser.add_argument("--voices", default="hibari,flash2,flash1,espeak")
    parser.add_argument("--scorers", default=",".join(SCORERS))
    parser.add_argument("--texts", type=Path, default=SENTENCES, help="one a line")
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--num", type=int, default=200)
    parser.add_argument("--folder", type=Path, default=WEIGHTS, help="of our weights")
    words = parser.parse_args()
    torch.set_num_threads(1)
    texts = words.texts.read_text(encoding="utf-8").strip().split("\n")[words.skip : words.skip + words.num]
    phonemizer = Phonemizer()
    result: dict[str, object] = {"torch": torch.__version__, "texts": len(texts), "skipped": words.skip}
    for name in words.voices.split(","):
        takes = Takes(words.cache / name, partial(make_voice, name, words.folder, phonemizer))
        for scorer in filter(None, words.scorers.split(",")):
            takes.score(scorer, SCORERS[scorer], texts)
        result[name] = summary(takes, texts)
        print(f"{name:15} {result[name]}", flush=True)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
