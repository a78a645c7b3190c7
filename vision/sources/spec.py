"""What a user types to name a source, understood; and passwords hidden in everything that is shown.

In: "clip.mp4", "webcam:0", "screen", "rtsp://user:password@host/path", "synthetic:colours?fps=5". Out: a `SourceSpec`
whose `name` and `repr` may be shown. Pure functions: nothing is opened, any thread.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal
from urllib.parse import parse_qsl

from vision.errors import SourceOpenError
from vision.sources.address import SCHEMES, mask_credentials, parse_address

__all__ = ["SourceKind", "SourceSpec", "mask_credentials", "parse_spec"]

SourceKind = Literal["file", "webcam", "screen", "network", "synthetic"]

_MAX_SPEC_LENGTH = 4096
_HELP = (
    "Give the path of a file or of a folder of images, webcam:0, screen, an rtsp://, rtmp:// or http(s):// address, or "
    "synthetic:moving_square"
)
# Names of protocols that the decoder knows and that no source of ours may use: they read other files or open sockets.
_OTHER_PROTOCOL = re.compile(
    "(async|cache|concatf?|crypto|data|fd|ffrtmphttp|file|ftp|gophers?|httpproxy|ipfs|ipns|lavfi|md5|mmsh|mmst|pipe|prompeg"
    "|rtmpe|rtmpt|rtmpte|rtmpts|rtp|sctp|sftp|smb|srt|srtp|subfile|tcp|tee|tls|udp|udplite|unix)[:,]"
    "|[a-z][a-z0-9+.-]+://",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class SourceSpec:
    """A source that has been named but not opened."""

    kind: SourceKind
    name: str
    """Safe to show."""
    target: str = field(repr=False)
    """The path, the device, the screen, the name of the scene, or the address with its password."""
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def parse_spec(text: str) -> SourceSpec:
    """Raises SourceOpenError (kind bad_url) if the text names no source that we accept."""
    text = text.strip()
    _check_characters(text)
    scheme = text.partition(":")[0].lower() if ":" in text else ""
    if scheme in SCHEMES:
        address = parse_address(text)
        return SourceSpec(kind="network", name=address.name, target=address.url)
    if scheme == "webcam" or text.lower() == "webcam":
        return _parse_webcam(text)
    if scheme == "screen" or text.lower() == "screen":
        return _parse_screen(text)
    if scheme == "synthetic":
        return _parse_synthetic(text)
    if _OTHER_PROTOCOL.match(text):
        shown = mask_credentials(text)
        raise SourceOpenError(f"{shown!r} is not a kind of source that is accepted. {_HELP}.", "bad_url")
    return SourceSpec(kind="file", name=text, target=os.path.expanduser(text))


def _check_characters(text: str) -> None:
    if not text:
        raise SourceOpenError(f"No source was given. {_HELP}.", "bad_url")
    if len(text) > _MAX_SPEC_LENGTH:
        raise SourceOpenError(
            f"The name of the source has {len(text)} characters; at most {_MAX_SPEC_LENGTH} are accepted.", "bad_url"
        )
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise SourceOpenError(
            "The name of the source contains a line break or another control character. Remove it.", "bad_url"
        )


def _parse_webcam(text: str) -> SourceSpec:
    device = text.partition(":")[2] or "0"
    if not re.fullmatch(r"\d{1,2}|/dev/video\d{1,3}", device):
        raise SourceOpenError(f"{text!r} names no camera. Give webcam:0 for the first one.", "bad_url")
    return SourceSpec(kind="webcam", name=f"webcam:{device}", target=device)


def _parse_screen(text: str) -> SourceSpec:
    display = text.partition(":")[2]
    if not re.fullmatch(r"\d{0,2}|:\d{1,3}(\.\d{1,2})?", display):
        raise SourceOpenError(f"{text!r} names no screen. Give screen, or screen:1 for the second one.", "bad_url")
    return SourceSpec(kind="screen", name=text.lower(), target=display)


def _parse_synthetic(text: str) -> SourceSpec:
    scene, _, query = text.partition(":")[2].partition("?")
    try:
        options = dict(parse_qsl(query, strict_parsing=True)) if query else {}
    except ValueError:
        raise SourceOpenError(
            f"The options of {text!r} are not readable. Write them as ?frames=50&fps=10.", "bad_url"
        ) from None
    return SourceSpec(kind="synthetic", name=text, target=scene, options=MappingProxyType(options))
