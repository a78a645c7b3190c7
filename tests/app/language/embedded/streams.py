"""Small streams for the tests of the embedded LMM, written into the real memory."""

import torch

from memory import MemoryConfig, Snapshot, StreamMemory
from vision.encoders import CONCEPTS, GridLayout, grid_from_objects, grid_key

LAYOUT = GridLayout(num_concepts=len(CONCEPTS))
INDEX = {concept.name: index for index, concept in enumerate(CONCEPTS)}
Placed = tuple[str, float, float]  # name, x, y


def snapshot_of(frames: list[tuple[float, list[Placed]]]) -> Snapshot:
    """The memory after frames of (time in seconds, [(name, x, y), ...]); frame ids count from 0 in tens."""
    config = MemoryConfig(
        num_tokens=LAYOUT.num_tokens,
        token_dim=LAYOUT.token_dim,
        key_dim=LAYOUT.key_dim,
        num_evidence_channels=LAYOUT.num_concepts,
    )
    memory = StreamMemory(config)
    for number, (time_s, objects) in enumerate(frames):
        tokens = grid_from_objects([(INDEX[name], 1.0, x, y, 0.1, 0.1) for name, x, y in objects], LAYOUT)
        memory.write(torch.from_numpy(tokens), torch.from_numpy(grid_key(tokens, LAYOUT)), time_s, number * 10)
    return memory.snapshot()


def walk() -> Snapshot:
    """0 to 19 s a person at the left; 5 to 9 s two dogs at the bottom right; from 12 s a car at the top."""
    frames = []
    for second in range(20):
        objects = [("person", 0.1, 0.5)]
        if 5 <= second <= 9:
            objects += [("dog", 0.8, 0.9), ("dog", 0.9, 0.9)]
        if second >= 12:
            objects.append(("car", 0.5, 0.1))
        frames.append((float(second), objects))
    return snapshot_of(frames)
