"""What the tests of recordings share: sessions of fakes on a real memory and archive, at times that a test chooses."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from app.capturing import CaptureConfig
from app.config import AssistantConfig
from app.keeping import KeepConfig
from app.perceiving import PerceiveConfig
from app.session import Session
from tests.fakes import FakeEncoded, FakeEncoder, FakeLMM, FakeSource
from vision import Frame
from vision.encoders import CONCEPTS, GridLayout
from vision.sources import SourceConfig

DAY_S = 86_400.0
NOON_S = 1_795_435_200.0  # 2026-11-23 12:00 UTC
WAIT_S = 10.0


class GridEncoder(FakeEncoder):
    """As FakeEncoder, in the shape of the real one: "person" in the first cell of every picture."""

    def __init__(self) -> None:
        super().__init__()
        self.layout = GridLayout(num_concepts=len(CONCEPTS))  # type: ignore[assignment]

    def encode(self, image: np.ndarray) -> FakeEncoded:
        small = super().encode(image)
        tokens = np.zeros((self.layout.num_tokens, self.layout.token_dim), np.float32)
        tokens[0, 0] = 1.0
        key = np.zeros(self.layout.key_dim, np.float32)
        key[:5] = small.key
        return FakeEncoded(tokens, key)


def frames_at(wall_s: float, count: int, fps: float = 1.0, start: int = 0) -> list[Frame]:
    """Pictures whose grey tells their number; the source's own times and numbers start at 0."""
    image = np.zeros((24, 32, 3), np.uint8)
    return [
        Frame(image=image + (start + i) % 256, time_s=i / fps, wall_time_s=wall_s + i / fps, index=i)
        for i in range(count)
    ]


def keep_config(data: Path, **changes: Any) -> KeepConfig:
    return KeepConfig(**{"data": data, "name": "front", "min_free_bytes": 0, **changes})


def recorder(keep: KeepConfig, frames: Iterable[Any] = (), **parts: Any) -> Session:
    """A session that records what the source gives, without loss. `memory`: a MemoryConfig in place of the default."""
    config = AssistantConfig(
        capture=CaptureConfig(reading=SourceConfig(speed="max")),
        perceive=PerceiveConfig(fps=10.0),
        keep=keep,
        memory=parts.pop("memory", None),
    )
    return Session(
        config,
        source=parts.pop("source", None) or FakeSource(frames),
        encoder=parts.pop("encoder", GridEncoder),
        lmm=lambda: FakeLMM(),
        **parts,
    )


def record(keep: KeepConfig, frames: Iterable[Any], **parts: Any) -> Session:
    """Plays the source to its end; the session is closed."""
    with recorder(keep, frames, **parts) as session:
        assert session.wait_until_ended(WAIT_S)
    return session


def wait_for(condition: Callable[[], bool], limit_s: float = WAIT_S) -> None:
    end_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end_s, "it did not come true in time"
        time.sleep(0.005)
