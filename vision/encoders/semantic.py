"""The embedded vision encoder: a picture in, its semantic grid out.

In: uint8 [H, W, 3] RGB of any size. Out: `EncodedFrame` with visual tokens float32 [P, D], a key float32 [K] and the
seen objects. A `SemanticEncoder` belongs to one thread, since it keeps what it must know of the frames before; its
weights are frozen.

NanoDet looks twice: at about 416 x 416 pixels for small things, and at about 256 x 256 for large ones, on which it
errs at 416. A second detector, of everyday things, looks at 300 x 300; the classifier at about 260 x 260.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from vision.encoders.concepts import CONCEPTS
from vision.encoders.detections import Detection, decode_boxes
from vision.encoders.drawn import BLANK_SPREAD, DrawnJudge, doubted
from vision.encoders.efficientnet import EfficientNetLite2, normalise_for_efficientnet
from vision.encoders.everyday import everyday_detections
from vision.encoders.evidence import join_evidence
from vision.encoders.nanodet import NanoDet, normalise_for_nanodet
from vision.encoders.picture import cell_means, fit_picture
from vision.encoders.seen import SeenObject
from vision.encoders.semantic_grid import GridLayout, grid_from_objects, grid_key
from vision.encoders.ssd import SIDE_PX, SSDMobileNetV2, anchor_boxes, decode_codes, normalise_for_ssd
from vision.encoders.stored_weights import unpacked_state
from vision.errors import ModelMissingError

__all__ = ["EncodedFrame", "SemanticEncoder", "SemanticEncoderConfig"]

FloatArray = NDArray[np.float32]
Image = NDArray[np.uint8]

MODELS = Path(__file__).resolve().parents[2] / "assets" / "models"
NANODET_FILE = MODELS / "nanodet.safetensors"
SSD_FILE = MODELS / "ssd_mobilenet.safetensors"
DRAWN_FILE = MODELS / "drawn.safetensors"
EFFICIENTNET_NAME = "efficientnet_lite2.safetensors"
DETECTOR_STRIDE_PX = 32
CLASSIFIER_STRIDE_PX = 1  # any shape will do: no black bars


@dataclass(frozen=True, kw_only=True)
class SemanticEncoderConfig:
    """How closely the networks look: sides of the squares whose pixels each look may spend."""

    fine_side_px: int = 416
    coarse_side_px: int = 256
    classifier_side_px: int = 260

    def __post_init__(self) -> None:
        for name in ("fine_side_px", "coarse_side_px", "classifier_side_px"):
            if not 64 <= getattr(self, name) <= 1280:
                raise ValueError(f"{name} must be in 64..1280, got {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedFrame:
    """tokens: float32 [P, D]; key: float32 [key_dim], L2-normalised; detections: what the tokens were made of."""

    tokens: FloatArray
    key: FloatArray
    detections: tuple[SeenObject, ...]


class SemanticEncoder:
    """Frozen NanoDet, SSD-MobileNetV2 and EfficientNet-lite2 behind one `encode`.

    Raises ModelMissingError if weights are not there.
    """

    def __init__(
        self,
        weights_dir: Path | None = None,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        config: SemanticEncoderConfig = SemanticEncoderConfig(),  # noqa: B008 (frozen)
    ):
        self.config = config
        self.layout = GridLayout(num_concepts=len(CONCEPTS))
        self._device, self._dtype = torch.device(device), dtype
        classifier_file = (weights_dir or default_weights_dir()) / EFFICIENTNET_NAME
        self._detector = self._load(NanoDet(), NANODET_FILE)
        self._everyday = self._load(SSDMobileNetV2(), SSD_FILE)
        self._anchors = anchor_boxes()
        self._classifier = self._load(EfficientNetLite2(), classifier_file)
        drawn = self._stored(DRAWN_FILE)
        self._drawn = DrawnJudge(drawn["weight"].numpy(), float(drawn["bias"]))
        self._previous_grey: FloatArray | None = None

    def encode(self, image: Image) -> EncodedFrame:
        """image: uint8 [H, W, 3] RGB, any size from 1 x 1."""
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
            raise ValueError(f"expected a uint8 image [H, W, 3], got {image.dtype} {image.shape}")
        image = np.ascontiguousarray(image)
        fine, coarse, logits, everyday = self.look(image)
        colour = cell_means(image, self.layout.grid_size) / 255.0
        doubt = self._drawn.doubt(logits, is_blank=float(colour.std()) < BLANK_SPREAD)
        seen = doubted(join_evidence(fine, coarse, logits, everyday), doubt)
        rows = [(thing.concept, thing.evidence, thing.cx, thing.cy, thing.w, thing.h) for thing in seen]
        tokens = grid_from_objects(rows, self.layout, colour=colour, motion=self._motion(image))
        return EncodedFrame(tokens=tokens, key=grid_key(tokens, self.layout), detections=tuple(seen))

    def reset(self) -> None:
        """Another stream: its first frame has no motion, and it counts as filmed until frames say otherwise."""
        self._previous_grey = None
        self._drawn.reset()

    def look(self, image: Image) -> tuple[list[Detection], list[Detection], FloatArray, list[Detection]]:
        """The networks alone, as `join_evidence` takes what they give: detections of the fine and the coarse look, the
        classifier's cell logits, detections of everyday things."""
        with torch.inference_mode():
            fine = self.detect(image, self.config.fine_side_px)
            coarse = self.detect(image, self.config.coarse_side_px)
            return fine, coarse, self.classify(image), self.detect_everyday(image)

    def detect(self, image: Image, side_px: int) -> list[Detection]:
        """One look of the detector at about side_px x side_px pixels. Within torch.inference_mode()."""
        picture = fit_picture(image, side_px, DETECTOR_STRIDE_PX)
        batch = torch.from_numpy(picture.pixels).to(self._device)[None]
        outputs = self._detector(normalise_for_nanodet(batch).to(self._dtype))
        # sync: the boxes are decoded on the CPU.
        arrays = [(scores[0].float().cpu().numpy(), bins[0].float().cpu().numpy()) for scores, bins in outputs]
        return decode_boxes(arrays, picture)

    def detect_everyday(self, image: Image) -> list[Detection]:
        """One look of the second detector, which knows pictures only squeezed into a square. In inference_mode()."""
        is_larger = image.shape[0] * image.shape[1] > SIDE_PX * SIDE_PX
        interpolation = cv2.INTER_AREA if is_larger else cv2.INTER_LINEAR
        square = np.ascontiguousarray(cv2.resize(image, (SIDE_PX, SIDE_PX), interpolation=interpolation), np.uint8)
        batch = torch.from_numpy(square).to(self._device)[None]
        scores, codes = self._everyday(normalise_for_ssd(batch).to(self._dtype))
        boxes = decode_codes(codes[0].float().cpu(), self._anchors)  # sync: joined on the CPU
        return everyday_detections(scores[0].float().cpu().numpy(), boxes.numpy())

    def classify(self, image: Image) -> FloatArray:
        """Class logits float32 [h, w, 1000] per cell. Within torch.inference_mode()."""
        picture = fit_picture(image, self.config.classifier_side_px, CLASSIFIER_STRIDE_PX)
        batch = torch.from_numpy(picture.pixels).to(self._device)[None]
        logits = self._classifier(normalise_for_efficientnet(batch).to(self._dtype))
        return np.asarray(logits[0].float().cpu().numpy(), dtype=np.float32)  # sync: joined with the boxes on the CPU

    def _motion(self, image: Image) -> FloatArray:
        grey = cv2.cvtColor(cv2.resize(image, (96, 96), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
        current = grey.astype(np.float32) / 255.0
        previous = current if self._previous_grey is None else self._previous_grey
        self._previous_grey = current
        return cell_means(np.abs(current - previous), self.layout.grid_size)

    def _load(self, module: nn.Module, path: Path) -> nn.Module:
        state = self._stored(path)
        module.load_state_dict({name: tensor.to(self._dtype) for name, tensor in unpacked_state(state).items()})
        module.eval().requires_grad_(False)
        return module.to(device=self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def _stored(self, path: Path) -> dict[str, torch.Tensor]:
        try:
            return load_file(path)
        except FileNotFoundError:
            raise ModelMissingError(
                f"{path.name} is not in {path.parent}: run `python3 launch.py` once, which puts it there"
            ) from None
        except (SafetensorError, OSError) as error:
            raise ModelMissingError(
                f"{path} is damaged ({error}): delete it and run `python3 launch.py`, which makes it again"
            ) from None


def default_weights_dir() -> Path:
    """Where `launch.py` keeps what it fetched: AFTERGLOW_HOME, else `afterglow` in the user's cache folder."""
    home = os.environ.get("AFTERGLOW_HOME")
    if home:
        return Path(home).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path("~/.cache").expanduser()) / "afterglow"
