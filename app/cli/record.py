"""`record`: records cameras until they end, Ctrl-C or SIGTERM; one session for each.

Comes in: checked options. Goes out: recordings on the disk, one line of progress on stderr, the exit code. The main
thread looks after the sessions, whose threads do the work: one that fails is started anew, the others go on.
"""

import contextlib
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from app.cli.exit_codes import EXIT_BAD_ARGUMENTS, sentence_of
from app.cli.output import Output
from app.cli.recording_options import RecordOptions
from app.errors import AnswerError, QuestionError
from app.recording.cameras_file import CameraEntry, CamerasFile, read_cameras
from app.recording.folder import RecordingFolder, RecordingLock, default_data_folder
from app.recording.unit import unit_text

if TYPE_CHECKING:
    from app.cli.ask import MakeSession
    from app.config import AssistantConfig
    from app.session import Session
    from app.status import SessionStatus

__all__ = ["cameras_of", "folders_locked", "record", "recorder_config"]

_log = logging.getLogger(__name__)
_POLL_S = 0.2
_TTY_S, _LINES_S = 1.0, 60.0  # between two lines of progress
_AGAIN_S = 30.0  # before a camera whose session failed is started anew
_CLOSE_TIMEOUT_S = 8.0
_GB = 1e9
_LAUNCH = Path(__file__).resolve().parents[2] / "launch.py"


def record(options: RecordOptions, output: Output, make_session: "MakeSession | None" = None) -> int:
    """0 when all sources ended or SIGTERM came; raises what kept every camera from being recorded."""
    if options.prints_unit:
        text = unit_text(_command(options), "Afterglow records cameras")
        output.result({"type": "unit", "text": text}, text.rstrip())
        return 0
    data = options.data or default_data_folder()
    cameras: tuple[CameraEntry, ...] = (_only_camera(options),) if options.source is not None else ()
    if options.config is not None:
        found = cameras_of(options.config, output)
        if found is None:
            return EXIT_BAD_ARGUMENTS
        data, cameras = options.data or found.data, found.cameras
    make = make_session or _real_session
    with _terminated() as leave, folders_locked(data, cameras):
        recorded = [_Camera(camera.name, recorder_config(camera, data), make, output) for camera in cameras]
        try:
            _start_all(recorded, leave)
            _look_after(recorded, leave, _Progress(sys.stderr, output))
        finally:
            _close_all(recorded, output)
    return 0


def cameras_of(path: Path, output: Output) -> CamerasFile | None:
    """What a file of cameras says; None: every mistake in it was told."""
    found = read_cameras(path)
    for problem in found.problems:
        output.note(f"{path}:{problem.line}: {problem.sentence}")
    return None if found.problems else found


def recorder_config(camera: CameraEntry, data: Path) -> "AssistantConfig":
    """The configuration of the session that records one camera."""
    from app.capturing import CaptureConfig
    from app.config import AssistantConfig
    from app.keeping import KeepConfig
    from app.perceiving import PerceiveConfig
    from vision.sources import ConnectionConfig, SourceConfig

    keep = KeepConfig(
        data=data,
        name=camera.name,
        max_bytes=round(camera.max_gb * _GB),
        max_age_s=camera.max_days * 86_400.0,
        min_free_bytes=round(camera.min_free_gb * _GB),
        keeps_video=camera.video,
    )
    # Twice what is looked at: a picture more costs little, a late one is not missed. A camera may start after us.
    reading = SourceConfig(max_fps=max(2 * camera.fps, 2.0), connection=ConnectionConfig(waits_for_first=True))
    return AssistantConfig(
        source=camera.source,
        credentials_file=camera.credentials_file,
        capture=CaptureConfig(reading=camera.reading.applied(reading)),
        perceive=PerceiveConfig(fps=camera.fps),
        keep=keep,
        close_timeout_s=_CLOSE_TIMEOUT_S,
    )


class _NoLMM:
    """In place of a language model: a recorder looks and keeps, and is asked by `query`."""

    name = "none"

    def stream(self, question: object, snapshot: object, is_cancelled: object) -> Iterator[str]:
        raise AnswerError("A recorder answers nothing: ask with python3 launch.py query.")

    def close(self) -> None:
        """Nothing is held."""


def _real_session(config: "AssistantConfig") -> "Session":
    from app.session import Session

    return Session(config, lmm=_NoLMM)


class _Camera:
    """One camera and its session, which is made anew after a failure."""

    def __init__(self, name: str, config: "AssistantConfig", make: "MakeSession", output: Output) -> None:
        self.name, self.is_over = name, False
        self.session: Session | None = None
        self._config, self._make, self._output = config, make, output
        self._again_s = 0.0

    def start(self) -> None:
        """Raises what keeps it from being recorded."""
        session = self._make(self._config)
        session.start()
        self.session = session

    def look(self) -> None:
        """Ends it when its source is over; starts it anew when it failed some time ago."""
        if self.is_over:
            return
        if self.session is None:
            if time.monotonic() >= self._again_s:
                self._try_again()
            return
        status = self.session.status()
        if status.state == "failed":
            self._put_off(status.failure or "it failed")
        elif status.state in ("ended", "source_lost"):
            self.is_over = True
            self._output.note(f"{self.name}: {status.failure or 'the source is over'}")

    def put_off(self, error: Exception) -> None:
        self._put_off(sentence_of(error))

    def close(self) -> None:
        """Raises what made it fail."""
        session, self.session = self.session, None
        if session is not None:
            session.close()

    def _try_again(self) -> None:
        try:
            self.start()
        except Exception as error:  # a camera that fails must not end the others
            self.put_off(error)

    def _put_off(self, sentence: str) -> None:
        self._output.note(f"{self.name}: {sentence} It is tried again in {_AGAIN_S:g} s.")
        self._again_s = time.monotonic() + _AGAIN_S
        with contextlib.suppress(Exception):  # it was told
            self.close()


