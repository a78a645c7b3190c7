"""What a reader gets: one frozen state of the memory, as tensors.

Comes in: the entries that the writer published. Goes out: Snapshot and its Tiers. Any thread: nothing here changes
after it was published; a tier's tensors are made when first asked for, by the reader that asks, once.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, fields

import torch

from memory.gaps import Gap
from memory.pins import Pin
from memory.records import Ledger
from memory.stream_tensor import StreamTensor
from memory.text_log import Note

__all__ = ["Snapshot", "Tier"]


def _no_entries() -> "Tier":
    ids = torch.empty(0, dtype=torch.int64)
    times_s = torch.empty((0, 2), dtype=torch.float64)
    weights, tokens = torch.empty(0), torch.empty((0, 1, 0))
    return Tier(times_s=times_s, weights=weights, tokens=tokens, frame_ids=ids, first_frame_ids=ids, last_frame_ids=ids)


def _unknown() -> torch.Tensor:
    return torch.empty(0, dtype=torch.float64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Tier:
    """N entries of the memory in order of time. Read-only; all but the tokens are on the host."""

    times_s: torch.Tensor  # float64 [N, 2]: start and end of what the entry stands for
    weights: torch.Tensor  # float32 [N]: number of frames
    tokens: torch.Tensor  # float32 [N, P, D], on the memory's device: mean over its frames
    frame_ids: torch.Tensor  # int64 [N]: the frame itself (spatial), the most typical frame (temporal)
    first_frame_ids: torch.Tensor  # int64 [N]
    last_frame_ids: torch.Tensor  # int64 [N]
    mean_times_s: torch.Tensor = field(
        default_factory=_unknown
    )  # float64 [N]: mean time of its frames (else the middle)
    keys: torch.Tensor = field(default_factory=_unknown)  # float32 [N, key_dim]: mean of its frames' normalised keys

    def __post_init__(self) -> None:
        if self.mean_times_s.shape != self.weights.shape:
            object.__setattr__(self, "mean_times_s", self.times_s.mean(dim=1))
        if self.keys.ndim != 2:
            object.__setattr__(self, "keys", torch.empty(len(self), 0))

    def __len__(self) -> int:
        return int(self.weights.shape[0])


class LazyTier(Tier):
    """A Tier whose tensors are made when first read: the tokens by `make_tokens`, all others by `make_columns`.

    Of several readers that ask at once one makes them and the others wait for it: they wait for one another, never for
    the writer. `make_tokens` gives a tensor, or what gives one to each reader. With `tensors`, as dataclasses.replace()
    gives them, a Tier like any other.
    """

    def __init__(
        self,
        make_columns: Callable[[], dict[str, torch.Tensor]] | None = None,
        make_tokens: Callable[[], "torch.Tensor | StreamTensor"] | None = None,
        **tensors: torch.Tensor,
    ) -> None:
        self.__dict__.update(tensors, _make_columns=make_columns, _make_tokens=make_tokens, _making=threading.Lock())

    def __getattr__(self, name: str) -> torch.Tensor:
        """Only of what is not there yet, and of tokens on a device, which every reader's stream must wait for."""
        own = self.__dict__
        if name not in _TENSORS or "_making" not in own:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        if name not in own and "_stream_tokens" not in own:
            with own["_making"]:
                self._make(name)
        shared: StreamTensor | None = own.get("_stream_tokens")
        made: torch.Tensor = shared.get() if name == "tokens" and shared is not None else own[name]
        return made

    def _make(self, name: str) -> None:
        own = self.__dict__
        if own["_make_columns"] is not None:
            own.update(own["_make_columns"]())
            own["_make_columns"] = None
        if name == "tokens" and own["_make_tokens"] is not None:
            tokens = own["_make_tokens"]()
            own["tokens" if isinstance(tokens, torch.Tensor) else "_stream_tokens"] = tokens
            own["_make_tokens"] = None  # the writer gets the rows back

    def __getstate__(self) -> dict[str, torch.Tensor]:
        """For pickle and copy: the tensors, without the writer's entries."""
        return {part.name: getattr(self, part.name) for part in fields(self)}


_TENSORS = frozenset(part.name for part in fields(Tier))


@dataclass(frozen=True, kw_only=True, eq=False)
class Snapshot:
    """The memory as it was after `version` writes. A question takes one and keeps it."""

    version: int  # grows with every write and every command
    t_now_s: float  # time of the newest frame, 0.0 before the first
    frames_seen: int  # frames that the temporal tier stands for: all that were written, less those forgotten
    spatial: Tier  # the last frames, oldest first, newest LAST
    temporal: Tier  # event slots over the whole stream, ordered by start
    ledger: Ledger
    traces: Tier = field(default_factory=_no_entries)  # the whole stream in a finer grain, one token [N, 1, D] each
    abstract: Tier = field(default_factory=_no_entries)  # what it was about: one token [N, 1, D] for each theme
    notes: tuple[Note, ...] = ()  # in order of the time they speak of
    gaps: tuple[Gap, ...] = ()  # in order of start
    pins: tuple[Pin, ...] = ()
    frames_forgotten: int = 0
