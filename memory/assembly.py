"""From a snapshot to what a model reads: parts in order of time with time tags, the newest frames last.

Comes in: a snapshot, perhaps frames that were retrieved for the question, a limit. Goes out: an Assembly, whose visual
tokens are numbered on from 0 without gaps and never reach past the limit, however long the stream. Pure; any thread.

Mode "now" shows the newest frames alone. Mode "recall" shows summary, slots, retrieved frames, gaps and notes in order
of time, then the newest frames. Mode "auto" is "recall" when the question needs the past (memory/cues.py), else "now".
When the limit is too small for all, the newest frames go first into it, then what was retrieved, then texts, then slots
(those that stand for the most time last to be left out), then the summary. Tags and texts count too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch

from memory.cues import needs_past
from memory.errors import EmptyPromptError
from memory.snapshot import Snapshot, Tier

__all__ = ["Assembly", "AssemblyPart", "Mode", "assemble", "time_tag"]

Mode = Literal["now", "recall", "auto"]
_ORDER = ("abstract", "temporal", "retrieved", "gap", "note")  # of parts that start at the same moment


@dataclass(frozen=True, kw_only=True, eq=False)
class AssemblyPart:
    """One entry of the memory, or one line of text, with the time it stands for."""

    kind: str  # "spatial", "temporal", "abstract", "retrieved", "gap" or "note"
    start_s: float
    end_s: float
    tag: str  # "[00:01:05-00:01:20]"; of the newest frames "[now 00:02:10]"
    tokens: torch.Tensor | None = None  # float32 [P, D]
    text: str = ""  # of gaps and notes
    frame_id: int | None = None
    first_position: int = 0  # of its first visual token

    @property
    def num_tokens(self) -> int:
        """Visual tokens."""
        return 0 if self.tokens is None else int(self.tokens.shape[0])

    @property
    def cost(self) -> int:
        """Tokens in all; a token of text is taken to have three characters, fewer than tokenizers need."""
        return self.num_tokens + -(-len(f"{self.tag} {self.text}") // 3)


@dataclass(frozen=True, kw_only=True, eq=False)
class Assembly:
    """Parts in the order in which they are read. The question's text follows at `text_position`."""

    mode: str  # "now" or "recall"
    parts: tuple[AssemblyPart, ...]
    snapshot_version: int

    @property
    def text_position(self) -> int:
        """The first position that belongs to text: greater than that of every visual token."""
        return sum(part.num_tokens for part in self.parts)


def assemble(
    snapshot: Snapshot,
    question: str,
    *,
    mode: Mode = "auto",
    retrieved: Tier | None = None,
    max_tokens: int = 8192,
    until_s: float | None = None,
) -> Assembly:
    """What a model is shown for `question`.

    retrieved: frames brought back for it, tokens [N, P, D]. max_tokens: the most tokens, tags and texts counted.
    until_s: nothing that reaches later is shown (default: the snapshot's own time). Raises EmptyPromptError when no
    visual token would be left, ValueError for an unknown mode or a limit below 1.
    """
    if mode not in ("now", "recall", "auto"):
        raise ValueError(f"mode must be now, recall or auto, got {mode!r}")
    if max_tokens < 1:
        raise ValueError(f"max_tokens must be >= 1, got {max_tokens}")
    limit_s = snapshot.t_now_s if until_s is None else until_s
    is_recall = mode == "recall" or (mode == "auto" and needs_past(question))
    newest = _parts(snapshot.spatial, "spatial", limit_s)
    others: list[AssemblyPart] = []
    if is_recall:
        shown = {part.frame_id for part in newest}
        found = [] if retrieved is None else _parts(retrieved, "retrieved", limit_s)
        slots = _parts(snapshot.temporal, "temporal", limit_s)
        slots.sort(key=lambda slot: slot.start_s - slot.end_s)
        others = [part for part in found if part.frame_id not in shown]
        others += [*_texts(snapshot, limit_s), *slots, *_parts(snapshot.abstract, "abstract", limit_s)]
    chosen = _within([*reversed(newest), *others], max_tokens)
    if not any(part.num_tokens for part in chosen):
        raise EmptyPromptError(
            f"no visual token is left to answer from: {len(newest) + len(others)} entries up to {limit_s:g} s, "
            f"at most {max_tokens} tokens; wait for a picture, or allow more tokens"
        )
    past = sorted((part for part in chosen if part.kind != "spatial"), key=_reading_order)
    present = sorted((part for part in chosen if part.kind == "spatial"), key=lambda part: part.start_s)
    parts = _numbered([*past, *present])
    return Assembly(mode="recall" if is_recall else "now", parts=parts, snapshot_version=snapshot.version)


def time_tag(start_s: float, end_s: float) -> str:
    """ "[00:01:05-00:01:20]"; one time where both are the same second."""
    start, end = _clock(start_s), _clock(end_s)
    return f"[{start}]" if start == end else f"[{start}-{end}]"


def _clock(time_s: float) -> str:
    seconds = int(abs(time_s))
    sign = "-" if time_s < 0 and seconds else ""
    return f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _parts(tier: Tier, kind: str, limit_s: float) -> list[AssemblyPart]:
    """The entries of a tier that do not reach past `limit_s`."""
    parts = []
    for row, (start_s, end_s) in enumerate(tier.times_s.tolist()):
        if end_s <= limit_s:
            tag = f"[now {_clock(start_s)}]" if kind == "spatial" else time_tag(start_s, end_s)
            frame_id, tokens = int(tier.frame_ids[row]), tier.tokens[row]
            parts.append(
                AssemblyPart(kind=kind, start_s=start_s, end_s=end_s, tag=tag, tokens=tokens, frame_id=frame_id)
            )
    return parts


def _within(parts: Sequence[AssemblyPart], max_tokens: int) -> list[AssemblyPart]:
    """The parts, in order of importance, that fit; one that does not fit is left out, a smaller one after it may."""
    chosen, left = [], max_tokens
    for part in parts:
        if part.cost <= left:
            chosen.append(part)
            left -= part.cost
    return chosen


def _texts(snapshot: Snapshot, limit_s: float) -> list[AssemblyPart]:
    """Gaps and notes up to `limit_s`, the latest first; a gap that goes on past it is cut there."""
    gaps = [
        AssemblyPart(
            kind="gap",
            start_s=gap.start_s,
            end_s=min(gap.end_s, limit_s),
            tag=time_tag(gap.start_s, min(gap.end_s, limit_s)),
            text=gap.kind,
        )
        for gap in snapshot.gaps
        if gap.start_s <= limit_s
    ]
    notes = [
        AssemblyPart(
            kind="note",
            start_s=note.start_s,
            end_s=note.end_s,
            tag=time_tag(note.start_s, note.end_s),
            text=f"{note.kind}: {note.text}",
        )
        for note in snapshot.notes
        if note.end_s <= limit_s
    ]
    return sorted([*gaps, *notes], key=lambda part: -part.end_s)


def _reading_order(part: AssemblyPart) -> tuple[float, int, float]:
    return part.start_s, _ORDER.index(part.kind), part.end_s


def _numbered(parts: Sequence[AssemblyPart]) -> tuple[AssemblyPart, ...]:
    numbered, position = [], 0
    for part in parts:
        numbered.append(replace(part, first_position=position))
        position += part.num_tokens
    return tuple(numbered)
