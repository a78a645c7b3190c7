"""What the sources that read a PyAV container share: who may touch it, and how it is let go of.

In: a source's own way to open. Out: `open` and `close`. The reading thread alone calls both.
"""

from av.container import InputContainer

from vision.sources.source import ThreadGuard

__all__ = ["ContainerSource"]


class ContainerSource:
    """`_open` makes the container and what reads it, `_stop_reading` ends that, `_let_go` drops what was read from."""

    name: str

    def __init__(self) -> None:
        self._guard = ThreadGuard()
        self._container: InputContainer | None = None

    def open(self) -> None:
        """Raises SourceOpenError, with nothing left open."""
        self._guard.claim()
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """May be called twice. Only the thread that reads a container may close it, else it crashes."""
        if self._container is not None:
            self._guard.check(self.name)
        self._stop_reading()
        if self._container is not None:
            self._container.close()
            self._container = None
        self._let_go()

    def _open(self) -> None:
        raise NotImplementedError

    def _stop_reading(self) -> None:
        """Before the container is closed: nothing may read it any more."""
        raise NotImplementedError

    def _let_go(self) -> None:
        """After the container was closed: what it read from."""
