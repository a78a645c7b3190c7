"""A systemd unit that records from the start of the machine (or of the user's session) on. Pure."""

import re
from collections.abc import Sequence

__all__ = ["unit_text"]

_PLAIN = re.compile(r"[A-Za-z0-9_./:=@,+-]+")


def unit_text(command: Sequence[str], description: str) -> str:
    """command: the recorder's words, the program first, with absolute paths."""
    return f"""[Unit]
Description={description}
After=network-online.target
Wants=network-online.target

[Service]
ExecStart={" ".join(map(_quoted, command))}
Restart=on-failure
RestartSec=10
# Bad arguments, a missing model, a folder in which somebody records: a person has to look.
RestartPreventExitStatus=2 5 6
# SIGTERM lets it save and leave, within ten seconds.
TimeoutStopSec=20
UMask=0077
NoNewPrivileges=yes

[Install]
WantedBy=default.target
"""


def _quoted(word: str) -> str:
    """One word for systemd, which would read %, $, quotes and backslashes in a way of its own."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return escaped if _PLAIN.fullmatch(word) else f'"{escaped}"'
