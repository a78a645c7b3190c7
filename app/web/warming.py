"""Loads the models once, as soon as the page's program starts, so that the first source need not wait for them.

Comes in: the kept models. Goes out: the same models, on their shelf; or the reason why they could not be loaded.
A thread of its own; sessions that start meanwhile wait for it instead of loading a second copy.
"""

from typing import Any

from app.encoder import Encoder
from app.kept_models import KeptModels
from app.language.lmm import LMM
from app.worker import StopSignal, Worker

__all__ = ["WarmUp"]

_MAX_LOADING_S = 120.0


class WarmUp(Worker):
    """`encoder` and `lmm` are what a Session is given."""

    def __init__(self, models: KeptModels) -> None:
        super().__init__("warm-up", StopSignal())
        self._models = models

    def step(self) -> bool:
        for lend in (self._models.encoder, self._models.lmm):
            part: Any = lend()
            part.close()  # given back at once: it stays on the shelf
        return False

    @property
    def is_loading(self) -> bool:
        return self.was_started and not self.finished.is_set()

    def begin(self) -> None:
        """Starts loading; returns at once."""
        self.launch(lambda worker: None)

    def encoder(self) -> Encoder:
        """Called by the perceive thread of a session."""
        self._wait()
        return self._models.encoder()

    def lmm(self) -> LMM:
        """Called by the answer thread of a session."""
        self._wait()
        return self._models.lmm()

    def close(self) -> None:
        """The last thing the thread does; the models stay."""

    def _wait(self) -> None:
        if self.was_started:
            self.finished.wait(_MAX_LOADING_S)
