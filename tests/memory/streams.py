"""Streams for the memory's tests: scenes that come back, with noise, repeats and uneven times."""

import dataclasses
import hashlib

import numpy as np

from memory import MemoryConfig

P, D, KEY, CHANNELS = 4, 6, 8, 3


def make_config(**changes):
    defaults = {
        "num_tokens": P,
        "token_dim": D,
        "key_dim": KEY,
        "num_evidence_channels": CHANNELS,
        "spatial_capacity": 3,
        "temporal_capacity": 8,
        "trace_capacity": 16,
        "max_silence_s": 1000.0,  # random_frames() leaps; tests/memory/test_silence.py is about silences
        "protected_slots": 2,
        "abstract_capacity": 4,
        "max_notes": 6,
        "max_gaps": 6,
    }
    return MemoryConfig(**{**defaults, **changes})


def random_frames(seed, num_frames, num_scenes=6, key_dim=KEY):
    """(tokens, key, time_s, frame_id), as write() takes them."""
    rng = np.random.default_rng(seed)
    scenes = rng.standard_normal((num_scenes, key_dim))
    time_s, frame_id, scene = 0.0, 0, 0
    for _ in range(num_frames):
        if rng.random() < 0.3:
            scene = int(rng.integers(num_scenes))
        noise = 0.02 if rng.random() < 0.5 else 0.4
        tokens = rng.standard_normal((P, D)).astype(np.float32)
        tokens[:, :CHANNELS] = rng.choice([0.0, 0.0, 0.3], size=(P, CHANNELS))
        key = (scenes[scene] + noise * rng.standard_normal(key_dim)).astype(np.float32)
        time_s += float(rng.choice([0.1, 0.5, 0.5, 40.0]))
        frame_id += int(rng.integers(1, 4))
        yield tokens, key, time_s, frame_id


def write_all(memory, frames):
    for frame in frames:
        memory.write(*frame)
    return memory


def checksum(snapshot):
    """Of everything that a reader can see but the version."""
    rest = (snapshot.t_now_s, snapshot.frames_seen, snapshot.frames_forgotten, snapshot.notes, snapshot.gaps)
    digest = hashlib.sha256(repr((snapshot.ledger, rest, snapshot.pins)).encode())
    for tier in (snapshot.spatial, snapshot.temporal, snapshot.traces, snapshot.abstract):
        for part in dataclasses.fields(tier):
            digest.update(getattr(tier, part.name).numpy().tobytes())
    return digest.hexdigest()
