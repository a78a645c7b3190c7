"""What the archive takes: frames, vectors, intervals and marks, checked before anything is written. Pure."""

import math
import operator

import numpy as np
import numpy.typing as npt

from memory.archive.errors import FrameRefusedError
from memory.archive.segments import VectorLayout

__all__ = ["MAX_JPEG_BYTES", "check_frame", "check_interval", "check_mark", "packed_vectors", "unit_key"]

MAX_JPEG_BYTES = 16 * 2**20
_JPEG_START = b"\xff\xd8"
_MAX_KIND, _MAX_TEXT = 32, 4096


def check_frame(frame_id: int, time_s: float, wall_time_s: float, jpeg: bytes, newest_s: float | None) -> None:
    """Raises FrameRefusedError. newest_s: time of the frame before."""
    try:
        number = operator.index(frame_id)
    except TypeError as error:
        raise FrameRefusedError(f"frame_id must be a whole number, got {frame_id!r}") from error
    if not -(2**63) <= number < 2**63:
        raise FrameRefusedError(f"frame_id must fit 64 bits, got {number}")
    for name, value in (("time_s", time_s), ("wall_time_s", wall_time_s)):
        if not _is_finite(value):
            raise FrameRefusedError(f"{name} of frame {number} must be a finite number, got {value!r}")
    if newest_s is not None and time_s < newest_s:
        message = f"time went backwards: frame {number} is at {time_s} s, the newest kept one at {newest_s} s"
        raise FrameRefusedError(f"{message}; after a restart stream time must go on")
    if not isinstance(jpeg, bytes) or not jpeg.startswith(_JPEG_START) or len(jpeg) > MAX_JPEG_BYTES:
        told = f"{len(jpeg)} bytes" if isinstance(jpeg, bytes) else type(jpeg).__name__
        raise FrameRefusedError(f"frame {number} must be JPEG bytes, at most {MAX_JPEG_BYTES} of them, got {told}")


def packed_vectors(key: npt.ArrayLike, evidence: npt.ArrayLike, layout: VectorLayout) -> bytes:
    """One row of a vectors file: the key with length 1, then the evidence, float16. Raises FrameRefusedError."""
    row = np.concatenate((unit_key(key, layout.key_dim), _vector("evidence", evidence, layout.evidence_dim)))
    with np.errstate(over="ignore"):
        packed = row.astype("<f2")
    if not np.isfinite(packed).all():
        raise FrameRefusedError("evidence must lie within the range of float16 (-65504..65504)")
    return packed.tobytes()


def unit_key(key: npt.ArrayLike, key_dim: int) -> npt.NDArray[np.float32]:
    """float32 [key_dim] of length 1; a key of zeros stays as it is. Raises FrameRefusedError."""
    vector = _vector("key", key, key_dim).astype(np.float64)
    length = float(np.linalg.norm(vector))
    if not math.isfinite(length):
        raise FrameRefusedError("the key's numbers are too large to be normalised")
    return (vector / length if length > 0 else vector).astype(np.float32)


def check_interval(start_s: float, end_s: float) -> None:
    """Raises FrameRefusedError unless start and end are finite and in order."""
    if not (_is_finite(start_s) and _is_finite(end_s) and start_s <= end_s):
        raise FrameRefusedError(f"an interval needs finite times, the start first, got {start_s!r} and {end_s!r}")


def check_mark(kind: str, start_s: float, end_s: float, text: str) -> None:
    """Raises FrameRefusedError."""
    check_interval(start_s, end_s)
    if not kind.isidentifier() or len(kind) > _MAX_KIND:
        raise FrameRefusedError(f"the kind of an event must be one word of at most {_MAX_KIND} letters, got {kind!r}")
    if len(text) > _MAX_TEXT:
        raise FrameRefusedError(f"the text of an event may have {_MAX_TEXT} characters, got {len(text)}")


def _vector(name: str, values: npt.ArrayLike, dim: int) -> npt.NDArray[np.float32]:
    try:
        vector = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise FrameRefusedError(f"{name} must be numbers [{dim}], got {type(values).__name__}") from error
    if vector.shape != (dim,):
        raise FrameRefusedError(f"expected {name} [{dim}], got {vector.shape}")
    if not np.isfinite(vector).all():
        raise FrameRefusedError(f"{name} holds NaN or infinity")
    return vector


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float | np.floating | np.integer) and math.isfinite(value)
