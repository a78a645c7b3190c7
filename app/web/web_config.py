"""Where the page is served, who may reach it there, and what it may open.

Comes in: options of `serve`. Goes out: WebConfig. Pure; light imports only.
"""

import ipaddress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["WebConfig"]


@dataclass(frozen=True, kw_only=True)
class WebConfig:
    """The defaults serve this machine alone."""

    host: str = "127.0.0.1"
    port: int = 7860  # 0: any free one
    host_names: tuple[str, ...] = ()  # under which the page may be opened besides, as through a proxy
    token_file: Path | None = None  # None: the usual place, if a token is needed
    renews_token: bool = False
    opens_browser: bool = True
    is_hands_free: bool = False  # the page that is opened begins with voice switched on
    opens_window: bool = False  # in place of the browser; the program ends with its window
    data: Path | None = None  # where recordings lie that may be asked about; None: the usual place
    allowed_hosts: tuple[str, ...] = ()  # of cameras, that pages of other machines may open
    allowed_folders: tuple[str, ...] = ()  # whose files they may open
    allows_devices: bool = False  # whether they may watch the cameras and the screen of this machine

    @property
    def is_local(self) -> bool:
        """True if no other machine can reach the address."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"

    @property
    def needs_token(self) -> bool:
        """True if others may reach the page, or the owner wants it so."""
        return not self.is_local or bool(self.host_names) or self.token_file is not None or self.renews_token
