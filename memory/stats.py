"""How large the memory is, and each tier of it: plain numbers for a page, a log or a test.

Comes in: what was published after a frame or a command. Goes out: MemoryStats. Any thread; nothing waits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memory.config import MemoryConfig
from memory.entry import Entry

if TYPE_CHECKING:
    from memory.published import Contents

__all__ = ["MemoryStats", "TierStats", "measure"]


@dataclass(frozen=True, kw_only=True)
class TierStats:
    """One tier after the last write."""

    name: str  # "spatial", "temporal", "traces" or "abstract"
    num_entries: int
    capacity: int
    frames: int  # that its entries stand for
    tokens: int  # visual tokens
    bytes: int  # of its entries; what two tiers share is counted in each
    start_s: float | None  # span of stream time that its entries stand for; None without entries
    end_s: float | None


@dataclass(frozen=True, kw_only=True)
class MemoryStats:
    """The size of the memory after its last write."""

    version: int
    frames_seen: int
    tokens: int  # visual tokens in all tiers
    bytes: int  # held by entries and records, without what the snapshots kept by readers add
    num_slots: int
    reserved_bytes: int = 0  # token rows made at start, in use or free; constant
    num_pinned_slots: int = 0
    num_evicted_notes: int = 0
    tiers: tuple[TierStats, ...] = ()  # spatial, temporal, traces, abstract
    num_channels: int = 0  # that the ledger knows
    ledger_bytes: int = 0
    num_notes: int = 0
    num_gaps: int = 0
    num_pins: int = 0
    frames_forgotten: int = 0

    def tier(self, name: str) -> TierStats:
        """Raises KeyError for a name that no tier has."""
        for tier in self.tiers:
            if tier.name == name:
                return tier
        raise KeyError(f"no tier {name!r}; the tiers are {', '.join(tier.name for tier in self.tiers)}")


def measure(contents: "Contents", config: MemoryConfig, reserved_bytes: int, fixed_bytes: int) -> MemoryStats:
    """`fixed_bytes`: what the writer holds beside the entries."""
    tiers = (
        _tier("spatial", contents.frames, config.spatial_capacity, config.num_tokens),
        _tier("temporal", contents.slots, config.temporal_capacity, config.num_tokens),
        _tier("traces", contents.traces, config.trace_capacity, 1),
        _tier("abstract", contents.themes, config.abstract_capacity, 1),
    )
    entries = (*contents.frames, *contents.slots, *contents.traces, *contents.themes)
    words = sum(4 * len(note.text) + 64 for note in contents.notes) + 64 * len(contents.gaps)
    return MemoryStats(
        version=contents.version,
        frames_seen=sum(slot.weight for slot in contents.slots),
        tokens=sum(tier.tokens for tier in tiers),
        bytes=_bytes_of(entries) + contents.ledger.nbytes + words + fixed_bytes,
        num_slots=len(contents.slots),
        reserved_bytes=reserved_bytes,
        num_pinned_slots=contents.num_pinned_slots,
        num_evicted_notes=contents.num_evicted_notes,
        tiers=tiers,
        num_channels=contents.ledger.num_channels,
        ledger_bytes=contents.ledger.nbytes,
        num_notes=len(contents.notes),
        num_gaps=len(contents.gaps),
        num_pins=len(contents.pins),
        frames_forgotten=contents.frames_forgotten,
    )


def _tier(name: str, entries: Sequence[Entry], capacity: int, tokens_each: int) -> TierStats:
    return TierStats(
        name=name,
        num_entries=len(entries),
        capacity=capacity,
        frames=sum(entry.weight for entry in entries),
        tokens=tokens_each * len(entries),
        bytes=_bytes_of(entries),
        start_s=min((entry.start_s for entry in entries), default=None),
        end_s=max((entry.end_s for entry in entries), default=None),
    )


def _bytes_of(entries: Sequence[Entry]) -> int:
    """Of their arrays, each counted once."""
    arrays: dict[int, Any] = {
        id(array): array for e in entries for array in (e.token_sum, e.pooled_sum, e.key_sum, e.medoid_key)
    }
    return sum(array.nbytes for array in arrays.values())
