"""Any layout with an archive of every frame, at the token budget of the layout alone.

Comes in: frames. Goes out: snapshots, and for a key the tier of the frames that the archive brings back; for them the
layout gives up as many whole frames. One thread. The archive is the product's own, in a folder that is thrown away; in
the place of a JPEG stand the frame's tokens.
"""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from memory import MemoryConfig, Snapshot, Tier
from memory.archive import Archive, ArchiveConfig, ArchiveReader
from memory.baselines import Layout
from memory.retrieval import Query, Retriever

Floats = torch.Tensor | np.ndarray
__all__ = ["NUM_RETRIEVED", "WithArchive"]

NUM_RETRIEVED = 8
_JPEG_START = b"\xff\xd8"


class WithArchive:
    """A layout of NUM_RETRIEVED frames fewer, and an Archive of every frame."""

    def __init__(self, make_layout: Callable[[MemoryConfig], Layout], config: MemoryConfig) -> None:
        self._config = config
        self._layout = make_layout(replace(config, temporal_capacity=config.temporal_capacity - NUM_RETRIEVED))
        self._folder = tempfile.TemporaryDirectory(prefix="afterglow-retention-")
        archive_config = ArchiveConfig(fingerprint="twins", key_dim=config.key_dim)
        self._archive = Archive(Path(self._folder.name) / "archive", archive_config)
        self._reader = ArchiveReader(Path(self._folder.name) / "archive")
        self._retriever = Retriever(self._reader)

    def write(self, tokens: Floats, key: Floats, time_s: float, frame_id: int) -> None:
        self._layout.write(tokens, key, time_s, frame_id)
        stored = np.asarray(tokens, np.float16).tobytes()
        self._archive.put(frame_id, time_s, time_s, _JPEG_START + stored, np.asarray(key, np.float32))

    def snapshot(self) -> Snapshot:
        return self._layout.snapshot()

    def retrieved(self, key: np.ndarray) -> Tier:
        """The frames for a question whose key this is, in order of time."""
        found = self._retriever.retrieve(self.snapshot(), Query(key=key), NUM_RETRIEVED)
        stored = [frame for one in found if (frame := self._reader.get(one.frame_id)) is not None]
        shape = (self._config.num_tokens, self._config.token_dim)
        tokens = [np.frombuffer(frame.jpeg[len(_JPEG_START) :], np.float16).reshape(shape) for frame in stored]
        ids = torch.tensor([frame.frame_id for frame in stored], dtype=torch.int64)
        times_s = torch.tensor([(frame.time_s, frame.time_s) for frame in stored], dtype=torch.float64)
        keys = np.array([frame.key for frame in stored], np.float32).reshape(-1, self._config.key_dim)
        return Tier(
            times_s=times_s.reshape(-1, 2),
            weights=torch.ones(len(stored)),
            tokens=torch.from_numpy(np.array(tokens, np.float32).reshape(-1, *shape)),
            frame_ids=ids,
            first_frame_ids=ids,
            last_frame_ids=ids,
            keys=torch.from_numpy(keys),
        )

    def close(self) -> None:
        self._layout.close()
        self._reader.close()
        self._archive.close()
        self._folder.cleanup()
