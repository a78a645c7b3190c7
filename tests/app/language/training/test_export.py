"""The shipped file: small, and close to what was trained."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from app.language.embedded.weights import dequantise_state
from app.language.training import export as exporting


def test_export_keeps_the_values_and_halves_the_size(tmp_path: Path) -> None:
    state = {"layers.0.self_attn.q_proj.lora_a": torch.randn(24, 576), "connector.soft": torch.randn(50, 576)}
    adapter, out = tmp_path / "adapter.safetensors", tmp_path / "out.safetensors"
    save_file({name: tensor.half() for name, tensor in state.items()}, adapter)
    num_bytes, digest = exporting.export(adapter, out)
    assert num_bytes == out.stat().st_size < 0.6 * adapter.stat().st_size
    assert len(digest) == 64
    back = dequantise_state(load_file(out))
    assert all((back[name] - state[name]).abs().max() < 0.05 for name in state)


def test_a_file_over_the_limit_is_refused_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "MAX_BYTES", 100)
    save_file({"connector.soft": torch.randn(50, 576).half()}, tmp_path / "adapter.safetensors")
    with pytest.raises(ValueError, match="smaller rank"):
        exporting.export(tmp_path / "adapter.safetensors", tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()
