"""How a user wants an address to be read: whose certificates are accepted, and which hardware decodes.

Comes in: options of the command line or of a file of cameras. Goes out: the configuration of the source. Pure.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vision.sources import SourceConfig

__all__ = ["ReadingOptions"]


@dataclass(frozen=True, kw_only=True)
class ReadingOptions:
    """As given; the file is looked at when the source is opened."""

    ca_file: str | None = None
    checks_tls: bool = True
    hardware: str | None = None

    def applied(self, reading: "SourceConfig") -> "SourceConfig":
        from vision.sources import TlsRules

        tls = TlsRules(is_checked=self.checks_tls, ca_file=self.ca_file)
        return replace(reading, tls=tls, hardware=self.hardware)

    def words(self) -> list[str]:
        """The same as options of the command line."""
        return [
            *(["--ca-file", self.ca_file] if self.ca_file is not None else []),
            *([] if self.checks_tls else ["--no-tls-check"]),
            *(["--hardware", self.hardware] if self.hardware is not None else []),
        ]
