"""LoRA: training, merging, storing in int8, and loading a base file."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from app.language.decoding import Engine, EngineConfig
from app.language.embedded.smollm import SmolLM
from app.language.embedded.weights import (
    LORA_TARGETS,
    add_lora,
    dequantise_state,
    load_decoder,
    load_lora,
    load_smollm,
    lora_state,
    merge_lora,
    quantise_state,
)
from tests.fakes import tiny_language_model

EMBEDDINGS = torch.randn(1, 12, 24, generator=torch.Generator().manual_seed(3))
POSITIONS = torch.arange(12)[None]


def adapted_model() -> SmolLM:
    """A tiny model whose LoRA has been changed from its start."""
    model = tiny_language_model()
    generator = torch.Generator().manual_seed(4)
    for parameter in add_lora(model, rank=3, alpha=6.0):
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.2
    return model


def save_tiny_base(path: Path) -> Path:
    model = tiny_language_model()
    state = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    save_file(state, path, metadata=model.config.to_metadata())
    return path


def test_a_fresh_lora_changes_nothing() -> None:
    model = tiny_language_model()
    before = model(EMBEDDINGS, POSITIONS)
    add_lora(model, rank=2, alpha=4.0)
    assert torch.equal(model(EMBEDDINGS, POSITIONS), before)


def test_only_the_lora_is_trainable_and_every_target_has_one() -> None:
    model = tiny_language_model()
    trainable = add_lora(model, rank=2, alpha=4.0)
    names = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    assert len(trainable) == len(names) == 2 * 2 * len(LORA_TARGETS)
    assert all(name.endswith((".lora_a", ".lora_b")) for name in names)
    model(EMBEDDINGS, POSITIONS).square().mean().backward()
    assert all(parameter.grad is not None for parameter in trainable)


def test_merging_equals_the_unmerged_model() -> None:
    adapted, plain = adapted_model(), tiny_language_model()
    before = plain(EMBEDDINGS, POSITIONS)
    merge_lora(plain, lora_state(adapted))
    after = plain(EMBEDDINGS, POSITIONS)
    assert not torch.allclose(after, before, atol=1e-2)
    torch.testing.assert_close(after, adapted(EMBEDDINGS, POSITIONS), atol=1e-4, rtol=1e-4)


def test_training_goes_on_from_a_state() -> None:
    adapted, resumed = adapted_model(), tiny_language_model()
    add_lora(resumed, rank=3, alpha=3.0)
    load_lora(resumed, lora_state(adapted))
    torch.testing.assert_close(resumed(EMBEDDINGS, POSITIONS), adapted(EMBEDDINGS, POSITIONS), atol=1e-5, rtol=1e-5)


def test_a_state_that_does_not_fit_is_refused() -> None:
    model = tiny_language_model()
    with pytest.raises(ValueError, match="no LoRA tensors"):
        merge_lora(model, {"connector.soft": torch.zeros(2, 2)})
    with pytest.raises(ValueError, match="layers.9.mlp.up_proj"):
        merge_lora(model, {"layers.9.mlp.up_proj.lora_a": torch.zeros(1, 24)})
    with pytest.raises(ValueError, match="rank"):
        add_lora(model, rank=0, alpha=1.0)


def test_int8_errs_by_half_a_scale_at_most(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(5)
    state = {
        "wide": torch.randn(40, 64, generator=generator) * torch.logspace(-4, 2, 40)[:, None],
        "cube": torch.randn(8, 16, 16, generator=generator),
        "zeros": torch.zeros(32, 32),
        "small": torch.randn(3, 5, generator=generator),
        "vector": torch.randn(2000, generator=generator),
        "ids": torch.arange(5),
    }
    save_file(quantise_state(state), tmp_path / "state.safetensors")
    stored = load_file(tmp_path / "state.safetensors")
    assert {name for name, tensor in stored.items() if tensor.dtype == torch.int8} == {"wide", "cube", "zeros"}
    restored = dequantise_state(stored)
    assert restored.keys() == state.keys()
    for name in ("wide", "cube", "zeros"):
        rows, error = state[name].flatten(1), (restored[name] - state[name]).flatten(1)
        bound = rows.abs().amax(dim=1) / 127 * 0.57 + 2.0**-24  # half a scale, and float16's rounding of the scale
        assert (error.abs().amax(dim=1) <= bound).all(), name
    torch.testing.assert_close(restored["small"], state["small"], atol=1e-3, rtol=1e-3)
    assert torch.equal(restored["ids"], state["ids"])


def test_a_base_file_is_loaded_frozen_and_whole(tmp_path: Path) -> None:
    model = load_smollm(save_tiny_base(tmp_path / "base.safetensors"))
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert not model.training
    assert torch.equal(model(EMBEDDINGS, POSITIONS), tiny_language_model()(EMBEDDINGS, POSITIONS))


def test_a_decoder_is_loaded_with_its_lora(tmp_path: Path) -> None:
    adapted = adapted_model()
    decoder = load_decoder(save_tiny_base(tmp_path / "base.safetensors"), lora_state(adapted), precision="float32")
    hidden = decoder.forward(EMBEDDINGS[0], decoder.new_cache(12))
    torch.testing.assert_close(hidden, adapted(EMBEDDINGS, POSITIONS)[0], atol=1e-4, rtol=1e-4)
    engine = Engine(decoder, EngineConfig(max_tokens=64))
    engine.prefill(EMBEDDINGS[0])
    assert len(list(engine.decode_greedy((), 4))) == 4
