"""What an encoder's tokens and keys mean, as a word: a recording can be read by whoever agrees with it. Pure."""

import hashlib

from app.encoder import Layout

__all__ = ["fingerprint_of", "own_fingerprint"]


def fingerprint_of(layout: Layout) -> str:
    """Which concepts in which order, in which shape. Weights that were trained anew do not change it."""
    from vision.encoders import CONCEPTS

    names = "\n".join(concept.name for concept in CONCEPTS[: layout.num_concepts])
    digest = hashlib.sha256(names.encode()).hexdigest()[:12]
    return f"concepts-{digest}-{layout.num_tokens}x{layout.token_dim}-{layout.key_dim}"


def own_fingerprint() -> str:
    """Of the encoder that Afterglow brings along, without loading it."""
    from vision.encoders import CONCEPTS, GridLayout

    return fingerprint_of(GridLayout(num_concepts=len(CONCEPTS)))
