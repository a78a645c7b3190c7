"""Fits and checks `assets/models/drawn.safetensors`, by which the encoder tells drawn pictures from photographs.

In: the folder of archives that bench/drawn_pictures.py names. Out: the fit's figures on pictures left out of it, on the
frames of clips, none of which it was fitted on, and as the last line one JSON object; with `--save`, the file.

    python -m bench.encoder_drawn ARCHIVES [--clip vtest.avi ...] [--save]

Pictures are cut, mirrored, made small and packed as JPEG at random, as video is, so that neither sharpness nor packing
tells them apart. Cuts of one picture are left out of a fit together.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors.torch import save_file

from bench.clips import clip_path
from bench.drawn_pictures import pictures
from bench.encoder_noise import pictures as frames_of
from vision.encoders import SemanticEncoder
from vision.encoders.drawn import DrawnJudge
from vision.encoders.semantic import DRAWN_FILE

CLIPS = ("box.mp4", "jwpIntro.mp4", "trailer_bbb.mp4", "vtest.avi", "walk_a.mp4")  # the dev clips; the trailer is drawn
NUM_CUTS = {True: 3, False: 4}  # of a drawn picture, of a photograph
RIDGE = 0.1
FOLDS = 4
SEED = 0


@dataclass(frozen=True, kw_only=True)
class Samples:
    """logits: [n, 1000], means over the picture; picture: [n], which one a cut is of."""

    logits: np.ndarray
    is_drawn: np.ndarray
    picture: np.ndarray


def collect(archives: Path, encoder: SemanticEncoder) -> Samples:
    rng = np.random.default_rng(SEED)
    logits, is_drawn, picture = [], [], []
    with tempfile.TemporaryDirectory() as scratch, torch.inference_mode():
        for number, one in enumerate(pictures(archives, Path(scratch), rng)):
            for cut in range(NUM_CUTS[one.is_drawn]):
                image = one.image if cut == 0 else _part(one.image, rng)
                logits.append(encoder.classify(_as_in_video(image, rng)).mean(axis=(0, 1)))
                is_drawn.append(one.is_drawn)
                picture.append(number)
    return Samples(logits=np.stack(logits), is_drawn=np.array(is_drawn), picture=np.array(picture))


def _part(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    scale, stretch = rng.uniform(0.45, 1.0), rng.uniform(0.8, 1.25)
    height, width = int(image.shape[0] * scale), int(image.shape[1] * min(scale * stretch, 1.0))
    y, x = rng.integers(0, image.shape[0] - height + 1), rng.integers(0, image.shape[1] - width + 1)
    part = image[y : y + height, x : x + width]
    return part[:, ::-1] if rng.random() < 0.5 else part


def _as_in_video(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    scale = rng.uniform(240, 720) / max(image.shape[:2])
    if scale < 1.0:
        image = cv2.resize(np.ascontiguousarray(image), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    quality = int(rng.integers(30, 90))
    _, packed = cv2.imencode(".jpg", np.ascontiguousarray(image[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))[..., ::-1])


def fit(samples: Samples, chosen: np.ndarray) -> tuple[np.ndarray, float]:
    """Logistic regression with a ridge, both classes of equal weight, by Newton's method: weight [1000], bias."""
    x = samples.logits[chosen].astype(np.float64)
    x -= x.mean(axis=1, keepdims=True)  # how bright the logits are as a whole says nothing
    y = samples.is_drawn[chosen]
    mean, scale = x.mean(axis=0), x.std()
    x = np.c_[(x - mean) / scale, np.ones(len(x))]
    weight = np.where(y, 0.5 / y.sum(), 0.5 / (~y).sum())
    ridge = np.full(x.shape[1], RIDGE)
    ridge[-1] = 1e-9
    coefficients = np.zeros(x.shape[1])
    for _ in range(15):
        probability = 1.0 / (1.0 + np.exp(-x @ coefficients))
        curvature = (x * (weight * probability * (1 - probability))[:, None]).T @ x + np.diag(ridge)
        gradient = x.T @ (weight * (probability - y)) + ridge * coefficients
        coefficients -= np.linalg.solve(curvature, gradient)
    slope = coefficients[:-1] / scale
    return (slope - slope.mean()).astype(np.float32), float(coefficients[-1] - mean @ slope)


def left_out(samples: Samples) -> np.ndarray:
    """The score [n] of every cut by a fit without its picture."""
    fold = np.random.default_rng(SEED).permutation(samples.picture.max() + 1)[samples.picture] % FOLDS
    scores = np.zeros(len(fold))
    for one in range(FOLDS):
        weight, bias = fit(samples, fold != one)
        scores[fold == one] = samples.logits[fold == one] @ weight + bias
    return scores


def _quantiles(values: np.ndarray, which: tuple[float, ...]) -> dict[str, float]:
    return {f"{100 * q:g} %": round(float(np.quantile(values, q)), 2) for q in which}


def score_clip(name: str, encoder: SemanticEncoder, judge: DrawnJudge) -> dict[str, float]:
    judge.reset()
    with torch.inference_mode():
        looked = [encoder.classify(image) for image in frames_of(clip_path(name), 2.0)]
    doubts = [judge.doubt(logits) for logits in looked]
    scores = np.array([judge.score(logits) for logits in looked])
    return _quantiles(scores, (0.05, 0.5, 0.95)) | {
        "doubted_frames_percent": round(100 * np.mean(np.array(doubts) > 0))
    }


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archives", type=Path)
    parser.add_argument("--clip", nargs="*", default=CLIPS)
    parser.add_argument("--save", action="store_true", help=f"writes {DRAWN_FILE.name}")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)  # others may be at work on this machine
    encoder = SemanticEncoder()
    samples = collect(options.archives, encoder)
    scores = left_out(samples)
    weight, bias = fit(samples, np.ones(len(scores), dtype=bool))
    if options.save:
        save_file({"weight": torch.from_numpy(weight), "bias": torch.tensor(bias)}, DRAWN_FILE)
    result: dict[str, object] = {
        "pictures": int(samples.picture.max()) + 1,
        "cuts": len(scores),
        "photographs": _quantiles(scores[~samples.is_drawn], (0.5, 0.9, 0.95, 0.99)),
        "drawn": _quantiles(scores[samples.is_drawn], (0.05, 0.1, 0.5)),
    }
    for name in options.clip:
        result[name] = score_clip(name, encoder, DrawnJudge(weight, bias))
        print(f"{name:18} {result[name]}", flush=True)
    print(json.dumps({"bench": "encoder_drawn", "torch": torch.__version__} | result))


if __name__ == "__main__":
    main()
