"""What the memory reports back: of one frame written, of one interval forgotten.

Plain numbers, frozen; any thread.
"""

from dataclasses import dataclass

__all__ = ["ForgetReceipt", "WriteReport"]


@dataclass(frozen=True, kw_only=True)
class WriteReport:
    """What became of one frame."""

    kept: bool  # True: a new event slot; False: so like the last kept frame that it extended the newest slot
    merged: tuple[int, int] | None  # positions of the two slots that were merged to make room, the older first


@dataclass(frozen=True, kw_only=True)
class ForgetReceipt:
    """What was erased. From `version` on, no snapshot holds anything of the interval, both ends included."""

    start_s: float
    end_s: float
    frames_forgotten: int  # frames that the temporal tier no longer stands for, those outside the interval too
    num_spatial: int  # frames held whole
    num_slots: int  # event slots that may have held a frame of the interval: a mean cannot be taken apart
    num_traces: int  # entries of one token, likewise
    num_spans: int  # ledger spans that were deleted or cut
    num_notes: int
    num_gaps: int
    version: int