def _start_all(cameras: list[_Camera], leave: threading.Event) -> None:
    """Raises the first failure when no camera could be started; otherwise those that could not are tried again."""
    failures: list[tuple[_Camera, Exception]] = []
    for camera in cameras:
        if leave.is_set():
            return
        try:
            camera.start()
        except Exception as error:  # told below, or raised
            failures.append((camera, error))
    if failures and len(failures) == len(cameras):
        raise failures[0][1]
    for camera, failure in failures:
        camera.put_off(failure)


def _look_after(cameras: list[_Camera], leave: threading.Event, progress: "_Progress") -> None:
    """Until all sources are over, or somebody asks to leave."""
    while not leave.is_set() and not all(camera.is_over for camera in cameras):
        for camera in cameras:
            camera.look()
        progress.show(cameras)
        leave.wait(_POLL_S)
    progress.end()


def _close_all(cameras: list[_Camera], output: Output) -> None:
    """All are told to leave before any is waited for, so that many end in the time of one."""
    for camera in cameras:
        if camera.session is not None:
            camera.session.stop()
    for camera in cameras:
        try:
            camera.close()
        except Exception as error:  # the others must be closed too
            _log.debug("%s failed while closing", camera.name, exc_info=error)
            output.note(f"{camera.name}: {sentence_of(error)}")


class _Progress:
    """One line that is written over on a terminal; elsewhere a line a minute, and one when something changes."""

    def __init__(self, stderr: TextIO, output: Output) -> None:
        self._stderr, self._output = stderr, output
        self._is_tty = stderr.isatty()
        self._told_s = -_LINES_S
        self._states: tuple[str, ...] = ()

    def show(self, cameras: list[_Camera]) -> None:
        statuses = [(camera.name, camera.session.status()) for camera in cameras if camera.session is not None]
        states = tuple(f"{name} {_state(status)}" for name, status in statuses)
        is_due = time.monotonic() - self._told_s >= (_TTY_S if self._is_tty else _LINES_S)
        if not is_due and states == self._states:
            return
        self._told_s, self._states = time.monotonic(), states
        line = " | ".join(f"{name} {_progress(status)}" for name, status in statuses) or "waiting"
        if self._is_tty:
            self._stderr.write(f"\r\x1b[K{line}")
            self._stderr.flush()
        else:
            self._output.note(line)

    def end(self) -> None:
        if self._is_tty:
            self._stderr.write("\n")


def _state(status: "SessionStatus") -> str:
    """A word or a sentence; never the address."""
    problem = None if status.keeping is None else status.keeping.problem
    if status.connection is not None and status.connection.state != "live":
        message = f": {status.connection.message}" if status.connection.message else ""
        return f"{status.connection.state}{message}"
    return problem or status.state


def _progress(status: "SessionStatus") -> str:
    pictures = 0 if status.keeping is None else status.keeping.num_pictures
    num_bytes = 0 if status.keeping is None else status.keeping.num_bytes
    return f"{time.strftime('%H:%M:%S')} {_state(status)}, {pictures} pictures ({num_bytes / _GB:.2f} GB)"


def _only_camera(options: RecordOptions) -> CameraEntry:
    assert options.source is not None and options.name is not None
    return CameraEntry(
        name=options.name,
        source=options.source,
        credentials_file=options.credentials_file,
        fps=options.fps,
        max_gb=options.max_gb,
        max_days=options.max_days,
        min_free_gb=options.min_free_gb,
        video=options.keeps_video,
        reading=options.reading,
    )


def _command(options: RecordOptions) -> list[str]:
    """The words of the same recorder, with absolute paths. Raises QuestionError for a password among them."""
    from vision.sources import mask_credentials

    words = ["/usr/bin/env", "python3", str(_LAUNCH), "record"]
    if options.data is not None:
        words += ["--data", str(options.data.resolve())]
    if options.config is not None:
        return [*words, "--config", str(options.config.resolve())]
    assert options.source is not None and options.name is not None
    if mask_credentials(options.source) != options.source:
        raise QuestionError("The address holds a password, which anybody could read in a unit: use --credentials-file.")
    is_file = Path(options.source).exists()
    words += ["--source", str(Path(options.source).resolve()) if is_file else options.source, "--name", options.name]
    for name, value in (("--max-gb", options.max_gb), ("--max-days", options.max_days), ("--fps", options.fps)):
        words += [name, f"{value:g}"]
    words += ["--min-free-gb", f"{options.min_free_gb:g}"]
    words += ["--no-video"] if not options.keeps_video else []
    if options.credentials_file is not None:
        words += ["--credentials-file", str(Path(options.credentials_file).resolve())]
    return words + options.reading.words()


@contextlib.contextmanager
def folders_locked(data: Path, cameras: tuple[CameraEntry, ...]) -> Iterator[None]:
    """One recorder for each folder. Raises RecordingBusyError, RecordingError."""
    with contextlib.ExitStack() as stack:
        for camera in cameras:
            folder = RecordingFolder(data, camera.name)
            folder.make()
            stack.callback(RecordingLock(folder).release)
        yield


@contextlib.contextmanager
def _terminated() -> Iterator[threading.Event]:
    """Set when SIGTERM comes: an orderly end, as a service manager asks for it."""
    leave = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield leave
        return
    handler: Callable[[int, object], None] = lambda number, frame: leave.set()  # noqa: E731
    before = signal.signal(signal.SIGTERM, handler)
    try:
        yield leave
    finally:
        signal.signal(signal.SIGTERM, before)
