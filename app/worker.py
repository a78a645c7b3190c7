"""One named thread with a beginning, bounded steps and an end.

Comes in: a stop event shared by all workers of a session. Goes out: readiness, or the exception that ended the worker.
`Session` alone creates, starts and joins workers; `open`, `step` and `close` run in the worker's own thread.
"""

import logging
import threading
import time
from collections.abc import Callable

__all__ = ["StopSignal", "Worker"]

_log = logging.getLogger(__name__)


class StopSignal(threading.Event):
    """Tells all workers of a session to leave, and remembers the first failure that made it so."""

    def __init__(self) -> None:
        super().__init__()
        self.cause: Exception | None = None
        self._cause_lock = threading.Lock()

    def fail(self, cause: Exception) -> None:
        """Stops everyone because of `cause`; a later failure is only a consequence, or is logged."""
        with self._cause_lock:
            if self.cause is None:
                self.cause = cause
        self.set()


class Worker:
    """`open` takes what the thread needs, `step` does a bounded piece of work, `close` gives everything back."""

    def __init__(self, name: str, stop: StopSignal) -> None:
        self.name = name
        self.failure: Exception | None = None  # the first exception; written by the worker's thread, once
        self.ready = threading.Event()  # set when `open` is over, well or not
        self.finished = threading.Event()  # set when the last step is done and everything is given back
        self._stop = stop
        self._on_exit: Callable[[Worker], None] | None = None
        self._was_launched, self._has_begun = False, threading.Event()
        # A daemon, so that a device or a kernel that never returns cannot hold the process; close() still waits for it.
        self._thread = threading.Thread(target=self._run, name=f"afterglow-{name}", daemon=True)

    def open(self) -> None:
        """Opens weights and devices: the thread that uses them opens them."""

    def step(self) -> bool:
        """A bounded piece of work. False: the input has ended."""
        raise NotImplementedError

    def close(self) -> None:
        """Called once, always, also after an `open` that failed half-way."""

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def was_started(self) -> bool:
        return self._thread.ident is not None

    def launch(self, on_exit: "Callable[[Worker], None]") -> None:
        """Starts the thread without waiting. `on_exit` is called in it, last."""
        self._on_exit = on_exit
        self._was_launched = True
        self._thread.start()

    def wait_ready(self, timeout_s: float) -> None:
        """Returns when `open` has succeeded, or raises what it raised, or TimeoutError."""
        if not self.ready.wait(timeout_s):
            raise TimeoutError(f"the {self.name} thread was not ready after {timeout_s:.0f} s")
        if self.failure is not None:
            raise self.failure

    def join(self, timeout_s: float) -> bool:
        """Waits for the thread's end. True: it is gone (or never was)."""
        if self._thread is threading.current_thread():
            return True  # a worker that closes the session: it ends after this call
        if self._was_launched:
            deadline_s = time.monotonic() + max(timeout_s, 0.0)
            if not self._has_begun.wait(max(timeout_s, 0.0)):
                return False  # another thread is launching it at this moment
            self._thread.join(max(deadline_s - time.monotonic(), 0.0))
        return not self._thread.is_alive()

    def _run(self) -> None:
        self._has_begun.set()
        started_s = time.monotonic()
        self._guard(self._open_and_step)
        self._guard(self.close)
        self.ready.set()
        self.finished.set()
        _log.debug("%s thread ended after %.1f s", self.name, time.monotonic() - started_s)
        self._guard(self._tell_exit)

    def _tell_exit(self) -> None:
        if self._on_exit is not None:
            self._on_exit(self)

    def _open_and_step(self) -> None:
        self.open()
        self.ready.set()
        while not self._stop.is_set() and self.step():
            pass

    def _guard(self, phase: Callable[[], None]) -> None:
        try:
            phase()
        except Exception as error:  # the one broad except: the session re-raises the first; its cause must not be lost
            if self.failure is None:
                self.failure = error
            else:
                _log.error("the %s thread failed again while closing: %s", self.name, error)
            _log.debug("the %s thread failed", self.name, exc_info=error)
            self._stop.fail(error)
