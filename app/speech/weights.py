"""The two files of a trained voice: the acoustic model and the vocoder, in half precision with their sizes beside them.

In: a folder. Out: models in float32, ready to run, or a VoiceMissingError which says what is missing. Any thread.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from app.speech.errors import VoiceMissingError
from app.speech.network import AcousticConfig, AcousticModel, Vocoder, VocoderConfig

__all__ = ["ACOUSTIC_FILE", "VOCODER_FILE", "load_acoustic", "load_vocoder", "save_model"]

ACOUSTIC_FILE = "flashspeech_acoustic.safetensors"
VOCODER_FILE = "flashspeech_vocoder.safetensors"
Model = TypeVar("Model", bound=nn.Module)


def save_model(model: AcousticModel | Vocoder, path: Path) -> None:
    """Writes weights as float16, with the configuration in the metadata; replaces an older file in one go."""
    state = {name: tensor.detach().half().cpu().contiguous() for name, tensor in model.state_dict().items()}
    unfinished = path.with_name(f"{path.name}.part")
    save_file(state, unfinished, metadata={"config": json.dumps(asdict(model.config))})
    unfinished.replace(path)


def load_acoustic(path: Path) -> AcousticModel:
    """Raises VoiceMissingError when the file is absent or holds something else."""
    config = AcousticConfig(**_config(path))
    return _filled(AcousticModel(config), path)


def load_vocoder(path: Path) -> Vocoder:
    """Raises VoiceMissingError when the file is absent or holds something else."""
    return _filled(Vocoder(VocoderConfig(**_config(path))), path)


def _config(path: Path) -> dict[str, Any]:
    try:
        with safe_open(path, "pt") as file:
            return dict(json.loads(file.metadata()["config"]))
    except (OSError, SafetensorError, KeyError, TypeError) as error:
        raise VoiceMissingError(
            f"There is no trained voice in {path.name}; speak with the voice hibari, or restore the file."
        ) from error


def _filled(model: Model, path: Path) -> Model:
    with safe_open(path, "pt") as file:
        state = {name: file.get_tensor(name).to(torch.float32) for name in file.keys()}  # noqa: SIM118
    model.load_state_dict(state)
    return model.eval().requires_grad_(False)
