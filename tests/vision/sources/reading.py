"""What the tests of network sources share: making one, reading to its end or so far, looking for secrets in errors."""

import time
from collections.abc import Callable

import pytest

from vision import END, Frame, SourceLostError, SourceOpenError
from vision.sources import ReconnectingSource, Source, SourceConfig, open_source
from vision.sources.connection import ConnectionState

AWKWARD = "p@s:s/w#r %d"
PATIENCE_S = 40.0  # for what must happen at some time
SECRETS = ("secret", "p@s", "s/w#r", "p%40s", "admin")


def make(url: str, **changes: object) -> Source:
    return open_source(url, SourceConfig(**({"speed": "max", "open_timeout_s": 3.0, "connection": None} | changes)))  # type: ignore[arg-type]


def read_all(source: Source, limit: int = 1000) -> tuple[list[Frame], object]:
    """The frames, and what came after them: END, SourceLostError, or None when the limit was reached."""
    frames: list[Frame] = []
    try:
        while len(frames) < limit:
            item = source.read(1.0)
            if item is END:
                return frames, END
            if isinstance(item, Frame):
                frames.append(item)
    except SourceLostError as error:
        assert_harmless(error)
        return frames, SourceLostError
    return frames, None


def read_until(source: ReconnectingSource, is_enough: Callable[[list[Frame]], bool]) -> list[Frame]:
    """Every frame until `is_enough` of them, or of the status of the source."""
    frames: list[Frame] = []
    end_s = time.monotonic() + PATIENCE_S
    while not is_enough(frames):
        assert time.monotonic() < end_s, f"gave up in state {source.connection}"
        item = source.read(0.1)
        if isinstance(item, Frame):
            frames.append(item)
    return frames


def reach(source: ReconnectingSource, state: ConnectionState) -> list[Frame]:
    """Every frame until the source is in this state."""
    return read_until(source, lambda frames: source.connection.state == state)


def assert_harmless(error: BaseException) -> None:
    """Nothing of a password in the error, nor in what it is chained to."""
    assert error.__cause__ is None and error.__context__ is None
    text = f"{error} {error!r} {error.args}"
    assert not [secret for secret in SECRETS if secret in text]
    assert "\n" not in str(error) and "Errno" not in str(error) and str(error).endswith(".")


def refusal(url: str, **changes: object) -> SourceOpenError:
    source = make(url, **changes)
    with pytest.raises(SourceOpenError) as failure:
        source.open()
    source.close()
    assert_harmless(failure.value)
    return failure.value
