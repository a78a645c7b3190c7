"""Small clips for tests, written where the test says (its tmp_path): normal ones, odd ones and broken ones.

Every clip's picture `i` is a grey of `level(i)`, with a red top left quarter where a test needs to know which way up it
is, so that order, loss and rotation can be read back from the pixels.
"""

import struct
import zlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

__all__ = [
    "RED",
    "level",
    "level_of",
    "write_animated_gif",
    "write_audio_only",
    "write_audio_with_cover",
    "write_clip",
    "write_damaged_clip",
    "write_empty",
    "write_huge_png_header",
    "write_one_pixel_png",
    "write_rotated_clip",
    "write_still",
    "write_text",
    "write_truncated_clip",
    "write_zero_frame_clip",
]

RED = (230, 20, 20)
_LEVEL_STEP = 8


def level(index: int) -> int:
    """The grey of picture `index`; distinguishable for the first 25, then again from the start."""
    return 30 + _LEVEL_STEP * (index % 25)


def level_of(image: np.ndarray) -> int:
    """The index (0..24) that the bottom right quarter of a decoded picture shows."""
    height, width = image.shape[:2]
    grey = float(image[height // 2 :, width // 2 :].mean())
    return round((grey - 30) / _LEVEL_STEP)


def picture(index: int, width: int, height: int, *, corner: bool = False) -> np.ndarray:
    """uint8 [height, width, 3] RGB."""
    image = np.full((height, width, 3), level(index), dtype=np.uint8)
    if corner:
        image[: height // 2, : width // 2] = RED
    return image


def write_clip(
    path: Path,
    *,
    num_frames: int = 20,
    fps: int = 10,
    size: tuple[int, int] = (64, 48),
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    times_ms: Sequence[int] | None = None,
    corner: bool = False,
    rotation: int = 0,
    with_audio: bool = False,
) -> Path:
    """A video of `num_frames`; `times_ms` gives each picture its own time (variable frame rate).

    size: width, height. rotation: counter-clockwise degrees written as display matrix (mp4, mov).
    """
    width, height = size
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        if codec.startswith("libx26"):
            stream.options = {"preset": "ultrafast", "threads": "1"}
            if codec == "libx265":
                stream.options |= {"x265-params": "log-level=none:pools=none"}
        if times_ms is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        if rotation:
            stream.set_display_rotation(rotation)
        audio = container.add_stream("aac", rate=16000, layout="mono") if with_audio else None
        for index in range(num_frames if times_ms is None else len(times_ms)):
            frame = av.VideoFrame.from_ndarray(picture(index, width, height, corner=corner), format="rgb24")
            if times_ms is not None:
                frame.pts, frame.time_base = times_ms[index], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if audio is not None:
            _write_silence(container, audio, num_frames / fps)
    return path


def _write_silence(container: av.container.OutputContainer, stream: av.AudioStream, duration_s: float) -> None:
    for block in range(max(1, round(duration_s * 16000 / 1024))):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 16000, block * 1024, Fraction(1, 16000)
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


def write_rotated_clip(path: Path, rotation: int, *, size: tuple[int, int] = (64, 48)) -> Path:
    """Stored lying down, with a display matrix that stands it up; the red corner is the stored top left one."""
    return write_clip(path, num_frames=5, size=size, corner=True, rotation=rotation)


def write_audio_only(path: Path) -> Path:
    """Two seconds of silence (m4a, wav by the suffix)."""
    with av.open(str(path), "w") as container:
        codec = "pcm_s16le" if path.suffix == ".wav" else "aac"
        stream = container.add_stream(codec, rate=16000, layout="mono")
        if codec == "aac":
            _write_silence(container, stream, 2.0)
        else:
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 32000), np.int16), format="s16", layout="mono")
            frame.sample_rate = 16000
            container.mux(stream.encode(frame))
            container.mux(stream.encode())
    return path


def write_audio_with_cover(path: Path) -> Path:
    """Sound with a picture of its cover (flac): the picture is no video."""
    cover = _png(8, 8)
    mime = b"image/png"
    block = struct.pack(">II", 3, len(mime)) + mime + struct.pack(">I", 0)
    block += struct.pack(">IIII", 8, 8, 24, 0) + struct.pack(">I", len(cover)) + cover
    with av.open(str(path), "w", format="flac") as container:
        stream = container.add_stream("flac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.int16), format="s16", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    data = path.read_bytes()
    end_of_info = 4 + 4 + 34  # the mark, then the stream information block with its header
    header = struct.pack(">I", (6 << 24) | len(block))
    path.write_bytes(data[:end_of_info] + header + block + data[end_of_info:])
    return path


def write_empty(path: Path) -> Path:
    path.write_bytes(b"")
    return path


def write_text(path: Path) -> Path:
    """Text under any name, such as notes.mp4."""
    path.write_text("This is a shopping list: bread, milk, apples.\n" * 40, encoding="utf-8")
    return path


def write_truncated_clip(path: Path, *, fraction: float = 0.5, index_first: bool = False) -> Path:
    """The first part of an mp4. Its index is at the end (so it is lost), or first (then the beginning is readable)."""
    whole = path.with_name("whole_" + path.name)
    options = {"movflags": "+faststart"} if index_first else {}
    with av.open(str(whole), "w", options=options) as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.options = {"preset": "ultrafast", "threads": "1", "g": "5"}
        noise = np.random.default_rng(7)
        for index in range(20):
            image = picture(index, 64, 48)
            image[:24] = noise.integers(0, 255, (24, 64, 3), dtype=np.uint8)  # so that each picture has some weight
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    data = whole.read_bytes()
    whole.unlink()
    path.write_bytes(data[: int(len(data) * fraction)])
    return path


def write_damaged_clip(path: Path) -> Path:
    """A transport stream (.ts) with a hole of zeros in its middle."""
    write_clip(path, num_frames=25)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = bytes(400)
    path.write_bytes(bytes(data))
    return path


def write_zero_frame_clip(path: Path) -> Path:
    """A well-formed video with a track and not one picture (mkv, or mp4 by the suffix)."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.open()
        container.start_encoding()
    return path


def write_animated_gif(path: Path, *, num_frames: int = 5, size: tuple[int, int] = (8, 6)) -> Path:
    return write_clip(path, num_frames=num_frames, size=size, codec="gif", pix_fmt="rgb8")


def write_still(path: Path, *, size: tuple[int, int] = (64, 48)) -> Path:
    """One picture, jpeg or png by the suffix, with a red top left quarter."""
    codec, pix_fmt = ("png", "rgb24") if path.suffix == ".png" else ("mjpeg", "yuvj420p")
    encoder = av.CodecContext.create(codec, "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = *size, pix_fmt, Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(picture(0, *size, corner=True), format="rgb24").reformat(format=pix_fmt)
    frame.pts = 0
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    path.write_bytes(b"".join(bytes(packet) for packet in packets))
    return path


def write_one_pixel_png(path: Path) -> Path:
    path.write_bytes(_png(1, 1))
    return path


def write_huge_png_header(path: Path, *, width: int = 20_000, height: int = 20_000) -> Path:
    """A small file that claims a picture of 400 megapixels."""
    path.write_bytes(_png(width, height, num_rows=2))
    return path


def _png(width: int, height: int, *, num_rows: int | None = None) -> bytes:
    """A grey RGB picture; with `num_rows`, only so many rows are there."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = (b"\x00" + b"\x80" * (3 * width)) * (height if num_rows is None else num_rows)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body
