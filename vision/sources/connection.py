"""How the connection to a live source stands, and when nothing could be seen.

In: what the reading thread notices (a picture, silence, a failure). Out: a frozen `ConnectionStatus`, which any thread
may read, and `StreamGap`s for whoever keeps the memory. The reading thread alone calls `ConnectionWatch`.
"""

import math
from collections import deque
from dataclasses import dataclass, replace
from typing import Literal, Protocol, runtime_checkable

__all__ = [
    "ConnectionConfig",
    "ConnectionState",
    "ConnectionStatus",
    "ConnectionWatch",
    "GapKind",
    "StreamGap",
    "source_connection",
    "take_gaps",
]

ConnectionState = Literal[
    "connecting",  # being opened, or opened and no picture has come yet
    "live",  # pictures come
    "stalled",  # connected, and no picture has come for `stall_after_s`
    "backing_off",  # the connection was lost; it is tried again after a pause
    "refused",  # the camera says no (password, path): tried again, but seldom; a person has to look
    "ended",  # over: closed by us, or a finite source came to its end
]
GapKind = Literal["disconnected", "stalled"]

_MAX_GAPS_WAITING = 256


@dataclass(frozen=True, kw_only=True)
class ConnectionConfig:
    """When a live source counts as stalled, and how a lost one is tried again."""

    stall_after_s: float = 3.0
    """No picture for so long is a stall. It is noticed within two more seconds."""

    first_delay_s: float = 0.5
    max_delay_s: float = 30.0
    """The pause doubles from the one to the other, for ever."""

    refused_delay_s: float = 60.0
    """The pause after the camera itself said no: a wrong password that is repeated quickly locks people out."""

    jitter: float = 0.2
    """Each pause is longer or shorter by up to this part of it, so that many cameras do not come back at once."""

    healthy_after_s: float = 30.0
    """A connection that lasted so long lets the pauses start small again."""

    waits_for_first: bool = False
    """True: a source that cannot be opened at the start is tried again too, in place of an error."""

    def __post_init__(self) -> None:
        for name in ("stall_after_s", "first_delay_s", "max_delay_s", "refused_delay_s", "healthy_after_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and 0 < value <= 86_400):
                raise ValueError(f"{name} must be > 0 and <= 86400, got {value}")
        if self.first_delay_s > self.max_delay_s:
            raise ValueError(f"first_delay_s must be <= max_delay_s, got {self.first_delay_s} > {self.max_delay_s}")
        if not 0 <= self.jitter <= 0.9:
            raise ValueError(f"jitter must be in 0..0.9, got {self.jitter}")


@dataclass(frozen=True, kw_only=True)
class ConnectionStatus:
    """The connection at one moment. Every text in it is safe to show."""

    state: ConnectionState
    since_s: float
    """Monotonic time at which this state began."""

    message: str | None = None
    """A sentence: why there is no picture. None while there is one."""

    retry_at_s: float | None = None
    """Monotonic time of the next try, while the source waits for it."""

    blind_since_s: float | None = None
    """Stream time of the last picture, while none comes: what happened since then was not seen."""

    num_failures: int = 0
    """Tries in a row that failed."""

    num_reconnects: int = 0
    notes: tuple[str, ...] = ()
    """Fallbacks that were taken, such as decoding without the hardware that was asked for."""


@dataclass(frozen=True, kw_only=True)
class StreamGap:
    """From the last picture before to the first one after, in stream time: nothing was seen between them."""

    start_s: float
    end_s: float
    kind: GapKind

    def joined(self, later: "StreamGap") -> "StreamGap":
        """One gap for two, where there is no room for both."""
        return StreamGap(start_s=self.start_s, end_s=max(self.end_s, later.end_s), kind="disconnected")


class ConnectionWatch:
    """Keeps the status and the gaps of one source."""

    def __init__(self, config: ConnectionConfig, now_s: float):
        self._config = config
        self.status = ConnectionStatus(state="connecting", since_s=now_s)
        self._progress_s = now_s
        self._newest_time_s: float | None = None
        self._blind: GapKind | None = None
        self._gaps: deque[StreamGap] = deque()

    def connecting(self, now_s: float) -> None:
        self._progress_s = now_s
        self._change("connecting", now_s, message=self.status.message, retry_at_s=None)

    def connected(self, now_s: float, notes: tuple[str, ...] = ()) -> None:
        """The source was opened; the first picture is still to come."""
        self._progress_s = now_s
        if notes != self.status.notes:
            self.status = replace(self.status, notes=notes)

    def picture(self, time_s: float, now_s: float) -> None:
        """A picture of this stream time came."""
        if self._blind is not None and self._newest_time_s is not None:
            self._add_gap(StreamGap(start_s=self._newest_time_s, end_s=time_s, kind=self._blind))
        self._blind, self._newest_time_s, self._progress_s = None, time_s, now_s
        if self.status.state != "live":
            is_return = self.status.num_failures > 0
            self._change("live", now_s, message=None, retry_at_s=None)
            num_reconnects = self.status.num_reconnects + is_return
            self.status = replace(self.status, blind_since_s=None, num_failures=0, num_reconnects=num_reconnects)

    def quiet(self, now_s: float, progress_s: float | None = None) -> None:
        """Nothing came. progress_s: the last sign of life, if it is not a picture (keyframes alone are decoded)."""
        silence_s = now_s - max(self._progress_s, progress_s or self._progress_s)
        if silence_s < self._config.stall_after_s or self.status.state not in ("live", "connecting"):
            return
        self._blind = self._blind or "stalled"
        message = f"No picture has come for {silence_s:.0f} s."
        self._change("stalled", now_s, message=message, retry_at_s=None)
        self.status = replace(self.status, blind_since_s=self._newest_time_s)

    def failed(self, message: str, now_s: float, *, retry_at_s: float, is_refused: bool) -> None:
        """The connection was lost, or could not be made."""
        self._blind = "disconnected"
        self._change("refused" if is_refused else "backing_off", now_s, message=message, retry_at_s=retry_at_s)
        num_failures = self.status.num_failures + 1
        self.status = replace(self.status, num_failures=num_failures, blind_since_s=self._newest_time_s)

    def ended(self, now_s: float, time_s: float | None = None) -> None:
        """time_s: stream time of the end; what was not seen until then is a gap."""
        if self._blind is not None and self._newest_time_s is not None and time_s is not None:
            end_s = max(time_s, self._newest_time_s)
            self._add_gap(StreamGap(start_s=self._newest_time_s, end_s=end_s, kind=self._blind))
        self._blind = None
        if self.status.state != "ended":
            self._change("ended", now_s, message=self.status.message, retry_at_s=None)

    def take_gaps(self) -> list[StreamGap]:
        """The gaps that ended since the last call, in order."""
        gaps = list(self._gaps)
        self._gaps.clear()
        return gaps

    def _change(self, state: ConnectionState, now_s: float, *, message: str | None, retry_at_s: float | None) -> None:
        since_s = self.status.since_s if self.status.state == state else now_s
        self.status = replace(self.status, state=state, since_s=since_s, message=message, retry_at_s=retry_at_s)

    def _add_gap(self, gap: StreamGap) -> None:
        if len(self._gaps) >= _MAX_GAPS_WAITING:
            gap = self._gaps.pop().joined(gap)
        self._gaps.append(gap)


@runtime_checkable
class _Watched(Protocol):
    connection: ConnectionStatus

    def take_gaps(self) -> list[StreamGap]: ...


def source_connection(source: object) -> ConnectionStatus | None:
    """How the connection of a source stands; None for one that has none to lose. Any thread."""
    connection = getattr(source, "connection", None)
    return connection if isinstance(connection, ConnectionStatus) else None


def take_gaps(source: object) -> list[StreamGap]:
    """The gaps of a source that ended since the last call. The reading thread."""
    return source.take_gaps() if isinstance(source, _Watched) else []
