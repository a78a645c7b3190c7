"""Where a restarted assistant goes on: stream times and frame ids go on, so that "yesterday" stays yesterday. Pure."""

from dataclasses import dataclass

from memory.storage.saving import About

__all__ = ["ResumePoint", "resume_point"]


@dataclass(frozen=True, kw_only=True)
class ResumePoint:
    """Add `time_offset_s` to the new source's times and `first_frame_id` to its frame numbers.

    From `last_s` to `time_offset_s` nothing was seen: a gap. `wall_offset_s` is the new epoch time of stream time 0.
    """

    last_s: float
    time_offset_s: float
    first_frame_id: int
    wall_offset_s: float
    is_clock_trusted: bool  # False: the wall clock went back, so that the length of the gap is not known


def resume_point(
    about: About, wall_now_s: float, archive_last_s: float | None = None, archive_last_frame_id: int | None = None
) -> ResumePoint:
    """The archive may be ahead of the saved memory, which is written less often: ids and times go on after both."""
    last_s = max(about.t_now_s, about.t_now_s if archive_last_s is None else archive_last_s)
    last_frame_id = max(about.last_frame_id, -1 if archive_last_frame_id is None else archive_last_frame_id)
    by_the_clock_s = wall_now_s - about.wall_offset_s
    is_clock_trusted = by_the_clock_s >= last_s
    time_offset_s = by_the_clock_s if is_clock_trusted else last_s
    return ResumePoint(
        last_s=last_s,
        time_offset_s=time_offset_s,
        first_frame_id=last_frame_id + 1,
        wall_offset_s=wall_now_s - time_offset_s,
        is_clock_trusted=is_clock_trusted,
    )
