"""Scores an adapter on held-out streams with held-out phrasings, without training.

    python -m app.language.training.evaluate --base DIR --adapter DIR --streams 120 [--device cuda|cpu]

In: base weights and the folder of an adapter. Out: the report of scoring.py as JSON on stdout.
"""

import argparse
import json
import sys
from pathlib import Path

from app.language.embedded.conversion import TOKENIZER_NAME
from app.language.embedded.tokenizer import TextTokenizer
from app.language.training.adapted import build
from app.language.training.batches import make_examples
from app.language.training.scoring import score

__all__ = ["main"]


def main() -> None:
    """Parse the arguments, score, write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--adapter", type=Path, required=True)
    parser.add_argument("--streams", type=int, default=120)
    parser.add_argument("--rank", type=int, default=24)
    parser.add_argument("--device", default="cpu", choices=("cuda", "cpu"))
    options = parser.parse_args()
    model = build(options.base, options.device, options.rank, seed=0, resume=options.adapter).eval()
    examples = make_examples(options.base, held_out=True)
    report = score(model, examples, TextTokenizer(options.base / TOKENIZER_NAME), options.streams)
    sys.stdout.write(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
