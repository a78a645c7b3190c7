"""Frames of the shape that the semantic encoder gives, made without it: for programs that need the memory alone.

Comes in: a configuration and a seed. Goes out: tokens [P, D] and keys. Needs numpy and the memory, nothing else.
"""

from collections.abc import Iterator

import numpy as np

from memory import MemoryConfig

__all__ = ["encoder_config", "make_frames"]

CONCEPTS, TOKEN_DIM, KEY_DIM = 248, 256, 1260


def encoder_config(device: str = "cpu") -> MemoryConfig:
    """The sizes that the assistant runs with."""
    return MemoryConfig(
        num_tokens=144, token_dim=TOKEN_DIM, key_dim=KEY_DIM, num_evidence_channels=CONCEPTS, device=device
    )


def make_frames(num_frames: int, seed: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(tokens, key): 60 scenes for 5 to 60 frames each, a third of the stretches still, some news."""
    rng = np.random.default_rng(seed)
    scenes = rng.standard_normal((60, KEY_DIM)).astype(np.float32)
    shown = [rng.choice(CONCEPTS, size=6, replace=False) for _ in scenes]
    scene, left, noise = 0, 0, 0.0
    for _ in range(num_frames):
        if left == 0:
            scene, left, noise = int(rng.integers(60)), int(rng.integers(5, 60)), float(rng.choice([0.05, 0.4, 0.4]))
        left -= 1
        tokens = np.zeros((144, TOKEN_DIM), np.float32)
        tokens[:, CONCEPTS:] = rng.random((144, TOKEN_DIM - CONCEPTS), np.float32)
        tokens[rng.integers(0, 144, 6), shown[scene]] = rng.choice([0.05, 0.5, 0.9, 1.0], size=6)
        is_news = rng.random() < 0.02
        noise_key = rng.standard_normal(KEY_DIM, np.float32)
        yield tokens, noise_key if is_news else scenes[scene] + np.float32(noise) * noise_key
