"""The whole configuration of one session: one frozen dataclass that holds those of its parts. Can be pickled.

Comes in: nothing. Goes out: AssistantConfig. No thread. The defaults run on a laptop's CPU without a camera.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.answering import AnswerConfig
from app.capturing import CaptureConfig
from app.keeping import KeepConfig
from app.perceiving import PerceiveConfig
from app.speaking import SpeechConfig

if TYPE_CHECKING:  # the memory brings torch with it
    from memory import MemoryConfig

__all__ = ["AssistantConfig"]


@dataclass(frozen=True, kw_only=True)
class AssistantConfig:
    """One stream, its memory and its questions."""

    # A path, webcam:0, rtsp://..., http(s)://... or synthetic:NAME; not shown, since it may hold a password.
    source: str = field(default="synthetic:moving_square", repr=False)
    capture: CaptureConfig = field(default_factory=CaptureConfig)
    perceive: PerceiveConfig = field(default_factory=PerceiveConfig)
    answer: AnswerConfig = field(default_factory=AnswerConfig)
    credentials_file: str | None = None  # two lines, user and password, for an address that names no user
    keep: KeepConfig | None = None  # where the stream is recorded; None: it is forgotten when the session is closed
    speech: SpeechConfig | None = None  # how answers are spoken; None: nothing is
    memory: "MemoryConfig | None" = None  # None: the default sizes, in the encoder's shape
    frame_queue: int = 4  # frames that wait for the encoder where none may be lost
    start_timeout_s: float = 120.0  # to open the source and to load the models
    close_timeout_s: float = 5.0

    def __post_init__(self) -> None:
        if not self.source.strip():
            raise ValueError("source must name a file, a camera or an address, got an empty text")
        if not 1 <= self.frame_queue <= 64:
            raise ValueError(f"frame_queue must be in 1..64, got {self.frame_queue}")
        for name in ("start_timeout_s", "close_timeout_s"):
            if not 0 < getattr(self, name) <= 3600:
                raise ValueError(f"{name} must be > 0 and <= 3600, got {getattr(self, name)}")
