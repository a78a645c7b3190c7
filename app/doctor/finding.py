"""What an examination says: one thing that was looked at, its state, and how to get what is missing."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at: "ok", "note" (it runs without) or "missing" (it cannot run)."""

    subject: str
    status: str
    found: str
    remedy: str = ""
