"""Scripted language models for the tests in the browser."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

from app.language.lmm import Evidence, Question, Reply
from tests.fakes import FakeLMM

__all__ = ["CitingLMM", "HeldLMM"]

_PATIENCE_S = 60.0


class CitingLMM(FakeLMM):
    """Tells the number of the oldest frame that the memory holds whole, and gives that frame as evidence."""

    def stream(self, question: Question, snapshot: Any, is_cancelled: Callable[[], bool]) -> Iterator[str | Reply]:
        tier = snapshot.spatial
        frame_id, (start_s, end_s) = int(tier.frame_ids[0]), tier.times_s[0].tolist()
        text = f"Frame {frame_id}."
        yield text
        evidence = (Evidence(start_s=start_s, end_s=end_s, frame_id=frame_id),)
        yield Reply(text=text, evidence=evidence, num_prompt_tokens=1, num_tokens=1)


class HeldLMM(FakeLMM):
    """Says "I see ", then waits until `gate` is opened or the answer is stopped, then says "a cat."."""

    gate: threading.Event

    def stream(self, question: Question, snapshot: Any, is_cancelled: Callable[[], bool]) -> Iterator[str | Reply]:
        yield "I see "
        for _ in range(int(_PATIENCE_S / 0.01)):
            if is_cancelled():
                return
            if self.gate.wait(0.01):
                break
        yield "a cat."
        yield Reply(text="I see a cat.", evidence=(), num_prompt_tokens=1, num_tokens=2)
