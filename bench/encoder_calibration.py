"""Fits and checks `vision/encoders/calibration.py` on pictures whose visible things were written down by hand.

In: the folder of archives that bench/encoder_pictures.py names. Out: coefficients, a table of how often a stated
probability was true (pictures left out of the fit), what the encoder as it stands invents and misses, and, as the last
line, one JSON object.

    python -m bench.encoder_calibration ARCHIVES

A detection is true if its concept is in the picture and no better detections have used up the number of it. People
judge and not the second detector of the same npm package (CenterNet): it is the weaker one (bench/encoder_peers.py).
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from bench.encoder_pictures import LabelledPicture, labelled_pictures
from vision.encoders import CONCEPTS, NUM_COCO, SemanticEncoder
from vision.encoders.calibration import (
    MISSING_SCORE,
    PLAIN,
    SPECK,
    classifier_evidence,
    classifier_probability,
    detection_probability,
    log_odds,
)
from vision.encoders.class_activation import picture_probabilities
from vision.encoders.detections import Detection, overlap
from vision.encoders.evidence import join_evidence
from vision.encoders.looks import Match, match_looks, with_everyday
from vision.encoders.seen import boxes_of

KINDS = ("person", "animal", "vehicle", "furniture", "household", "food", "electronics")
NAMES = {  # of the coefficients of each fit
    "nanodet": ("fine", "coarse", "log_area", "fine_log_area", "coarse_log_area", *KINDS, "constant"),
    "everyday": ("everyday", "constant"),  # what the second detector adds; the first's coefficients stay as they are
    "everyday_alone": ("everyday", "log_area", "constant"),
}
RIDGE = {"nanodet": 0.03, "everyday": 0.0003, "everyday_alone": 0.0003}
PRESENT = 0.4
FOLDS = 5
CARTOON_WEIGHT = 0.35  # the encoder is for camera pictures


@dataclass(frozen=True, kw_only=True)
class Looked:
    """A picture and what the networks make of it."""

    picture: LabelledPicture
    fine: list[Detection]
    coarse: list[Detection]
    logits: np.ndarray
    everyday: list[Detection]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """One row for each candidate detection."""

    features: np.ndarray  # [n, names]
    offset: np.ndarray  # [n], log odds that are not fitted
    is_true: np.ndarray  # [n]
    weight: np.ndarray
    fold: np.ndarray


def look_at(pictures: Sequence[LabelledPicture], encoder: SemanticEncoder) -> list[Looked]:
    looked = []
    for one in pictures:
        fine, coarse, logits, everyday = encoder.look(one.image)
        looked.append(Looked(picture=one, fine=fine, coarse=coarse, logits=logits, everyday=everyday))
    return looked


def rows_of(looked: Sequence[Looked], which: str) -> Rows:
    """which: a key of NAMES."""
    features, offset, is_true, weight, fold = [], [], [], [], []
    sources = Counter(one.picture.source for one in looked)
    for one in looked:
        renamed = _surely_renamed(one)
        used: Counter[int] = Counter()
        for match in _candidates(one, which):
            detection = match.box
            used[detection.concept] += 1
            truth = used[detection.concept] <= one.picture.count(detection.concept)
            if not truth and renamed and detection.area >= 0.02 and CONCEPTS[detection.concept].kind != "furniture":
                continue  # the classifier corrects it, so it need not be doubted
            if not _belongs(match, which):
                continue
            values, known = _features(match, which)
            features.append(values)
            offset.append(known)
            is_true.append(truth)
            source = one.picture.source
            weight.append((CARTOON_WEIGHT if source == "trailer" else 1.0) / sources[source] ** 0.5)
            fold.append(zlib.crc32(source.encode()) % FOLDS)
    return Rows(
        features=np.array(features), offset=np.array(offset), is_true=np.array(is_true), weight=np.array(weight),
        fold=np.array(fold),
    )  # fmt: skip


def _surely_renamed(one: Looked) -> bool:
    said = picture_probabilities(one.logits)
    return any(
        classifier_evidence(classifier_probability(index, float(said.total[index]), float(said.strongest[index])))
        >= 0.5
        for index in {**one.picture.must, **one.picture.may}
        if CONCEPTS[index].kind in ("animal", "vehicle", "food", "nature", "instrument")
    )


def _candidates(one: Looked, which: str) -> list[Match]:
    matches = match_looks(one.fine, one.coarse)
    if which != "nanodet":
        matches = with_everyday(matches, one.everyday)
    matches.sort(key=lambda match: -sum(map(log_odds, (match.fine, match.coarse, match.everyday or MISSING_SCORE))))
    boxes = boxes_of([match.box for match in matches])
    ratio = overlap(boxes, boxes)
    kept: list[int] = []
    for index, match in enumerate(matches):
        if not any(ratio[index, k] > 0.5 and matches[k].box.concept == match.box.concept for k in kept):
            kept.append(index)
    return [matches[index] for index in kept]


def _belongs(match: Match, which: str) -> bool:
    """Whether a detection is a row of this fit."""
    if which == "nanodet":
        return True
    if which == "everyday":
        return match.everyday is not None and match.box.concept < NUM_COCO
    return (match.everyday or 0.0) > MISSING_SCORE


def _features(match: Match, which: str) -> tuple[list[float], float]:
    """The numbers of a row, in the order of NAMES, and its known log odds."""
    area, kind = match.box.area, CONCEPTS[match.box.concept].kind
    everyday = _bounded(match.everyday or MISSING_SCORE)
    if which == "everyday":
        known = detection_probability(match.box.concept, match.fine, match.coarse, area)
        size = min(float(np.log(max(area, SPECK) / SPECK) / np.log(PLAIN / SPECK)), 1.0)
        return [size * everyday, size], float(np.log(known / (1.0 - known)))
    smallest = 0.002 if which == "nanodet" and kind in ("person", "vehicle") else 0.004
    log_area = float(np.log(np.clip(area, smallest, 1.0)))
    if which == "everyday_alone":
        return [everyday, log_area, 1.0], 0.0
    fine, coarse = _bounded(match.fine), _bounded(match.coarse)
    kinds = (float(kind == one) for one in KINDS)
    return [fine, coarse, log_area, fine * log_area, coarse * log_area, *kinds, 1.0], 0.0


def _bounded(score: float) -> float:
    return float(np.clip(log_odds(score), -3.0, 3.0))


def fit(rows: Rows, chosen: np.ndarray, ridge_weight: float) -> np.ndarray:
    """Weighted logistic regression with a small ridge, by Newton's method."""
    x, y, weight = rows.features[chosen], rows.is_true[chosen], rows.weight[chosen] / rows.weight[chosen].sum()
    offset = rows.offset[chosen]
    ridge = np.full(x.shape[1], 2 * ridge_weight / x.shape[1])
    ridge[-1] = 1e-9
    coefficients = np.zeros(x.shape[1])
    for _ in range(50):
        probability = 1.0 / (1.0 + np.exp(-(x @ coefficients + offset)))
        gradient = x.T @ (weight * (probability - y)) + ridge * coefficients
        curvature = (x * (weight * probability * (1 - probability))[:, None]).T @ x + np.diag(ridge)
        coefficients = coefficients - np.linalg.solve(curvature, gradient)
    return coefficients


