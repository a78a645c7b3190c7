"""How the keeping of one stream fares: frozen, for any thread."""

from dataclasses import dataclass

__all__ = ["KeepStatus"]


@dataclass(frozen=True, kw_only=True)
class KeepStatus:
    """Sizes on disk. `problem` is a sentence; None: all is well."""

    num_pictures: int = 0
    num_bytes: int = 0  # of pictures and their index; video comes on top
    problem: str | None = None
