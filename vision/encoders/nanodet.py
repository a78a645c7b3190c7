"""NanoDet-g, a one-stage detector of COCO's 80 classes: a picture in, class scores and box distances per cell out.

In: float32 [B, 3, H, W], BGR, normalised by `normalise_for_nanodet`, H and W multiples of 32 (416 is what it was
trained on). Out: per stride (8, 16, 32) class probabilities [B, cells, 80] and distance logits [B, cells, 44]. Frozen
weights, any thread; one module is used by one thread at a time.

Architecture: NanoDet by RangiLyu, https://github.com/RangiLyu/nanodet (Apache-2.0): a cross-stage-partial backbone of
plain 3x3 convolutions, a path-aggregation neck and one head per stride. Batch norms are folded into the weights.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["NUM_BINS", "NUM_CLASSES", "STRIDES", "NanoDet", "normalise_for_nanodet"]

NUM_CLASSES = 80
NUM_BINS = 11  # a distance is an expectation over 0..10, in strides
STRIDES = (8, 16, 32)
NECK_WIDTH = 128

# Mean and standard deviation of blue, green and red, of the 0..255 scale.
MEAN_BGR = (103.53, 116.28, 123.675)
STD_BGR = (57.375, 57.12, 58.395)


def normalise_for_nanodet(images: Tensor) -> Tensor:
    """uint8 RGB [B, H, W, 3] -> float32 BGR [B, 3, H, W], in the memory order of channels_last."""
    mean = torch.tensor(MEAN_BGR, device=images.device)
    scale = 1.0 / torch.tensor(STD_BGR, device=images.device)
    return ((images.flip(-1).float() - mean) * scale).permute(0, 3, 1, 2)


class ConvLeaky(nn.Module):
    """A 3x3 convolution followed by a leaky rectifier."""

    def __init__(self, width_in: int, width_out: int, stride: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(width_in, width_out, 3, stride, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu_(self.conv(x), 0.1)


class PartialBlock(nn.Module):
    """Two convolutions at half the width, whose two outputs side by side have the width of the input."""

    def __init__(self, width: int):
        super().__init__()
        self.first = ConvLeaky(width, width // 2)
        self.second = ConvLeaky(width // 2, width // 2)

    def forward(self, x: Tensor) -> Tensor:
        first = self.first(x)
        return torch.cat((self.second(first), first), dim=1)


class CrossStageBlock(nn.Module):
    """A convolution, whose output passes beside a chain of partial blocks: the width doubles."""

    def __init__(self, width: int, stride: int, num_blocks: int):
        super().__init__()
        self.entry = ConvLeaky(width, width, stride)
        self.blocks = nn.Sequential(*(PartialBlock(width) for _ in range(num_blocks)))
        self.exit = ConvLeaky(width, width)

    def forward(self, x: Tensor) -> Tensor:
        entry = self.entry(x)
        return torch.cat((self.exit(self.blocks(entry)), entry), dim=1)


class Head(nn.Module):
    """Class logits and distance logits of one stride, from one shared convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = ConvLeaky(NECK_WIDTH, NECK_WIDTH)
        self.output = nn.Conv2d(NECK_WIDTH, NUM_CLASSES + 4 * NUM_BINS, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.output(self.hidden(x)).flatten(2).transpose(1, 2)  # [B, 124, h, w] -> [B, h * w, 124]
        return maps[..., :NUM_CLASSES].sigmoid(), maps[..., NUM_CLASSES:]


class NanoDet(nn.Module):
    """The whole detector; `decode_boxes` turns its output into boxes."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvLeaky(3, 32, stride=2)
        self.stages = nn.ModuleList(
            (
                CrossStageBlock(32, stride=1, num_blocks=1),
                CrossStageBlock(64, stride=2, num_blocks=2),
                CrossStageBlock(128, stride=2, num_blocks=2),
                CrossStageBlock(256, stride=2, num_blocks=3),
            )
        )
        self.laterals = nn.ModuleList(nn.Conv2d(width, NECK_WIDTH, 1) for width in (128, 256, 512))
        self.heads = nn.ModuleList(Head() for _ in STRIDES)

    def forward(self, images: Tensor) -> list[tuple[Tensor, Tensor]]:
        x = F.max_pool2d(self.stem(images), 3, stride=2, padding=1)
        x = self.stages[0](x)
        features = []
        for stage, lateral in zip(self.stages[1:], self.laterals, strict=True):
            x = stage(x)
            features.append(lateral(x))
        return [head(feature) for head, feature in zip(self.heads, self._aggregate(features), strict=True)]

    @staticmethod
    def _aggregate(features: list[Tensor]) -> list[Tensor]:
        """Adds coarse to fine, then fine to coarse; resizing is the only operation between."""
        fine, middle, coarse = features
        middle = middle + _resize_like(coarse, middle)
        fine = fine + _resize_like(middle, fine)
        middle = middle + _resize_like(fine, middle)
        coarse = coarse + _resize_like(middle, coarse)
        return [fine, middle, coarse]


def _resize_like(x: Tensor, target: Tensor) -> Tensor:
    return F.interpolate(x, size=target.shape[-2:], mode="bilinear", align_corners=False)
