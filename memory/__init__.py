"""The memory of one stream: tensors and plain numbers in, immutable snapshots out. Knows channels only as numbers."""

from memory.config import MemoryConfig
from memory.errors import InvalidFrameError, MemoryClosedError, StreamMemoryError, TimeOrderError, TokensError
from memory.published import MemoryStats
from memory.records import ChannelRecord, Ledger, Span
from memory.snapshot import Snapshot, Tier
from memory.stream_memory import StreamMemory, WriteReport

__all__ = [
    "ChannelRecord",
    "InvalidFrameError",
    "Ledger",
    "MemoryClosedError",
    "MemoryConfig",
    "MemoryStats",
    "Snapshot",
    "Span",
    "StreamMemory",
    "StreamMemoryError",
    "Tier",
    "TimeOrderError",
    "TokensError",
    "WriteReport",
]
