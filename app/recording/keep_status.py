"""How the keeping of one stream fares, and what was erased of it: frozen, for any thread."""

from dataclasses import dataclass

__all__ = ["KeepStatus", "KeptErasure"]


@dataclass(frozen=True, kw_only=True)
class KeepStatus:
    """Sizes on disk. `problem` is a sentence; None: all is well."""

    num_pictures: int = 0
    num_bytes: int = 0  # of pictures and their index; video comes on top
    problem: str | None = None


@dataclass(frozen=True, kw_only=True)
class KeptErasure:
    """What was erased from the disk. Video goes in whole files, from video_start_s to video_end_s; None: none was."""

    num_pictures: int = 0
    num_texts: int = 0
    num_video_files: int = 0
    video_start_s: float | None = None
    video_end_s: float | None = None