def check_fit(rows: Rows, ridge_weight: float) -> tuple[float, list[tuple[float, int, float]]]:
    """Weighted log loss, and (stated probability up to, how many, share that was true), pictures left out."""
    stated = np.zeros(len(rows.is_true))
    for fold in range(FOLDS):
        coefficients = fit(rows, rows.fold != fold, ridge_weight)
        logits = rows.features[rows.fold == fold] @ coefficients + rows.offset[rows.fold == fold]
        stated[rows.fold == fold] = 1.0 / (1.0 + np.exp(-logits))
    loss = -np.where(rows.is_true, np.log(stated), np.log(1.0 - stated))
    table = []
    for tenth in range(10):
        members = (stated * 10).astype(int) == tenth
        if members.any():
            table.append(((tenth + 1) / 10, int(members.sum()), round(float(rows.is_true[members].mean()), 2)))
    return float((rows.weight * loss).sum() / rows.weight.sum()), table


def score_encoder(looked: Sequence[Looked]) -> dict[str, object]:
    """What the encoder as it stands invents and misses, a concept at a time."""
    invented, missed = [], []
    num_must = num_named = 0
    for one in looked:
        total = np.zeros(len(CONCEPTS))
        for seen in join_evidence(one.fine, one.coarse, one.logits, one.everyday):
            total[seen.concept] += seen.evidence
        named = [int(index) for index in np.flatnonzero(total >= PRESENT)]
        num_named += len(named)
        invented += [f"{CONCEPTS[i].name} in {one.picture.name}" for i in named if not one.picture.count(i)]
        for index in one.picture.must:
            num_must += 1
            is_named = index in named or any(CONCEPTS[index].broader == CONCEPTS[i].name for i in named)
            if not is_named:
                missed.append(f"{CONCEPTS[index].name} in {one.picture.name}")
    print(f"invented in {len(looked)} pictures:", *invented, sep="\n  ")
    print("missed:", *missed, sep="\n  ")
    return {
        "pictures": len(looked),
        "named": num_named,
        "invented": len(invented),
        "invented_per_picture": round(len(invented) / len(looked), 3),
        "precision": round(1 - len(invented) / max(num_named, 1), 3),
        "plainly_visible": num_must,
        "missed": len(missed),
        "recall": round(1 - len(missed) / max(num_must, 1), 3),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archives", type=Path)
    options = parser.parse_args(arguments)
    looked = look_at(list(labelled_pictures(options.archives)), SemanticEncoder())
    result: dict[str, object] = {}
    for which, names in NAMES.items():
        rows = rows_of(looked, which)
        coefficients = fit(rows, np.ones(len(rows.is_true), dtype=bool), RIDGE[which]).round(2).tolist()
        loss, table = check_fit(rows, RIDGE[which])
        for upper, number, share in table:
            print(f"{which}: stated up to {upper:.1f}: {number:5d} detections, {share:.2f} true")
        result[which] = {
            "coefficients": dict(zip(names, coefficients, strict=True)),
            "log_loss_left_out": round(loss, 4),
        }
    whole = score_encoder(looked)
    camera = score_encoder([one for one in looked if one.picture.source != "trailer"])
    print(json.dumps(result | {"all": whole, "without_cartoon": camera, "torch": torch.__version__}))


if __name__ == "__main__":
    main()
