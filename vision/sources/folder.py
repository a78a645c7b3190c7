"""A folder of images as a source: its pictures in the order of their names, `image_fps` of them a second.

In: a folder. Out: frames, then END. Pictures that cannot be read are counted and passed over. Links that lead out of
the folder are not followed. Used by the reading thread only.
"""

import os
import re
import stat

from vision.errors import PictureError, SourceOpenError
from vision.frame import END, EndOfStream, Frame
from vision.sampler import FrameSampler
from vision.sources.clock import Clock, SystemClock
from vision.sources.images import FOLDER_FORMATS, decode_picture
from vision.sources.source import MAX_WAIT_S, SourceConfig, SourceCounters
from vision.sources.timing import Pacer

__all__ = ["FolderSource"]

_MAX_IMAGES = 1_000_000


class FolderSource:
    """See the module. The list of the pictures is made once, by `open`."""

    is_live = False

    def __init__(
        self, path: str, config: SourceConfig | None = None, clock: Clock | None = None, *, name: str | None = None
    ):
        self.name = name or path
        self.counters = SourceCounters()
        self.duration_s: float | None = None
        self._path, self._config, self._clock = path, config or SourceConfig(), clock or SystemClock()
        self._files: list[str] | None = None
        self._index = 0
        self._sampler = FrameSampler(self._config.max_fps)
        self._pacer = Pacer(self._clock) if self._config.speed == "realtime" else None

    def open(self) -> None:
        files = _image_files(self._path, self.name)
        if not files:
            kinds = ", ".join(sorted(suffix[1:] for suffix in FOLDER_FORMATS))
            raise SourceOpenError(
                f"{self.name} is a directory without images ({kinds}). Name a file in it, or another folder.",
                "directory",
            )
        self._files, self._index = files, 0
        self.duration_s = len(files) / self._config.image_fps

    def read(self, timeout_s: float) -> Frame | EndOfStream | None:
        if self._files is None:
            raise ValueError("read() before open()")
        deadline_s = self._clock.monotonic_s() + min(timeout_s, MAX_WAIT_S)
        while self._index < len(self._files):
            time_s = self._index / self._config.image_fps
            if not self._sampler.accept(time_s):
                self.counters.frames_skipped_by_rate += 1
            elif self._pacer is not None and self._pacer.is_lost(time_s):
                self.counters.frames_skipped_late += 1
            elif self._pacer is not None and not self._pacer.wait_until_due(time_s, deadline_s):
                self._sampler.reset()
                return None
            elif (frame := self._frame(self._files[self._index], time_s)) is not None:
                self._index += 1
                return frame
            self._index += 1
            if self._clock.monotonic_s() >= deadline_s:
                return None
        return END

    def close(self) -> None:
        self._files = None

    def _frame(self, file_name: str, time_s: float) -> Frame | None:
        """None if the file is no picture that can be read."""
        path = os.path.join(self._path, file_name)
        try:
            with open(path, "rb") as file:
                image = decode_picture(file, self._config.max_side_px, tuple(sorted(set(FOLDER_FORMATS.values()))))
        except (PictureError, OSError):
            self.counters.packets_damaged += 1
            return None
        if self._pacer is not None:
            self._pacer.given()
        self.counters.frames_decoded += 1
        self.counters.frames_delivered += 1
        return Frame(image=image, time_s=time_s, wall_time_s=self._clock.wall_s(), index=self._index)


def _image_files(path: str, name: str) -> list[str]:
    """The names of the images in the folder, as a person would order them: 2.jpg before 10.jpg."""
    failure: SourceOpenError
    try:
        inside = os.path.realpath(path)
        with os.scandir(path) as entries:
            names = [entry.name for entry in entries if os.path.splitext(entry.name)[1].lower() in FOLDER_FORMATS]
        if len(names) <= _MAX_IMAGES:
            return sorted((each for each in names if _is_file_within(inside, each)), key=_natural_order)
        failure = SourceOpenError(
            f"{name} holds more than {_MAX_IMAGES:,} images. Divide them among folders.", "too_large"
        )
    except PermissionError:
        failure = SourceOpenError(f"{name} may not be read: permission is denied.", "unauthorized")
    except (OSError, ValueError):
        failure = SourceOpenError(f"There is no folder {name}. Check the path.", "missing")
    raise failure


def _is_file_within(folder: str, file_name: str) -> bool:
    """A regular file (no pipe, which would wait for ever) that lies in the folder after links have been followed."""
    try:
        real = os.path.realpath(os.path.join(folder, file_name))
        return os.path.commonpath((real, folder)) == folder and stat.S_ISREG(os.stat(real).st_mode)
    except (OSError, ValueError):
        return False


def _natural_order(file_name: str) -> list[tuple[int, str]]:
    pieces = re.split(r"(\d+)", file_name.lower())
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in pieces]
