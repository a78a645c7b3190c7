"""The wall clock beside the stream's own, for as long as a recording lasts: restarts, clocks that were set, all of it.

Comes in: pairs of stream time and wall time, in order. Goes out: either one from the other, and a small file. The
perceive thread of a recorder writes it; anybody reads the file. It holds times alone, nothing of what was seen.
"""

import bisect
import json
import math
import os
from dataclasses import dataclass
from pathlib import Path

from app.errors import RecordingError

__all__ = ["ClockLog", "ClockPiece"]

_TOLERANCE_S = 2.0  # a clock that is corrected little by little needs no new piece
_MAX_PIECES = 2048  # the oldest go first
_ROUNDING_S = 1e-5  # epoch seconds carry a ten-millionth; the first moment of a piece must not fall out of it


@dataclass(frozen=True)
class ClockPiece:
    """From start_s (stream time) to the next piece, wall time = stream time + wall_offset_s."""

    start_s: float
    wall_offset_s: float


class ClockLog:
    """In order of stream time. One piece as long as nobody sets the clock, however often the recorder is restarted."""

    def __init__(self, pieces: tuple[ClockPiece, ...] = ()) -> None:
        self.pieces = pieces

    def note(self, time_s: float, wall_time_s: float) -> bool:
        """One picture's times; never earlier than the one before. True: the log has changed and needs saving."""
        offset_s = wall_time_s - time_s
        if self.pieces and abs(offset_s - self.pieces[-1].wall_offset_s) <= _TOLERANCE_S:
            return False
        self.pieces = (*self.pieces, ClockPiece(time_s, offset_s))[-_MAX_PIECES:]
        return True

    @property
    def wall_offset_s(self) -> float | None:
        """Of the newest piece; None: nothing was noted."""
        return self.pieces[-1].wall_offset_s if self.pieces else None

    def wall_s(self, time_s: float) -> float:
        """Epoch seconds of a stream time. The log must not be empty."""
        place = bisect.bisect_right([piece.start_s for piece in self.pieces], time_s) - 1
        return time_s + self.pieces[max(place, 0)].wall_offset_s

    def stream_s(self, wall_time_s: float) -> float:
        """Stream time of a wall time. A time that the clock showed twice is its later one; one that it skipped is the
        moment of the skip; one before the recording lies before its first picture. The log must not be empty."""
        ends_s = [piece.start_s for piece in self.pieces[1:]] + [math.inf]
        for piece, end_s in reversed(list(zip(self.pieces, ends_s, strict=True))):
            time_s = wall_time_s - piece.wall_offset_s
            if piece.start_s - _ROUNDING_S <= time_s < end_s:
                return max(time_s, piece.start_s)
            if time_s >= end_s:
                return end_s
        return wall_time_s - self.pieces[0].wall_offset_s

    def save(self, path: Path) -> None:
        """Replaces the file as a whole. Raises OSError; the old file stands."""
        document = {"format": "afterglow-clock", "pieces": [[one.start_s, one.wall_offset_s] for one in self.pieces]}
        unfinished = path.with_name(f".{path.name}.unfinished")
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(document, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)

    @classmethod
    def load(cls, path: Path) -> "ClockLog":
        """An empty log when there is no file. Raises RecordingError for a file that is no clock log."""
        try:
            rows = json.loads(path.read_text(encoding="utf-8"))["pieces"]
            pieces = tuple(ClockPiece(float(start_s), float(offset_s)) for start_s, offset_s in rows)
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, KeyError, TypeError) as error:
            sentence = f"{path} cannot be read ({error}): put back a copy, or record under another name."
            raise RecordingError(sentence) from error
        return cls(pieces)
