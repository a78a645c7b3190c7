"""Fakes shared by the tests: scripted parts that count what was done with them, and gates in place of sleeps.

Each stands for one Protocol. A gate is a threading.Event that a test sets; every wait on one is bounded.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from app.config import AssistantConfig
from app.hearing import Heard
from app.language.lmm import Evidence, Question, Reply
from app.session import Session
from vision import END, EndOfStream, Frame

if TYPE_CHECKING:
    from app.language.embedded.smollm import SmolLM

GATE_TIMEOUT_S = 10.0


def open_gate() -> threading.Event:
    """A gate that holds nobody up."""
    gate = threading.Event()
    gate.set()
    return gate


def make_frame(index: int, time_s: float, value: int = 128, height_px: int = 24, width_px: int = 32) -> Frame:
    """One grey frame."""
    image = np.full((height_px, width_px, 3), value % 256, np.uint8)
    return Frame(image=image, time_s=time_s, wall_time_s=1_700_000_000.0 + time_s, index=index)


def make_frames(count: int, fps: float = 10.0) -> list[Frame]:
    return [make_frame(index, index / fps, value=index) for index in range(count)]


class FakeClock:
    """A monotonic clock that moves only when told."""

    def __init__(self, now_s: float = 100.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s

    def advance(self, duration_s: float) -> None:
        self.now_s += duration_s


class FakeSource:
    """Gives the scripted items in order: a Frame, None (nothing yet), an exception (raised), or a gate (waited for).

    After the last: END, or nothing for ever if `never_ends`. `thread_names` holds every thread that called it.
    """

    def __init__(
        self,
        script: Iterable[Frame | Exception | threading.Event | None] = (),
        *,
        is_live: bool = False,
        never_ends: bool = False,
        open_error: Exception | None = None,
        close_error: Exception | None = None,
        open_gate: threading.Event | None = None,
    ) -> None:
        self.name = "fake source"
        self.is_live = is_live
        self.num_opened = self.num_closed = self.num_read = 0
        self.thread_names: set[str] = set()
        self.is_exhausted = threading.Event()  # set at the first read after the script
        self.is_held = threading.Event()  # set when it waits at a gate
        self._script = iter(script)
        self._never_ends, self._open_gate = never_ends, open_gate
        self._open_error, self._close_error = open_error, close_error
        self._idle = threading.Event()

    def open(self) -> None:
        self._note_thread()
        if self._open_gate is not None:
            self.is_held.set()
            assert self._open_gate.wait(GATE_TIMEOUT_S)
        if self._open_error is not None:
            raise self._open_error
        self.num_opened += 1

    def read(self, timeout_s: float) -> Frame | EndOfStream | None:
        self._note_thread()
        for item in self._script:
            if isinstance(item, threading.Event):
                self.is_held.set()
                assert item.wait(GATE_TIMEOUT_S)
                continue
            if isinstance(item, Exception):
                raise item
            self.num_read += item is not None
            return item
        self.is_exhausted.set()
        if not self._never_ends:
            return END
        self._idle.wait(min(timeout_s, 0.01))
        return None

    def close(self) -> None:
        self._note_thread()
        self.num_closed += 1
        if self._close_error is not None:
            raise self._close_error

    def _note_thread(self) -> None:
        self.thread_names.add(threading.current_thread().name)


@dataclass(frozen=True)
class FakeLayout:
    num_tokens: int = 4
    token_dim: int = 11
    key_dim: int = 5
    num_concepts: int = 3


@dataclass(frozen=True)
class FakeEncoded:
    tokens: np.ndarray  # float32 [P, D]
    key: np.ndarray  # float32 [key_dim]


class FakeEncoder:
    """One object of the first concept in every frame; the brightness of the picture goes into the key."""

    def __init__(
        self,
        *,
        error: Exception | None = None,
        close_error: Exception | None = None,
        gate: threading.Event | None = None,
    ) -> None:
        self.layout = FakeLayout()
        self.num_encoded = self.num_closed = 0
        self.values: list[int] = []
        self.was_entered = threading.Event()
        self._error, self._close_error, self._gate = error, close_error, gate

    def encode(self, image: np.ndarray) -> FakeEncoded:
        self.was_entered.set()
        if self._gate is not None:
            assert self._gate.wait(GATE_TIMEOUT_S)
        if self._error is not None:
            raise self._error
        self.num_encoded += 1
        self.values.append(int(image[0, 0, 0]))
        tokens = np.zeros((self.layout.num_tokens, self.layout.token_dim), np.float32)
        tokens[0, 0] = 1.0
        angle = 2 * np.pi * self.values[-1] / 256
        key = np.array([np.cos(angle), np.sin(angle), 0, 0, 0], np.float32)
        return FakeEncoded(tokens, key)

    def close(self) -> None:
        self.num_closed += 1
        if self._close_error is not None:
            raise self._close_error


class FakeLMM:
    """Says the scripted pieces, then gives a Reply. An item may be a gate (waited for) or an exception (raised).

    `spoke` is set after the first piece. `questions` and `snapshots` hold what it was asked.
    """

    def __init__(
        self,
        script: Iterable[str | threading.Event | Exception] = ("I see ", "a cat."),
        *,
        evidence: tuple[Evidence, ...] = (Evidence(start_s=0.0, end_s=0.5, frame_id=0),),
        close_error: Exception | None = None,
        has_reply: bool = True,
    ) -> None:
        self.name = "fake LMM"
        self.questions: list[Question] = []
        self.snapshots: list[Any] = []
        self.num_closed = self.num_streams_ended = 0
        self.thread_names: set[str] = set()
        self.spoke = threading.Event()
        self._script, self._evidence, self._close_error, self._has_reply = script, evidence, close_error, has_reply

    def stream(self, question: Question, snapshot: Any, is_cancelled: Callable[[], bool]) -> Iterator[str | Reply]:
        self.thread_names.add(threading.current_thread().name)
        self.questions.append(question)
        self.snapshots.append(snapshot)
        said: list[str] = []
        try:
            for item in self._script:
                if isinstance(item, threading.Event):
                    _wait_unless(item, is_cancelled)
                if is_cancelled():
                    return
                if isinstance(item, Exception):
                    raise item
                if isinstance(item, str):
                    said.append(item)
                    yield item
                    self.spoke.set()
            if self._has_reply:
                yield Reply(text="".join(said), evidence=self._evidence, num_prompt_tokens=7, num_tokens=len(said))
        finally:
            self.num_streams_ended += 1

    def close(self) -> None:
        self.num_closed += 1
        if self._close_error is not None:
            raise self._close_error


class FakeSpeaker:
    """Says each word as a tenth of a second of its own number / 1000, one block a word, at 24 kHz.

    `errors` are raised in order, one for each clause that begins, None for none. At `gate` it waits after its first
    block. `said` holds the words, `num_closed` counts.
    """

    name, sample_rate = "fake voice", 24_000

    def __init__(self, errors: Iterable[Exception | None] = (), gate: threading.Event | None = None) -> None:
        self.said: list[str] = []
        self.clauses: list[str] = []
        self.num_closed = 0
        self.thread_names: set[str] = set()
        self._errors, self._gate = iter(errors), gate

    def synthesise(self, text: str, options: Any, is_cancelled: Callable[[], bool]) -> Iterator[np.ndarray]:
        self.thread_names.add(threading.current_thread().name)
        self.clauses.append(text)
        error = next(self._errors, None)
        for word in text.split():
            if is_cancelled():
                return
            self.said.append(word)
            yield np.full(2400, len(self.said) / 1000, np.float32)
            if error is not None:
                raise error
            if self._gate is not None:
                _wait_unless(self._gate, is_cancelled)

    def close(self) -> None:
        self.num_closed += 1


class FakeRecogniser:
    """Hears the scripted texts in order; an exception is raised. `lengths`: samples of what it was given."""

    name = "fake recogniser"

    def __init__(self, script: Iterable[str | Exception], gate: threading.Event | None = None) -> None:
        self.lengths: list[int] = []
        self.num_closed = 0
        self._script, self._gate = iter(script), gate

    def recognise(self, audio: np.ndarray) -> Heard:
        self.lengths.append(len(audio))
        if self._gate is not None:
            assert self._gate.wait(GATE_TIMEOUT_S)
        item = next(self._script)
        if isinstance(item, Exception):
            raise item
        return Heard(text=item, speech_s=1.0, confidence=-0.1)

    def close(self) -> None:
        self.num_closed += 1


def _wait_unless(gate: threading.Event, is_cancelled: Callable[[], bool]) -> None:
    """As a decode loop does: looks at the token between short pieces of work."""
    for _ in range(int(GATE_TIMEOUT_S / 0.005)):
        if is_cancelled() or gate.wait(0.005):
            return
    raise AssertionError("a gate was not opened in time")


@dataclass(frozen=True)
class FakeSnapshot:
    version: int
    t_now_s: float
    frames_seen: int
    frame_ids: tuple[int, ...] = ()
    gaps: tuple[Any, ...] = ()


@dataclass(frozen=True)
class FakeStats:
    version: int
    tokens: int
    bytes: int
    tiers: tuple[Any, ...] = ()


@dataclass
class FakeMemory:
    """Keeps times and frame ids. `memory=lambda encoder: FakeMemory()` hands it to a Session."""

    write_error: Exception | None = None
    close_error: Exception | None = None
    num_closed: int = 0
    times_s: list[float] = field(default_factory=list)
    frame_ids: list[int] = field(default_factory=list)
    gaps: list[tuple[str, float, float]] = field(default_factory=list)

    def mark_gap(self, kind: str, start_s: float, end_s: float) -> None:
        self.gaps.append((kind, start_s, end_s))

    def write(self, tokens: Any, key: Any, time_s: float, frame_id: int) -> None:
        if self.write_error is not None:
            raise self.write_error
        self.times_s.append(time_s)
        self.frame_ids.append(frame_id)

    def snapshot(self) -> FakeSnapshot:
        count = len(self.times_s)
        return FakeSnapshot(count, self.times_s[count - 1] if count else 0.0, count, tuple(self.frame_ids[:count]))

    def stats(self) -> FakeStats:
        return FakeStats(len(self.times_s), 4 * len(self.times_s), 176 * len(self.times_s))

    def close(self) -> None:
        self.num_closed += 1
        if self.close_error is not None:
            raise self.close_error


def make_session(config: AssistantConfig | None = None, **parts: Any) -> Session:
    """A session of fakes; any part may be given: source, encoder, lmm, memory (the fakes), clock, speaker."""
    encoder = parts.get("encoder") or FakeEncoder()
    lmm = parts.get("lmm") or FakeLMM()
    memory = parts.get("memory") or FakeMemory()
    clock = {name: parts[name] for name in ("clock", "speaker") if name in parts}
    return Session(
        config or AssistantConfig(),
        source=parts.get("source") or FakeSource(make_frames(20)),
        encoder=lambda: encoder,
        lmm=lambda: lmm,
        memory=lambda loaded: memory,  # type: ignore[arg-type,return-value]
        **clock,
    )


def tiny_language_model(seed: int = 0, vocab_size: int = 61, max_positions: int = 128) -> "SmolLM":
    """SmolLM2's structure with random float32 weights: two layers, groups of heads, a vocabulary of a few dozen ids."""
    import torch

    from app.language.embedded.smollm import SmolLM, SmolLMConfig

    config = SmolLMConfig(
        vocab_size=vocab_size, width=24, num_layers=2, num_heads=6, num_kv_heads=2, head_dim=4, hidden_width=40,
        rope_theta=100.0, max_positions=max_positions,
    )  # fmt: skip
    generator = torch.Generator().manual_seed(seed)
    model = SmolLM(config)
    for parameter in model.parameters():
        parameter.data.copy_(torch.randn(parameter.shape, generator=generator) * 0.5 + (parameter.dim() == 1))
    return model.requires_grad_(False).eval()
