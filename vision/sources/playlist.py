"""Playlists of the web (HLS, RFC 8216), read as far as we play them. Pure functions, any thread.

In: the text of a playlist and its address. Out: its variants, or its pieces in order. A playlist is written by
strangers: whether its addresses may be opened is decided elsewhere (`segments`), not here.
"""

import math
import re
from dataclasses import dataclass
from urllib.parse import urljoin

from vision.errors import SourceOpenError

__all__ = ["MAX_PLAYLIST_BYTES", "Piece", "Playlist", "Variant", "is_playlist_type", "pick_variant", "read_playlist"]

MAX_PLAYLIST_BYTES = 1_000_000
_MAX_PIECES = 100_000
_MAX_VARIANT_BITS = 6_000_000
_CONTENT_TYPES = (
    "application/vnd.apple.mpegurl",
    "application/x-mpegurl",
    "audio/mpegurl",
    "audio/x-mpegurl",
)
_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=(?:"([^"]*)"|([^,]*))')


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The same video at one rate of bits."""

    url: str
    bits_per_s: int


@dataclass(frozen=True, kw_only=True)
class Piece:
    url: str
    number: int
    duration_s: float
    head_url: str | None
    """What has to be put before the piece (fragmented MP4)."""


@dataclass(frozen=True, kw_only=True)
class Playlist:
    variants: tuple[Variant, ...]
    """Not empty in a list of lists alone."""
    pieces: tuple[Piece, ...]
    is_over: bool
    """True if no pieces will be added."""
    target_s: float
    """The longest that a piece lasts, so how often to look for new ones."""


def is_playlist_type(content_type: str) -> bool:
    return content_type.lower() in _CONTENT_TYPES


def read_playlist(text: str, url: str, name: str) -> Playlist:
    """url: of the playlist; name: how to call it in messages. Raises SourceOpenError (kind not_video)."""
    lines = [line.strip() for line in text.lstrip("\ufeff").splitlines() if line.strip()]
    if not lines or lines[0] != "#EXTM3U":
        raise SourceOpenError(f"What {name} sends is not a playlist.", "not_video")
    variants: list[Variant] = []
    pieces: list[Piece] = []
    number, target_s, duration_s, bits_per_s = 0, 6.0, 0.0, None
    head_url: str | None = None
    is_over = False
    for line in lines[1:]:
        tag, _, value = line.partition(":")
        if tag == "#EXT-X-MEDIA-SEQUENCE":
            number = _whole_number(value)
        elif tag == "#EXT-X-TARGETDURATION":
            target_s = min(max(_seconds(value), 0.1), 60.0)
        elif tag == "#EXTINF":
            duration_s = _seconds(value.partition(",")[0])
        elif tag == "#EXT-X-STREAM-INF":
            bits_per_s = _whole_number(_attributes(value).get("BANDWIDTH", "0"))
        elif tag == "#EXT-X-MAP":
            head_url = urljoin(url, _attributes(value).get("URI", ""))
            _refuse(name, "in parts of one file", is_so="BYTERANGE" in _attributes(value))
        elif tag == "#EXT-X-KEY":
            _refuse(name, "encrypted", is_so=_attributes(value).get("METHOD", "NONE") != "NONE")
        elif tag == "#EXT-X-BYTERANGE":
            _refuse(name, "in parts of one file", is_so=True)
        elif tag == "#EXT-X-ENDLIST":
            is_over = True
        elif not line.startswith("#") and bits_per_s is not None:
            variants.append(Variant(url=urljoin(url, line), bits_per_s=bits_per_s))
            bits_per_s = None
        elif not line.startswith("#"):
            piece = Piece(url=urljoin(url, line), number=number, duration_s=duration_s, head_url=head_url)
            pieces.append(piece)
            number += 1
    if len(pieces) > _MAX_PIECES:
        raise SourceOpenError(f"The playlist {name} has more than {_MAX_PIECES:,} pieces.", "too_large")
    return Playlist(variants=tuple(variants), pieces=tuple(pieces), is_over=is_over, target_s=target_s)


def pick_variant(variants: tuple[Variant, ...]) -> Variant:
    """The best one that is not needlessly large; pictures are scaled down anyway."""
    fitting = [variant for variant in variants if variant.bits_per_s <= _MAX_VARIANT_BITS]
    if fitting:
        return max(fitting, key=lambda variant: variant.bits_per_s)
    return min(variants, key=lambda variant: variant.bits_per_s)


def _attributes(value: str) -> dict[str, str]:
    return {name: quoted or bare for name, quoted, bare in _ATTRIBUTE.findall(value)}


def _whole_number(text: str) -> int:
    return int(text) if re.fullmatch(r"\d{1,18}", text.strip()) else 0


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if math.isfinite(value) and value >= 0 else 0.0


def _refuse(name: str, how: str, *, is_so: bool) -> None:
    if is_so:
        raise SourceOpenError(f"The video of {name} is sent {how}, which is not supported.", "not_video")
