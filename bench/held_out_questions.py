"""Asks the shipped language model held-out questions about held-out simulated streams, on the product's own path.

In: the installed models, streams that no training seed reaches, phrasings that no training saw. Out: a line for
each family and, as the last line, one JSON object. Right is the whole expected sentence and nothing else; a question
that the retrieval misreads is wrong. `app/language/training/evaluate.py` scores an adapter token by token instead.

    python -m bench.held_out_questions [--streams 30] [--first 0] [--failures] [--development]

`--development` asks other questions about other streams: for tuning, so that nobody tunes to the held-out ones.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import defaultdict

from app.assets_store import asset_paths
from app.language.embedded.lmm import EmbeddedLMM, load_embedded
from app.language.embedded.reading import read_snapshot
from app.language.lmm import Question, Reply
from app.language.training.batches import make_examples
from app.language.training.scoring import FIRST_DEVELOPMENT_SEED, FIRST_EVAL_SEED, SAMPLES_PER_STREAM
from memory import Snapshot


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=30)
    parser.add_argument("--first", type=int, default=0, help="number of the first stream")
    parser.add_argument("--failures", action="store_true", help="show the wrong answers")
    parser.add_argument("--development", action="store_true", help="the wordings for development, not the test's")
    options = parser.parse_args()
    paths = asset_paths()
    lmm = load_embedded(paths.smollm2, paths.smollm2_tokenizer)
    examples = make_examples(paths.smollm2.parent, held_out=True, is_development=options.development)
    first_seed = FIRST_DEVELOPMENT_SEED if options.development else FIRST_EVAL_SEED
    hits: dict[str, list[bool]] = defaultdict(list)
    num_misread = 0
    for stream in range(options.first, options.first + options.streams):
        seed = first_seed + stream
        snapshot = examples.snapshot(seed)
        reading = read_snapshot(snapshot, examples.layout)
        for sample in examples.ask(reading, random.Random(seed), SAMPLES_PER_STREAM):
            num_misread += sample.is_misread
            if sample.is_misread:
                hits[sample.family].append(False)
                continue
            question = Question(text=sample.question, asked_at_s=snapshot.t_now_s, history=sample.history)
            answer = answer_of(lmm, question, snapshot)
            hits[sample.family].append(answer == sample.answer)
            if options.failures and answer != sample.answer:
                print(f"{sample.family}: {sample.question}\n  given {answer}\n  right {sample.answer}", flush=True)
    for family, found in sorted(hits.items()):
        print(f"{family:18} {len(found):4d} {100 * sum(found) / len(found):6.1f} %")
    flat = [hit for found in hits.values() for hit in found]
    below = sorted(family for family, found in hits.items() if sum(found) / len(found) < 0.88)
    figures = {"questions": len(flat), "exact_percent": round(100 * sum(flat) / len(flat), 2), "misread": num_misread}
    print(
        json.dumps(
            {
                "bench": "held_out_questions",
                "development": options.development,
                "streams": options.streams,
                **figures,
                "families_below_88": below,
            }
        )
    )


def answer_of(lmm: EmbeddedLMM, question: Question, snapshot: Snapshot) -> str:
    """The whole answer, as the answer thread would get it."""
    *_, reply = lmm.stream(question, snapshot, lambda: False)
    assert isinstance(reply, Reply)
    return reply.text.strip()


if __name__ == "__main__":
    main()
