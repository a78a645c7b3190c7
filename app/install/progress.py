"""Progress of downloads and steps, on stderr: one line rewritten on a terminal, a few plain lines elsewhere.

In: what is being done and how far it is. Out: text on the given stream. Used by one thread at a time.
"""

import shutil
import sys
import time
from collections.abc import Callable
from typing import TextIO

TERMINAL_PERIOD_S = 0.1
PLAIN_PERIOD_S = 10.0


class ProgressLine:
    """Shows steps ("say") and how far a long one is ("update"), never more often than is useful."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic):
        self._stream = stream if stream is not None else sys.stderr
        self._clock = clock
        self._is_terminal = self._stream.isatty()
        self._is_line_open = False
        self._shown_at_s = float("-inf")
        self._label, self._started_at_s, self._started_bytes = "", 0.0, 0

    def say(self, text: str) -> None:
        """A lasting line."""
        self._clear()
        self._stream.write(text + "\n")
        self._stream.flush()

    def update(self, label: str, done_bytes: int, total_bytes: int | None) -> None:
        """How far `label` is; shown only when the last line is old enough."""
        now_s = self._clock()
        if label != self._label:
            self._label, self._started_at_s, self._started_bytes = label, now_s, done_bytes
            self._shown_at_s = float("-inf") if self._is_terminal else now_s
        period_s = TERMINAL_PERIOD_S if self._is_terminal else PLAIN_PERIOD_S
        if now_s - self._shown_at_s < period_s:
            return
        self._shown_at_s = now_s
        elapsed_s = now_s - self._started_at_s
        speed = (done_bytes - self._started_bytes) / elapsed_s if elapsed_s > 0.5 else 0.0
        self._show(f"  {label}  {describe_progress(done_bytes, total_bytes, speed)}")

    def note(self, text: str) -> None:
        """A line that the next one replaces on a terminal; elsewhere it is left out."""
        if self._is_terminal:
            self._show("  " + text)

    def close(self) -> None:
        self._clear()

    def _show(self, text: str) -> None:
        if not self._is_terminal:
            self._stream.write(text + "\n")
        else:
            width = shutil.get_terminal_size().columns - 1
            self._stream.write("\r\x1b[K" + text[:width])
            self._is_line_open = True
        self._stream.flush()

    def _clear(self) -> None:
        if self._is_line_open:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._is_line_open = False


def describe_progress(done_bytes: int, total_bytes: int | None, bytes_per_s: float) -> str:
    """For example "210 of 531 MB, 40 %, 61.2 MB/s"."""
    if total_bytes:
        text = f"{done_bytes / 1e6:.0f} of {total_bytes / 1e6:.0f} MB, {100 * done_bytes // total_bytes} %"
    else:
        text = f"{done_bytes / 1e6:.0f} MB"
    return text + (f", {bytes_per_s / 1e6:.1f} MB/s" if bytes_per_s > 0 else "")
