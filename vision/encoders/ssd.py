"""SSD-MobileNetV2 of Open Images, a one-stage detector of 23 everyday classes: a picture in, scores and boxes out.

In: float32 [B, 3, 300, 300], RGB in -1..1 (`normalise_for_ssd`). Out: class probabilities [B, 1917, 24], whose class 0
is background, and box codes [B, 1917, 4] beside the anchors of `anchor_boxes`. Frozen weights, any thread; one module
is used by one thread at a time.

Architecture: Sandler et al. 2018, MobileNetV2, with the SSD head of TensorFlow's Object Detection API (Apache-2.0).
Batch norms are folded into the weights; padding is TensorFlow's, which puts the odd pixel at the right and the bottom.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["CLASSES", "SIDE_PX", "SSDMobileNetV2", "anchor_boxes", "decode_codes", "normalise_for_ssd"]

SIDE_PX = 300
CLASSES = (
    "background", "bicycle", "boot", "laptop", "person", "chair", "cattle", "desk", "cat", "computer mouse",
    "computer monitor", "box", "mug", "coffee cup", "stationary bicycle", "table", "bottle", "high heels", "vehicle",
    "footwear", "dog", "book", "camera", "car",
)  # fmt: skip
CELLS = (19, 10, 5, 3, 2, 1)  # a side, of the six maps that give boxes
_SCALES = (0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1.0)
_RATIOS = (1.0, 2.0, 0.5, 3.0, 1.0 / 3.0)
_FIRST_ANCHORS = 3
_ANCHORS = 6
_CODE_SCALES = (10.0, 10.0, 5.0, 5.0)  # of y, x, height, width
# expansion, width, blocks, stride of the first
_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
_EXTRA_WIDTHS = ((256, 512), (128, 256), (128, 256), (64, 128))
_FINE_BLOCK = 13  # the block whose expanded input gives the finest boxes
_LAST_WIDTH = 1280


def normalise_for_ssd(images: Tensor) -> Tensor:
    """uint8 RGB [B, H, W, 3] -> float32 [B, 3, H, W] in -1..1."""
    return (images.float() / 127.5 - 1.0).permute(0, 3, 1, 2)


class SameConv(nn.Module):
    """A convolution padded as TensorFlow does, then a rectifier that stops at 6."""

    def __init__(self, width_in: int, width_out: int, size: int = 1, stride: int = 1, groups: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(width_in, width_out, size, stride, groups=groups)
        self.size, self.stride = size, stride

    def forward(self, x: Tensor) -> Tensor:
        if self.size > 1:
            x = F.pad(x, (*self._margins(x.shape[3]), *self._margins(x.shape[2])))
        return F.relu6(self.conv(x))

    def _margins(self, length: int) -> tuple[int, int]:
        total = max((math.ceil(length / self.stride) - 1) * self.stride + self.size - length, 0)
        return total // 2, total - total // 2


class InvertedResidual(nn.Module):
    """Expand, filter each channel on its own, project; added to its input where the shapes agree."""

    def __init__(self, width_in: int, width_out: int, expansion: int, stride: int):
        super().__init__()
        wide = width_in * expansion
        self.expand = SameConv(width_in, wide) if expansion > 1 else nn.Identity()
        self.depthwise = SameConv(wide, wide, size=3, stride=stride, groups=wide)
        self.project = nn.Conv2d(wide, width_out, 1)
        self.is_residual = stride == 1 and width_in == width_out

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The block's output, and its expanded input."""
        expanded = self.expand(x)
        projected = self.project(self.depthwise(expanded))
        return x + projected if self.is_residual else projected, expanded


class SSDMobileNetV2(nn.Module):
    """The whole detector; `decode_codes` turns codes into boxes."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv(3, 32, size=3, stride=2)
        blocks, width = [], 32
        for expansion, width_out, num_blocks, stride in _STAGES:
            for number in range(num_blocks):
                blocks.append(InvertedResidual(width, width_out, expansion, stride if number == 0 else 1))
                width = width_out
        self.blocks = nn.ModuleList(blocks)
        self.last = SameConv(width, _LAST_WIDTH)
        extras, widths = [], [96 * 6, _LAST_WIDTH]
        for narrow, wide in _EXTRA_WIDTHS:
            extras.append(nn.Sequential(SameConv(widths[-1], narrow), SameConv(narrow, wide, size=3, stride=2)))
            widths.append(wide)
        self.extras = nn.ModuleList(extras)
        anchors = [_FIRST_ANCHORS, *[_ANCHORS] * (len(widths) - 1)]
        self.codes = nn.ModuleList(nn.Conv2d(w, 4 * n, 1) for w, n in zip(widths, anchors, strict=True))
        self.scores = nn.ModuleList(nn.Conv2d(w, len(CLASSES) * n, 1) for w, n in zip(widths, anchors, strict=True))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        x, maps = self.stem(images), []
        for number, block in enumerate(self.blocks):
            x, expanded = block(x)
            if number == _FINE_BLOCK:
                maps.append(expanded)
        maps.append(self.last(x))
        for extra in self.extras:
            maps.append(extra(maps[-1]))
        scores = [_by_anchor(head(one), len(CLASSES)) for head, one in zip(self.scores, maps, strict=True)]
        codes = [_by_anchor(head(one), 4) for head, one in zip(self.codes, maps, strict=True)]
        return torch.cat(scores, dim=1).sigmoid(), torch.cat(codes, dim=1)


def anchor_boxes() -> Tensor:
    """float32 [1917, 4]: centre y, centre x, height, width of every anchor, as fractions of the picture."""
    boxes = []
    for level, cells in enumerate(CELLS):
        scale, next_scale = _SCALES[level], _SCALES[level + 1]
        shapes = [(scale / ratio**0.5, scale * ratio**0.5) for ratio in _RATIOS]
        shapes = [(0.1, 0.1), *shapes[1:3]] if level == 0 else [*shapes, ((scale * next_scale) ** 0.5,) * 2]
        for row in range(cells):
            for column in range(cells):
                boxes += [((row + 0.5) / cells, (column + 0.5) / cells, height, width) for height, width in shapes]
    return torch.tensor(boxes)


def decode_codes(codes: Tensor, anchors: Tensor) -> Tensor:
    """codes, anchors: [N, 4] -> boxes float32 [N, 4]: left, top, right, bottom as fractions, within the picture."""
    moves = codes / torch.tensor(_CODE_SCALES, device=codes.device)
    centres = anchors[:, :2] + moves[:, :2] * anchors[:, 2:]
    halves = anchors[:, 2:] * moves[:, 2:].clamp(-4.0, 4.0).exp() / 2
    return torch.cat((centres - halves, centres + halves), dim=1)[:, [1, 0, 3, 2]].clamp(0.0, 1.0)


def _by_anchor(maps: Tensor, width: int) -> Tensor:
    """[B, anchors * width, h, w] -> [B, h * w * anchors, width]."""
    return maps.permute(0, 2, 3, 1).flatten(1).unflatten(1, (-1, width))
