"""Weights of the embedded language model: loading the base, adding and merging LoRA, storing it in int8.

In and out: safetensors files and modules. A LoRA state is a plain dict `{linear name + ".lora_a" | ".lora_b": tensor}`
with the scale alpha / rank already multiplied into `lora_b`, so that the product of the two is the change itself.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional

from app.language.decoding import FusedDecoder, Precision, best_precision
from app.language.embedded.smollm import SmolLM, SmolLMConfig

__all__ = [
    "LORA_TARGETS",
    "LoraLinear",
    "add_lora",
    "dequantise_state",
    "load_decoder",
    "load_lora",
    "load_smollm",
    "lora_state",
    "merge_lora",
    "quantise_state",
]

LORA_TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")

_SCALE_SUFFIX = ".int8_scale"
_MIN_QUANTISED_ELEMENTS = 1024
_SMALLEST_SCALE = 2.0**-24  # the smallest float16 above zero: a row of zeros must not divide by zero


def load_smollm(path: Path, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> SmolLM:
    """The base model from a converted file, in evaluation mode, all parameters frozen."""
    with safe_open(path, framework="pt") as file:
        config = SmolLMConfig.from_metadata(file.metadata())
        state = {name.removeprefix("model."): file.get_tensor(name).to(device, dtype) for name in file.keys()}  # noqa: SIM118
    with torch.device("meta"):
        model = SmolLM(config)
    model.load_state_dict(state, assign=True)
    return model.requires_grad_(False).eval()


def load_decoder(
    path: Path,
    lora: Mapping[str, Tensor] | None = None,
    device: torch.device | str = "cpu",
    precision: Precision | None = None,
) -> FusedDecoder:
    """The base model with a LoRA state merged in, arranged for inference; the fastest precision unless one is named."""
    precision = precision or best_precision(device)
    model = load_smollm(path, device, torch.bfloat16 if precision == "bfloat16" else torch.float32)
    if lora is not None:
        merge_lora(model, lora)
    return FusedDecoder(model.config, model.state_dict(), precision)


class LoraLinear(nn.Module):
    """A frozen linear layer plus a trainable low-rank change: x W^T + scale * (x A^T) B^T; A and B are float32.

    In training mode `dropout` of the numbers that go into the change are left out (Hu et al. 2021, LoRA, section 5).
    """

    def __init__(self, base: nn.Linear, rank: int, alpha: float, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        device = base.weight.device
        self.base = base
        self.scale = alpha / rank
        self.lora_a = nn.Parameter(torch.empty(rank, base.in_features, device=device))
        self.lora_b = nn.Parameter(torch.zeros(base.out_features, rank, device=device))
        nn.init.kaiming_uniform_(self.lora_a, a=5**0.5)

    def forward(self, x: Tensor) -> Tensor:
        change = functional.linear(functional.linear(self.dropout(x), self.lora_a.to(x.dtype)), self.lora_b.to(x.dtype))
        return self.base(x) + change * self.scale


def add_lora(model: nn.Module, rank: int, alpha: float, dropout: float = 0.0) -> list[nn.Parameter]:
    """Wrap every target linear layer in place, freeze all else; returns the trainable parameters."""
    if rank < 1:
        raise ValueError(f"rank must be >= 1, got {rank}")
    model.requires_grad_(False)
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if name in LORA_TARGETS and isinstance(child, nn.Linear):
                setattr(parent, name, LoraLinear(child, rank, alpha, dropout))
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def lora_state(model: nn.Module) -> dict[str, Tensor]:
    """The LoRA of a model prepared by `add_lora`: float32 on the CPU, the scale inside `lora_b`."""
    state = {}
    for name, module in model.named_modules():
        if isinstance(module, LoraLinear):
            state[f"{name}.lora_a"] = module.lora_a.detach().float().cpu()
            state[f"{name}.lora_b"] = (module.lora_b.detach().float() * module.scale).cpu()
    return state


@torch.no_grad()
def load_lora(model: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Copy a LoRA state into a model prepared by `add_lora` of the same rank, to go on training."""
    for name, module in model.named_modules():
        if isinstance(module, LoraLinear):
            module.lora_a.copy_(state[f"{name}.lora_a"])
            module.lora_b.copy_(state[f"{name}.lora_b"] / module.scale)


@torch.no_grad()
def merge_lora(model: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Add a LoRA state to the weights of a plain model, in place; the sum is made in float32."""
    modules = dict(model.named_modules())
    names = {key.rpartition(".")[0] for key in state if key.endswith((".lora_a", ".lora_b"))}
    if not names:
        raise ValueError("the state holds no LoRA tensors (names that end in .lora_a and .lora_b)")
    for name in sorted(names):
        layer = modules.get(name)
        if not isinstance(layer, nn.Linear):
            raise ValueError(f"the model has no linear layer {name!r} to merge a LoRA into")
        weight = layer.weight
        change = state[f"{name}.lora_b"].float() @ state[f"{name}.lora_a"].float()
        weight.copy_(weight.float() + change.to(weight.device))


def quantise_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Float tensors with two or more axes become int8 with one float16 scale per row (their first axis), stored beside
    them under `name + ".int8_scale"`; small tensors become float16; whole numbers stay as they are.
    """
    stored: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if not tensor.is_floating_point():
            stored[name] = tensor.cpu().contiguous()
        elif tensor.dim() < 2 or tensor.numel() < _MIN_QUANTISED_ELEMENTS:
            stored[name] = tensor.half().cpu().contiguous()
        else:
            rows = tensor.detach().float().cpu().flatten(1)
            scale = (rows.abs().amax(dim=1, keepdim=True) / 127).clamp_min(_SMALLEST_SCALE).half()
            codes = (rows / scale.float()).round().clamp(-127, 127).to(torch.int8)
            stored[name] = codes.reshape(tensor.shape).contiguous()
            stored[name + _SCALE_SUFFIX] = scale.flatten().contiguous()
    return stored


def dequantise_state(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The inverse of `quantise_state`, all floats as float32; the error is at most about half a scale per element."""
    state = {}
    for name, tensor in stored.items():
        if name.endswith(_SCALE_SUFFIX):
            continue
        scale = stored.get(name + _SCALE_SUFFIX)
        if scale is not None:
            rows = tensor.float().flatten(1) * scale.float()[:, None]
            state[name] = rows.reshape(tensor.shape)
        else:
            state[name] = tensor.float() if tensor.is_floating_point() else tensor
    return state
