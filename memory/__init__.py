"""The memory of one stream: tensors and plain numbers in, immutable snapshots out. Knows channels only as numbers."""

from memory.assembly import Assembly, AssemblyPart, assemble, time_tag
from memory.config import MemoryConfig
from memory.cues import needs_past
from memory.errors import (
    EmptyPromptError,
    InvalidFrameError,
    InvalidIntervalError,
    InvalidNoteError,
    MemoryClosedError,
    PinLimitError,
    StateError,
    StreamMemoryError,
    TimeOrderError,
    TokensError,
)
from memory.gaps import GAP_KINDS, Gap
from memory.pins import Pin
from memory.receipts import ForgetReceipt, WriteReport
from memory.records import ChannelRecord, Ledger, Span
from memory.snapshot import Snapshot, Tier
from memory.stats import MemoryStats, TierStats
from memory.stream_memory import StreamMemory
from memory.text_log import NOTE_KINDS, Note

__all__ = [
    "GAP_KINDS",
    "NOTE_KINDS",
    "Assembly",
    "AssemblyPart",
    "ChannelRecord",
    "EmptyPromptError",
    "ForgetReceipt",
    "Gap",
    "InvalidFrameError",
    "InvalidIntervalError",
    "InvalidNoteError",
    "Ledger",
    "MemoryClosedError",
    "MemoryConfig",
    "MemoryStats",
    "Note",
    "Pin",
    "PinLimitError",
    "Snapshot",
    "Span",
    "StateError",
    "StreamMemory",
    "StreamMemoryError",
    "Tier",
    "TierStats",
    "TimeOrderError",
    "TokensError",
    "WriteReport",
    "assemble",
    "needs_past",
    "time_tag",
]
