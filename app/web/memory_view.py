"""What the memory of a stream holds, tier by tier, and what becomes of it: as the page shows it.

Comes in: a session. Goes out: a message of plain numbers and sentences, each true of the rules that the tiers follow.
The page's event loop.
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from app.memory_budget import budget_range, memory_within, preview
from app.perceiving import PerceiveConfig
from app.web.watching import Watch

if TYPE_CHECKING:
    from memory import MemoryConfig, MemoryStats, TierStats

__all__ = ["budget_message", "memory_message", "shape_of_memory"]

_TIERS = ("spatial", "temporal", "traces", "abstract")
_PREVIEWS = 24  # steps of the slider


def memory_message(watch: Watch) -> dict[str, Any] | None:
    """None: there is no memory yet."""
    session = watch.session
    moments = session.moments
    if not moments.is_there:
        return None
    stats, config = moments.memory_stats(), moments.memory_config
    parts = [*(_tier(stats.tier(name), stats, config) for name in _TIERS if stats.tier(name).capacity)]
    parts += [
        _ledger(stats, config),
        _notes(stats, config),
        _gaps(stats, config),
        _pins(stats, config),
        _pictures(watch),
    ]
    archive = _archive(watch)
    return {
        "type": "memory",
        "watch": watch.number,
        "bytes": stats.bytes,
        "max_bytes": config.max_bytes,
        "frames_seen": stats.frames_seen,
        "frames_forgotten": stats.frames_forgotten,
        "parts": parts if archive is None else [*parts, archive],
    }


def budget_message(shape: "MemoryConfig", perceive: PerceiveConfig, chosen: "MemoryConfig | None") -> dict[str, Any]:
    """What the slider offers: budgets from the smallest to the largest, each with its preview."""
    least, most = budget_range(shape)
    steps = [round(least * (most / least) ** (place / (_PREVIEWS - 1))) for place in range(_PREVIEWS)]
    configs = [memory_within(step, shape) for step in steps]
    configs[min(range(_PREVIEWS), key=lambda one: abs(configs[one].max_bytes - shape.max_bytes))] = shape  # the default
    previews = [asdict(preview(config, perceive.fps, perceive.frames)) for config in configs]
    current = chosen or shape
    place = min(range(_PREVIEWS), key=lambda one: abs(configs[one].max_bytes - current.max_bytes))
    return {
        "type": "budget",
        "steps": previews,
        "chosen": None if chosen is None else place,
        "nearest": place,
    }


def shape_of_memory() -> "MemoryConfig":
    """Of the embedded encoder, in the default sizes."""
    from app.loading import memory_config
    from vision.encoders import CONCEPTS, GridLayout

    return memory_config(GridLayout(num_concepts=len(CONCEPTS)))


def _part(name: str, title: str, count: str, fate: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "title": title, "count": count, "fate": fate, **more}


def _tier(tier: "TierStats", stats: "MemoryStats", config: "MemoryConfig") -> dict[str, Any]:
    more = {"bytes": tier.bytes, "start_s": tier.start_s, "end_s": tier.end_s, "fill": tier.num_entries / tier.capacity}
    count = f"{tier.num_entries} of {tier.capacity}"
    is_full = tier.num_entries >= tier.capacity
    if tier.name == "spatial":
        fate = "The next frame takes the place of the oldest, which remains a part of its event slot."
        return _part("spatial", "Newest frames, whole", count, fate if is_full else "There is room.", **more)
    if tier.name == "temporal":
        return _part("temporal", "Event slots", count, _fate_of_slots(tier, stats, config), **more)
    if tier.name == "traces":
        told = "Finer in time than the slots, one token each. "
        fate = "Full: the two least different are merged." if is_full else "There is room."
        return _part("traces", "Traces", count, told + fate, **more)
    full = "A frame that is like no theme makes the two themes most alike one."
    fate = full if is_full else "There is room. A frame that is like a theme joins it."
    return _part("abstract", "Themes of the whole stream", count, fate, **more)


def _fate_of_slots(tier: "TierStats", stats: "MemoryStats", config: "MemoryConfig") -> str:
    free = tier.capacity - tier.num_entries
    if free:
        return f"{free} more before the first are merged. A frame like the one before it joins the newest slot."
    merging = (
        "Full: each new slot merges the two neighbours that differ least. Times and numbers stay true, detail blurs"
    )
    return f"{merging}; the newest {config.protected_slots} and {stats.num_pinned_slots} pinned ones are spared."


def _ledger(stats: "MemoryStats", config: "MemoryConfig") -> dict[str, Any]:
    joined = (
        f"Beyond {config.max_spans_per_channel} appearances of one thing, those with the least time between are told"
    )
    fate = f"First sight, last sight, highest count and total time stay. {joined} as one."
    count = f"{stats.num_channels} {'thing' if stats.num_channels == 1 else 'things'}"
    return _part("ledger", "Ledger of what was seen", count, fate, bytes=stats.ledger_bytes)


def _notes(stats: "MemoryStats", config: "MemoryConfig") -> dict[str, Any]:
    fate = "When full, the one that was written first goes, unless it is pinned."
    if stats.num_evicted_notes:
        fate += f" So far {stats.num_evicted_notes} went."
    return _part("notes", "Notes", f"{stats.num_notes} of {config.max_notes}", fate)


def _gaps(stats: "MemoryStats", config: "MemoryConfig") -> dict[str, Any]:
    fate = "Never dropped. When full, the two of one kind that lie nearest become one."
    return _part("gaps", "Gaps: times without sight", f"{stats.num_gaps} of {config.max_gaps}", fate)


def _pins(stats: "MemoryStats", config: "MemoryConfig") -> dict[str, Any]:
    held = f"They keep {stats.num_pinned_slots} of at most {config.pinnable_slots} event slots from being merged"
    fate = f"{held}; they stay until they are taken off or forgotten."
    return _part("pins", "Pins", f"{stats.num_pins} of {config.max_pins}", fate)


def _pictures(watch: Watch) -> dict[str, Any]:
    """The small ones, which are no part of the memory itself."""
    number, num_bytes = watch.session.moments.pictures_size
    limits = watch.session.config.perceive.frames
    fate = "When full they are thinned out evenly over time; those that an answer can still cite go last."
    fill = max(number / limits.max_frames, num_bytes / limits.max_bytes)
    return _part(
        "pictures", "Small pictures, as evidence", f"{number} of {limits.max_frames}", fate, bytes=num_bytes, fill=fill
    )


def _archive(watch: Watch) -> dict[str, Any] | None:
    keep, status = watch.session.config.keep, watch.session.status().keeping
    if keep is None or status is None:
        return None
    days, gigabytes = keep.max_age_s / 86_400, keep.archive_bytes / 1e9
    fate = f"The oldest go after {days:g} days or beyond {gigabytes:.1f} GB; pinned ones stay."
    if status.problem is not None:
        fate = f"{status.problem} {fate}"
    return _part(
        "archive", "Archive on the disk", f"{status.num_pictures:,} pictures", fate,
        bytes=status.num_bytes, fill=min(status.num_bytes / keep.archive_bytes, 1.0),
    )  # fmt: skip
