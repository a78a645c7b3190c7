"""The numbers that fix the size and the behaviour of one stream memory: MemoryConfig. Any thread."""

from dataclasses import dataclass, replace

__all__ = ["MemoryConfig"]


@dataclass(frozen=True, kw_only=True)
class MemoryConfig:
    """One stream memory: P = num_tokens visual tokens of D = token_dim numbers a frame, and a key of key_dim numbers.

    The first num_evidence_channels numbers of a token are evidence: their sums over a frame go into the ledger.
    """

    token_dim: int
    key_dim: int
    num_tokens: int = 144
    num_evidence_channels: int = 0
    spatial_capacity: int = 8  # last frames kept whole
    temporal_capacity: int = 48  # event slots over the whole stream
    protected_slots: int = 4  # newest slots that are never merged
    ward_alpha: float = (
        0.5  # 1: Ward's own weights; smaller: heavy slots are merged more readily, short events live longer
    )
    time_lambda: float = 0.5  # how much distance in time counts beside distance in content
    trace_capacity: int = 256  # entries of one token each over the whole stream, beside the slots; 0: none
    trace_time_lambda: float = 0.05  # time_lambda of the traces: what comes back may join what it was
    duplicate_similarity: float = (
        0.985  # a frame nearer than this (cosine) to the last kept one extends the newest slot
    )
    max_spans_per_channel: int = 64  # appearances that the ledger keeps apart
    max_silence_s: float = 10.0  # over a longer time without frames nothing is taken to go on
    abstract_capacity: int = 16  # entries of the summary of the whole stream
    attention_temperature: float = 0.1  # of the summary: smaller is sharper
    max_notes: int = 256  # captions, answers, the user's notes
    max_note_chars: int = 600
    max_gaps: int = 256
    max_pins: int = 16
    max_pinned_slots: int = 12  # event slots that pins may keep from merging, all pins together
    num_spare_rows: int = 16  # token rows for readers that hold on to older snapshots; beyond them memory is allocated
    device: str = "cpu"  # where the tokens live; times, weights, ids and keys are always on the host

    def __post_init__(self) -> None:
        for name in (
            "token_dim",
            "key_dim",
            "num_tokens",
            "spatial_capacity",
            "max_spans_per_channel",
            "protected_slots",
            "abstract_capacity",
            "max_notes",
            "max_note_chars",
            "max_gaps",
            "max_pins",
        ):
            _require(getattr(self, name) >= 1, name, getattr(self, name), ">= 1")
        _require(self.temporal_capacity >= 2, "temporal_capacity", self.temporal_capacity, ">= 2")
        is_room_left = self.protected_slots < self.temporal_capacity  # else no pair could ever be merged
        allowed = f"below temporal_capacity={self.temporal_capacity}"
        _require(is_room_left, "protected_slots", self.protected_slots, allowed)
        is_usable = self.trace_capacity == 0 or self.trace_capacity >= 2
        _require(is_usable, "trace_capacity", self.trace_capacity, "0 or >= 2")
        for name in ("max_pinned_slots", "num_spare_rows"):
            _require(getattr(self, name) >= 0, name, getattr(self, name), ">= 0")
        is_warm = 0 < self.attention_temperature < float("inf")
        _require(is_warm, "attention_temperature", self.attention_temperature, "finite and > 0")
        is_inside = 0 <= self.num_evidence_channels <= self.token_dim
        allowed = f"in 0..token_dim={self.token_dim}"
        _require(is_inside, "num_evidence_channels", self.num_evidence_channels, allowed)
        _require(0 <= self.ward_alpha <= 1, "ward_alpha", self.ward_alpha, "in 0..1")
        _require(self.max_silence_s > 0, "max_silence_s", self.max_silence_s, "> 0")
        for name in ("time_lambda", "trace_time_lambda"):
            _require(0 <= getattr(self, name) < float("inf"), name, getattr(self, name), "finite and >= 0")
        _require(-1 <= self.duplicate_similarity <= 2, "duplicate_similarity", self.duplicate_similarity, "in -1..2")

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame's tokens, held as float32."""
        return self.num_tokens * self.token_dim * 4

    @property
    def max_visual_tokens(self) -> int:
        """The most visual tokens that a snapshot can hold."""
        whole = (self.spatial_capacity + self.temporal_capacity) * self.num_tokens
        return whole + self.trace_capacity + self.abstract_capacity

    @property
    def of_traces(self) -> "MemoryConfig":
        """The configuration by which the traces live as slots do. Needs trace_capacity >= 2."""
        return replace(
            self,
            temporal_capacity=self.trace_capacity,
            time_lambda=self.trace_time_lambda,
            protected_slots=min(self.protected_slots, self.trace_capacity - 1),
            max_pinned_slots=self.trace_capacity // 4,
        )

    @property
    def pinnable_slots(self) -> int:
        """How many slots pins can protect: two must always be left that may be merged."""
        return max(0, min(self.max_pinned_slots, self.temporal_capacity - self.protected_slots - 1))

    @property
    def num_rows(self) -> int:
        """Token rows made at start: every entry, what one write makes and replaces, and the readers' spare ones."""
        return self.spatial_capacity + self.temporal_capacity + 4 + self.num_spare_rows

    @property
    def max_bytes(self) -> int:
        """The most bytes that the memory itself holds, however long the stream; what readers keep comes on top."""
        vectors = 2 * 4 * self.key_dim + 4 * self.token_dim  # of an entry: its keys and its pooled tokens
        num_entries = self.spatial_capacity + self.temporal_capacity + self.trace_capacity + self.abstract_capacity + 3
        rows = [self.temporal_capacity + 1 - self.protected_slots, self.abstract_capacity + 1]  # of the distance caches
        rows += [self.trace_capacity + 1] if self.trace_capacity else []
        costs = sum(n * (2 * 4 * self.key_dim + 2 * 8) + 3 * 8 * n * n for n in rows)
        ledger = self.num_evidence_channels * (256 + 64 * self.max_spans_per_channel)
        words = self.max_notes * (4 * self.max_note_chars + 64) + 64 * self.max_gaps
        return self.num_rows * self.frame_bytes + num_entries * vectors + costs + ledger + words


def _require(is_allowed: bool, name: str, value: object, allowed: str) -> None:
    if not is_allowed:
        raise ValueError(f"{name} must be {allowed}, got {value}")
