"""Scores an adapter on held-out streams with held-out phrasings, without training.

    python -m app.language.training.evaluate --base DIR --adapter DIR|FILE --streams 120 [--device cuda|cpu]
        [--development]

`--development`: other streams and the wordings for development. In: base weights and an adapter, as trained or as
shipped. Out: the report of scoring.py as JSON on stdout.
"""

import argparse
import json
import sys
from pathlib import Path

from app.language.embedded.conversion import TOKENIZER_NAME
from app.language.embedded.tokenizer import TextTokenizer
from app.language.training.adapted import build
from app.language.training.batches import make_examples
from app.language.training.scoring import FIRST_DEVELOPMENT_SEED, FIRST_EVAL_SEED, score

__all__ = ["main"]


def main() -> None:
    """Parse the arguments, score, write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--adapter", type=Path, required=True)
    parser.add_argument("--streams", type=int, default=120)
    parser.add_argument("--rank", type=int, default=24)
    parser.add_argument("--device", default="cpu", choices=("cuda", "cpu"))
    parser.add_argument("--development", action="store_true")
    options = parser.parse_args()
    model = build(options.base, options.device, options.rank, seed=0, resume=options.adapter).eval()
    examples = make_examples(options.base, held_out=True, is_development=options.development)
    first_seed = FIRST_DEVELOPMENT_SEED if options.development else FIRST_EVAL_SEED
    report = score(model, examples, TextTokenizer(options.base / TOKENIZER_NAME), options.streams, first_seed)
    sys.stdout.write(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
