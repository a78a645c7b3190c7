"""From a question to the first sound of its answer, and from a cancel to silence, with the real models.

    python -m bench.first_audio [--repeats 10] [--voice hibari|flashspeech] [--steps 1|2] [--clip FILE]

Plays the demo clip into a session, then asks its questions over and over. Each question's time is told in its parts:
question -> first token (`token_ms`), -> the first clause complete (`clause_ms`), -> its first block at the sink
(`block_ms`). The sink is a PlayerQueue that a thread empties in real time, as the page does. Every other answer is
cancelled a second after it began to sound: `silence_ms` is the time until the player was last given a sample that was
not silence, `end_ms` until the speak thread had let go. The first round is a warm-up and not counted. The last line is
one JSON object with p50 and p95.
"""

import argparse
import json
import platform
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from app.capturing import CaptureConfig
from app.config import AssistantConfig
from app.session import Session
from app.speaking import SpeechConfig
from app.speech import ClauseSplitter, PlayerQueue
from app.web.choices import DEMO_CLIP
from vision.sources import SourceConfig

QUESTIONS = ("When did you see the cat?", "What happened so far?", "Has anyone been here?", "What do you see now?")
TICK_S = 0.01
SOUND_S = 1.0  # how long an answer sounds before it is cancelled
TIMEOUT_S = 120.0


@dataclass
class Player:
    """Takes what is ready every 10 ms, in real time, and notes when it was last given sound."""

    queue: PlayerQueue
    first_sound_s: float | None = None
    last_sound_s: float | None = None
    has_sounded: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        due_s = time.monotonic()
        while not self.stop.wait(max(due_s - time.monotonic(), 0.0)):
            due_s += TICK_S
            taken = self.queue.take(round(TICK_S * self.queue.sample_rate))
            if len(taken) and np.abs(taken).max() > 0:
                self.last_sound_s = time.monotonic()
                self.first_sound_s = self.first_sound_s or self.last_sound_s
                if self.last_sound_s - self.first_sound_s > SOUND_S:
                    self.has_sounded.set()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=10, help="rounds of the four questions")
    parser.add_argument("--voice", default="default")
    parser.add_argument("--steps", type=int, choices=(1, 2), default=1)
    parser.add_argument("--clip", type=Path, default=DEMO_CLIP)
    words = parser.parse_args()
    config = AssistantConfig(
        source=str(words.clip),
        capture=CaptureConfig(reading=SourceConfig(speed="max", max_fps=4.0)),
        speech=SpeechConfig(voice=words.voice, steps=words.steps),
    )
    rows: list[dict[str, float]] = []
    with Session(config) as session:
        session.prepare_speech()
        while not session.wait_until_ended(0.5):
            pass
        for number in range((words.repeats + 1) * len(QUESTIONS)):
            row = measured(session, QUESTIONS[number % len(QUESTIONS)], is_cancelled=number % 2 == 1)
            is_counted = number >= len(QUESTIONS)
            print(f"{'' if is_counted else 'warm-up '}{row}", flush=True)
            if is_counted:
                rows.append(row)
        speech = session.status().speech
    report: dict[str, object] = {
        "device": f"{platform.processor() or platform.machine()}, voice {speech.voice if speech else None}"
    }
    print(json.dumps({**report, **percentiles(rows)}))


def measured(session: Session, question: str, *, is_cancelled: bool) -> dict[str, float]:
    """One question; milliseconds from the moment of asking, and after a cancel from the cancel."""
    player = Player(PlayerQueue(max_s=30.0))
    thread = threading.Thread(target=player.run)
    thread.start()
    asked_s = time.monotonic()
    answer = session.ask(question)
    spoken = session.speak(answer, player.queue)
    clause_s = None
    splitter, position = ClauseSplitter(), 0
    while not answer.is_done and clause_s is None:
        pieces = answer.next_pieces(position, 0.05)
        position += len(pieces)
        if any(splitter.feed(piece) for piece in pieces):
            clause_s = time.monotonic()
    if clause_s is None:  # an answer of one clause is complete with its end
        answer.result(TIMEOUT_S)
        clause_s = time.monotonic()
    row: dict[str, float] = {}
    if is_cancelled and player.has_sounded.wait(TIMEOUT_S / 10):
        cancelled_s = time.monotonic()
        spoken.cancel()
        answer.cancel()
        spoken.result(TIMEOUT_S)
        row["end_ms"] = (time.monotonic() - cancelled_s) * 1e3
        time.sleep(0.5)  # whatever still sounds would be noticed
        row["silence_ms"] = max((player.last_sound_s or cancelled_s) - cancelled_s, 0.0) * 1e3
    result = spoken.result(TIMEOUT_S)
    answer.result(TIMEOUT_S)
    player.stop.set()
    thread.join()
    if result.problem is not None:
        raise SystemExit(f"not spoken: {result.problem}")
    row["first_audio_ms"] = result.first_audio_ms or 0.0
    row["token_ms"] = answer.ttft_ms or 0.0
    row["clause_ms"] = (clause_s - asked_s) * 1e3
    row["block_ms"] = result.clause_ms or 0.0
    return {name: round(value, 1) for name, value in row.items()}


def percentiles(rows: list[dict[str, float]]) -> dict[str, object]:
    names = sorted({name for row in rows for name in row})
    found: dict[str, object] = {"answers": len(rows)}
    for name in names:
        values = [row[name] for row in rows if name in row]
        found[name] = {f"p{share}": round(float(np.percentile(values, share)), 1) for share in (50, 95)}
    return found


if __name__ == "__main__":
    main()
