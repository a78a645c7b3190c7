"""The numbers that fix the size and the behaviour of one stream memory: MemoryConfig. Any thread."""

from dataclasses import dataclass

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
    duplicate_similarity: float = (
        0.985  # a frame nearer than this (cosine) to the last kept one extends the newest slot
    )
    max_spans_per_channel: int = 8
    device: str = "cpu"  # where the tokens live; times, weights, ids and keys are always on the host

    def __post_init__(self) -> None:
        for name in (
            "token_dim",
            "key_dim",
            "num_tokens",
            "spatial_capacity",
            "max_spans_per_channel",
            "protected_slots",
        ):
            _require(getattr(self, name) >= 1, name, getattr(self, name), ">= 1")
        _require(self.temporal_capacity >= 2, "temporal_capacity", self.temporal_capacity, ">= 2")
        is_room_left = self.protected_slots < self.temporal_capacity  # else no pair could ever be merged
        allowed = f"below temporal_capacity={self.temporal_capacity}"
        _require(is_room_left, "protected_slots", self.protected_slots, allowed)
        is_inside = 0 <= self.num_evidence_channels <= self.token_dim
        allowed = f"in 0..token_dim={self.token_dim}"
        _require(is_inside, "num_evidence_channels", self.num_evidence_channels, allowed)
        _require(0 <= self.ward_alpha <= 1, "ward_alpha", self.ward_alpha, "in 0..1")
        _require(0 <= self.time_lambda < float("inf"), "time_lambda", self.time_lambda, "finite and >= 0")
        _require(-1 <= self.duplicate_similarity <= 2, "duplicate_similarity", self.duplicate_similarity, "in -1..2")

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame's tokens, held as float32."""
        return self.num_tokens * self.token_dim * 4

    @property
    def max_visual_tokens(self) -> int:
        """The most visual tokens that a snapshot can hold."""
        return (self.spatial_capacity + self.temporal_capacity) * self.num_tokens

    @property
    def max_bytes(self) -> int:
        """The most bytes that the memory itself holds, however long the stream; what readers keep comes on top."""
        entries = (
            self.spatial_capacity + self.temporal_capacity + 1
        )  # one more between the arrival of a frame and a merge
        rows = self.temporal_capacity + 1 - self.protected_slots  # of the distance cache
        costs = rows * (2 * 4 * self.key_dim + 2 * 8) + 3 * 8 * rows * rows
        ledger = self.num_evidence_channels * (256 + 64 * self.max_spans_per_channel)
        return entries * (self.frame_bytes + 2 * 4 * self.key_dim) + costs + ledger


def _require(is_allowed: bool, name: str, value: object, allowed: str) -> None:
    if not is_allowed:
        raise ValueError(f"{name} must be {allowed}, got {value}")
