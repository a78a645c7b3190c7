"""The limits of an archive and the shape of what it keeps."""

import math
from dataclasses import dataclass

__all__ = ["ArchiveConfig"]

_DAY_S = 86_400.0


@dataclass(frozen=True, kw_only=True)
class ArchiveConfig:
    """One archive: keys of key_dim numbers and evidence of evidence_dim numbers a frame, within bytes and age.

    `fingerprint` names the encoder that makes keys and evidence: an archive made with another one is refused.
    """

    fingerprint: str
    key_dim: int
    evidence_dim: int = 0
    max_bytes: int = 8 * 2**30  # files of frames and vectors, and the index
    max_age_s: float = 7 * _DAY_S  # stream time; a frame leaves at most one segment's span later
    segment_bytes: int = 32 * 2**20  # a segment is sealed at this size, or after segment_s of stream time
    segment_s: float = 1800.0
    sync_period_s: float = 10.0  # what a power cut may cost; a killed process loses nothing
    min_free_bytes: int = 64 * 2**20  # left free on the disk for others: below it nothing is kept
    max_events: int = 10_000  # the oldest go first

    def __post_init__(self) -> None:
        _require(bool(self.fingerprint.strip()), "fingerprint", repr(self.fingerprint), "a word that names the encoder")
        _require(1 <= self.key_dim <= 65_536, "key_dim", self.key_dim, "in 1..65536")
        _require(0 <= self.evidence_dim <= 65_536, "evidence_dim", self.evidence_dim, "in 0..65536")
        _require(self.segment_bytes >= 4096, "segment_bytes", self.segment_bytes, ">= 4096")
        allowed = f">= 4 x segment_bytes={self.segment_bytes}"
        _require(self.max_bytes >= 4 * self.segment_bytes, "max_bytes", self.max_bytes, allowed)
        for name in ("max_age_s", "segment_s"):
            _require(getattr(self, name) > 0, name, getattr(self, name), "> 0")
        _require(0 <= self.sync_period_s < math.inf, "sync_period_s", self.sync_period_s, "finite and >= 0")
        _require(self.min_free_bytes >= 0, "min_free_bytes", self.min_free_bytes, ">= 0")
        _require(self.max_events >= 1, "max_events", self.max_events, ">= 1")

    @property
    def max_pinned_bytes(self) -> int:
        """The most bytes of frames that pins may exempt from eviction: half, so that new frames find room."""
        return self.max_bytes // 2


def _require(is_allowed: bool, name: str, value: object, allowed: str) -> None:
    if not is_allowed:
        raise ValueError(f"{name} must be {allowed}, got {value}")
