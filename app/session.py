"""A session: one stream, its memory and its questions. It alone creates, starts and joins the threads.

Comes in: a configuration, then questions from any thread. Goes out: Answers, frozen status, pictures. Four threads:
capture -> perceive (-> memory), answer, and speak where answers are spoken; each is described in its module.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from app import loading
from app.answer import Answer, AnswerResult, Conversation, Moment
from app.answering import AnswerWorker
from app.asking import QuestionDesk
from app.attention import Attention
from app.capturing import CaptureWorker, StreamOutcome
from app.config import AssistantConfig
from app.encoder import Encoder
from app.errors import (
    NothingSeenError,
    SessionClosedError,
    SessionStateError,
    ShutdownError,
)
from app.handoff import Handoff
from app.keeping import Keeper
from app.kept_models import KeptModels
from app.moments import Moments
from app.perceiving import PerceiveWorker
from app.questions import clean_question
from app.recording.clock_log import ClockLog, ClockPiece
from app.speaking import SpeakWorker
from app.spoken import PieceSource, SpokenAnswer
from app.status import FrameCounts, MemoryCounts, SessionState, SessionStatus
from app.worker import StopSignal, Worker
from vision import Frame
from vision.sources import Source, mask_credentials

if TYPE_CHECKING:
    from app.language.lmm import LMM
    from app.speech import Sink, Speaker
    from memory import StreamMemory

__all__ = ["Answer", "AnswerResult", "Conversation", "KeptModels", "Session", "SessionStatus"]

_log = logging.getLogger(__name__)
_QUICK_OPEN_S = 0.25  # a source that is quickly found wrong is refused before any weights are read
_POLL_S = 0.05


class Session:
    """`start()` returns ready or raises; `ask()` at any time after; `close()` from any state and thread, also twice.

    With the configuration alone it uses the real parts. `source` is an unopened source; `encoder`, `lmm` and `memory`
    are functions that make the part, called once by the thread that will use it (a class is such a function).
    """

    def __init__(
        self,
        config: AssistantConfig,
        *,
        source: Source | None = None,
        encoder: Callable[[], Encoder] | None = None,
        lmm: "Callable[[], LMM] | None" = None,
        memory: "Callable[[Encoder], StreamMemory] | None" = None,
        speaker: "Callable[[str], Speaker] | None" = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.config = config
        self._clock = clock
        self._stop = StopSignal()
        self._frames: Handoff[Frame] = Handoff(config.frame_queue)
        self._desk = QuestionDesk(config.answer, self._moment, stop=self._stop, clock=clock)
        self._keeper = None if config.keep is None else Keeper(config.keep, clock=clock)
        self._perceive = PerceiveWorker(
            self._frames,
            encoder or loading.load_encoder,
            memory or (lambda loaded: loading.make_memory(config, loaded)),
            config.perceive,
            stop=self._stop,
            keeper=self._keeper,
            clock=clock,
        )
        self._perceive.before_write = self._ask_due
        self._attention = Attention(config.perceive.fps, clock)
        self._capture = CaptureWorker(
            lambda: self._recorded(source or loading.make_source(config)),
            self._frames,
            config.capture,
            stop=self._stop,
            may_play=self._perceive.ready,
            attention=self._attention,
            clock=clock,
        )
        self._perceive.take_gaps = self._capture.take_gaps
        self._answer = AnswerWorker(
            self._desk.channel, lmm or loading.load_lmm, config.answer, stop=self._stop, clock=clock
        )
        self.moments = Moments(self._perceive, self._keeper, self._drop_answers)
        self._speak = None
        if config.speech is not None:
            self._speak = SpeakWorker(config.speech, speaker or loading.load_speaker, stop=self._stop, clock=clock)
        speaking = () if self._speak is None else (self._speak,)
        self._workers: tuple[Worker, ...] = (self._capture, self._perceive, self._answer, *speaking)
        self._conversation = Conversation()
        self._lock = threading.Lock()  # guards the three flags below
        self._was_started = self._is_closing = self._was_failure_told = False
        self._closed = threading.Event()

    def start(self) -> None:
        """Opens the source and loads the models side by side. Returns when all are ready, or closes and raises."""
        with self._lock:
            if self._is_closing:
                raise SessionClosedError("This session was closed; make a new one.")
            if self._was_started:
                raise SessionStateError("This session was started already.")
            self._was_started = True
        try:
            self._start_workers()
        except BaseException:  # Ctrl-C included: no thread may be left behind
            self._was_failure_told, was_closing = True, self._is_closing
            self.close()
            if was_closing:
                self._join()  # that close() may have been over before the workers were launched
            raise

    def ask(self, text: str, at_s: float | None = None, conversation: Conversation | None = None) -> Answer:
        """Puts a question about what has been seen so far; with `at_s`, when the stream will have reached that time.

        The answer knows no frame later than that, and no questions but those of its conversation (the session's own
        one when there is none given). Raises QuestionError, NothingSeenError, TooManyQuestionsError,
        SessionStateError, or what made the session fail. Waits at most `answer.put_timeout_s` for room in the channel.
        """
        question = clean_question(text)
        self._require_running()
        self._attention.look()
        said = conversation or self._conversation
        if at_s is None:
            answer = self._desk.ask(question, said)
        else:
            answer = self._desk.ask_at(question, said, at_s, self._remembered_s())
        if self._keeper is not None:
            self._keeper.watch(answer)
        return answer

    def speak(self, words: PieceSource, sink: "Sink") -> SpokenAnswer:
        """Speaks an Answer while it is being written, after those that wait already. The sink stays the caller's.

        Needs a configuration with `speech`. Raises TooManyQuestionsError, SessionStateError, or what made the session
        fail. What goes wrong with the voice is told in the result and in the status, and nothing else is harmed.
        """
        self._require_running()
        if self._speak is None:
            raise SessionStateError("This session does not speak: its configuration has no `speech`.")
        spoken = SpokenAnswer(words, sink, clock=self._clock)
        self._speak.put(spoken)
        return spoken

    def prepare_speech(self) -> None:
        """Opens the voice in its thread, so that the first spoken answer need not wait for it."""
        if self._speak is not None:
            self._speak.prepare()

    def status(self) -> SessionStatus:
        """How things stand, at once, in any state."""
        capture, perceive = self._capture, self._perceive
        frame, read_clock_s = capture.newest or (None, 0.0)
        counts = self._memory_counts()
        frames = self._frame_counts()
        failure = self._stop.cause or capture.lost_error
        return SessionStatus(
            state=self._state(),
            source_name=capture.source.name if capture.source is not None else mask_credentials(self.config.source),
            is_live=capture.source is not None and capture.source.is_live,
            frames_seen=frames.seen,
            frames_encoded=frames.encoded,
            frames_dropped=frames.dropped,
            newest_time_s=None if frame is None else frame.time_s + self._offset_s,
            newest_frame_age_s=None if frame is None else max(self._clock() - read_clock_s, 0.0),
            remembered_time_s=self._remembered_s(),
            encode_ms=perceive.encode_ms,
            memory_version=counts.version,
            memory_tokens=counts.tokens,
            memory_bytes=counts.bytes,
            lmm_name=self._answer.lmm_name,
            questions_waiting=self._desk.num_waiting + (self._answer.current is not None),
            last_ttft_ms=self._answer.last_ttft_ms,
            failure=None if failure is None else str(failure) or type(failure).__name__,
            connection=capture.connection,
            wall_offset_s=self._wall_offset_s(frame),
            last_tokens_per_s=self._answer.last_tokens_per_s,
            num_gaps=capture.num_gaps,
            speech=None if self._speak is None else self._speak.status,
            keeping=None if self._keeper is None else self._keeper.status,
        )

    def wait_until_ended(self, timeout_s: float) -> bool:
        """True when the stream is over and all of it is remembered. Raises what made the session fail."""
        is_over = self._perceive.finished.wait(timeout_s)
        self._require_running()
        return is_over

    def frame_jpeg(self, frame_id: int) -> bytes | None:
        """A small picture of a frame that evidence names, or of the kept frame nearest to it. None: there is none."""
        frames, keeper = self._perceive.frames, self._keeper
        if keeper is None or frames.holds(frame_id):
            return frames.get(frame_id)
        kept = keeper.picture(frame_id)
        return kept if kept is not None or frame_id < keeper.first_frame_id else frames.get(frame_id)

    def latest_frame(self) -> Frame | None:
        """The newest frame that was read, unless its moment was forgotten."""
        self._attention.look()
        newest = self._capture.newest
        if newest is None or self._perceive.was_forgotten(newest[0].time_s + self._offset_s):
            return None
        return newest[0]

    def clock_log(self) -> ClockLog:
        """Which wall time belongs to which stream time: as it is recorded, else as the newest frame shows it. Empty
        before the first frame."""
        if self._keeper is not None:
            return self._keeper.clock_log()
        frame = self.latest_frame()
        return ClockLog(() if frame is None else (ClockPiece(0.0, frame.wall_time_s - frame.time_s),))

    def stop(self) -> None:
        """Tells the threads to leave without waiting for them, so that many sessions end at once. close() follows."""
        self._stop.set()
        self._frames.finish()
        self._desk.channel.finish()

    def close(self) -> None:
        """Stops the threads and waits for them, at most `close_timeout_s`. Re-raises, once, what made it fail."""
        with self._lock:
            is_first, self._is_closing = not self._is_closing, True
        if not is_first:
            self._closed.wait(self.config.close_timeout_s + 1.0)
            return
        self.stop()
        try:
            late = self._join()
            self._fail_unanswered()
            if self._perceive.memory is not None and not self._perceive.is_alive:
                self._perceive.mark_gaps()
                self._perceive.memory.close()
        finally:
            self._closed.set()
        if self._was_failure_told:
            return
        if self._stop.cause is not None:
            raise self._stop.cause
        if late:
            raise ShutdownError(f"After {self.config.close_timeout_s:g} s these threads still ran: {', '.join(late)}.")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._was_failure_told |= error is not None  # the error on its way out must not be replaced
        self.close()

    # Starting and closing

    def _start_workers(self) -> None:
        deadline_s = time.monotonic() + self.config.start_timeout_s
        self._raise_if_stopped()
        self._capture.launch(self._on_exit)
        self._capture.ready.wait(_QUICK_OPEN_S)
        self._raise_if_stopped()
        self._perceive.launch(self._on_exit)
        self._answer.launch(self._on_exit)
        if self._speak is not None:
            self._speak.launch(self._on_exit)
        for worker in self._workers:
            while not worker.ready.wait(_POLL_S):
                self._raise_if_stopped()
                if time.monotonic() > deadline_s:
                    raise TimeoutError(
                        f"The {worker.name} thread was not ready after {self.config.start_timeout_s:g} s."
                    )
        self._raise_if_stopped()

    def _raise_if_stopped(self) -> None:
        if self._stop.cause is not None:
            raise self._stop.cause
        if self._stop.is_set():
            raise SessionClosedError("The session was closed while it was starting.")

    def _join(self) -> list[str]:
        """Waits for the workers; the names of those that did not end."""
        deadline_s = time.monotonic() + self.config.close_timeout_s
        return [worker.name for worker in self._workers if not worker.join(deadline_s - time.monotonic())]

    def _on_exit(self, worker: Worker) -> None:
        """Called last by each worker in its own thread: no one may wait for what will not come."""
        if self._stop.is_set():
            self._frames.finish()
            self._desk.channel.finish()
        elif worker is self._perceive:
            self._desk.ask_left_over()
        if worker is self._answer or self._stop.is_set():
            self._fail_unanswered()

    def _fail_unanswered(self) -> None:
        self._desk.close()
        answer = self._answer.current
        if answer is not None:
            answer.fail(self._stop.cause or SessionClosedError("The session was closed during this answer."))
        if self._speak is not None and self._stop.is_set():
            self._speak.abandon("The session was closed before this answer was spoken.")

    # Asking

    def _require_running(self) -> None:
        if self._stop.cause is not None:
            raise self._stop.cause
        if self._is_closing:
            raise SessionClosedError("The session was closed; nothing can be asked any more.")
        if not self._was_started:
            raise SessionStateError("The session was not started.")

    def _ask_due(self, time_s: float) -> None:
        """In the perceive thread, before the frame at `time_s` is written."""
        source = self._capture.source
        self._desk.ask_due(
            time_s, can_wait=source is not None and self.config.capture.is_lossless(is_live=source.is_live)
        )

    def _drop_answers(self) -> None:
        """What was asked before a moment was forgotten is not answered from what the memory held then."""
        for answer in (self._answer.current, *self._desk.channel.waiting()):
            if answer is not None:
                answer.cancel()
        self._conversation.forget()
        self._answer.forget()

    def _moment(self, note: str | None = None) -> Moment:
        """One snapshot and the counters beside it, taken by whoever asks, at the moment of asking."""
        if self._perceive.memory is None or self._perceive.num_encoded == 0:
            if self._perceive.finished.is_set():
                raise NothingSeenError("Nothing was seen: the source ended before it gave a picture.")
            raise NothingSeenError("Nothing has been seen yet: wait for the first picture, then ask again.")
        snapshot = self._perceive.memory.snapshot()
        return Moment(snapshot=snapshot, frames=self._frame_counts(), memory=self._memory_counts(), note=note)

    # Looking

    def _recorded(self, source: Source) -> Source:
        """In the capture thread: the source, with its video recorded beside it where the session keeps one."""
        if self._keeper is not None:
            self._keeper.record_video(source)
        return source

    @property
    def _offset_s(self) -> float:
        """From the source's times to those of the memory, which go on over restarts."""
        return 0.0 if self._keeper is None else self._keeper.time_offset_s

    def _wall_offset_s(self, frame: Frame | None) -> float | None:
        """Times of a file are no times of the clock."""
        source = self._capture.source
        if frame is None or source is None or not source.is_live:
            return None
        return frame.wall_time_s - frame.time_s - self._offset_s

    def _frame_counts(self) -> FrameCounts:
        capture = self._capture
        num_late = 0 if capture.counters is None else capture.counters.frames_skipped_late
        return FrameCounts(
            seen=capture.num_seen, encoded=self._perceive.num_encoded, dropped=self._frames.num_dropped + num_late
        )

    def _remembered_s(self) -> float | None:
        """Stream time of the newest frame in the memory."""
        memory = self._perceive.memory
        return None if memory is None or self._perceive.num_encoded == 0 else memory.snapshot().t_now_s

    def _memory_counts(self) -> MemoryCounts:
        if self._perceive.memory is None:
            return MemoryCounts()
        stats = self._perceive.memory.stats()
        return MemoryCounts(version=stats.version, tokens=stats.tokens, bytes=stats.bytes)

    def _state(self) -> SessionState:
        if self._stop.cause is not None:
            return "failed"
        if self._is_closing:
            return "closed"
        if not self._was_started:
            return "new"
        if not all(worker.ready.is_set() for worker in self._workers):
            return "starting"
        if not self._perceive.finished.is_set():
            return "running"
        return "source_lost" if self._capture.outcome is StreamOutcome.LOST else "ended"
