"""Turns a trained adapter into the file that the product ships: int8 rows with fp16 scales, at most 10 MB.

    python -m app.language.training.export --adapter DIR/adapter.safetensors --out FILE.safetensors

In: the fp16 adapter of train.py. Out: the shipped file, assets/models/embedded_lmm.safetensors; logs its size and
SHA-256 for the model card.
"""

import argparse
import hashlib
import logging
from pathlib import Path

from safetensors.torch import load_file, save_file

from app.language.embedded.weights import quantise_state

__all__ = ["MAX_BYTES", "export", "main"]

MAX_BYTES = 10_000_000

log = logging.getLogger(__name__)


def export(adapter: Path, out: Path) -> tuple[int, str]:
    """Quantise `adapter` into `out`; returns size in bytes and SHA-256. Raises ValueError when that is too large."""
    save_file(quantise_state(load_file(adapter)), out)
    data = out.read_bytes()
    if len(data) > MAX_BYTES:
        out.unlink()
        raise ValueError(
            f"the exported adapter has {len(data)} bytes, the limit is {MAX_BYTES}: train with a smaller rank"
        )
    return len(data), hashlib.sha256(data).hexdigest()


def main() -> None:
    """Parse the arguments and export."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adapter", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    num_bytes, digest = export(options.adapter, options.out)
    log.info("%s: %d bytes, SHA-256 %s", options.out.name, num_bytes, digest)


if __name__ == "__main__":
    main()
