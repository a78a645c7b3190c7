"""How the real source, encoder, memory and LMM are made, each by the thread that will use it.

Comes in: the configuration. Goes out: the opened part, or an error with a sentence. Heavy libraries are imported when a
function is called, not before: `ask` with a wrong path must not wait for torch.
"""

from typing import TYPE_CHECKING

from app.config import AssistantConfig
from app.errors import WeightsMissingError

if TYPE_CHECKING:
    from app.assets_store import AssetPaths
    from app.encoder import Encoder, Layout
    from app.hearing import Recogniser
    from app.language.lmm import LMM
    from app.speech import Speaker
    from memory import MemoryConfig, StreamMemory
    from vision.sources import Source

__all__ = [
    "is_recogniser_here",
    "load_encoder",
    "load_lmm",
    "load_recogniser",
    "load_speaker",
    "make_memory",
    "make_source",
    "memory_config",
]


def make_source(config: AssistantConfig) -> "Source":
    """The owner's source, not yet opened. An address that names no user gets the one of the configuration's file, or of
    the environment. Raises SourceOpenError if the text names no source.
    """
    from vision.sources import credentials_from_environment, credentials_from_file, open_source

    path = config.credentials_file
    credentials = credentials_from_environment() if path is None else credentials_from_file(path)
    return open_source(config.source, config.capture.reading, credentials=credentials)


def load_encoder() -> "Encoder":
    """The embedded vision encoder. Raises WeightsMissingError, or vision's ModelMissingError."""
    paths = _asset_paths()
    from vision.encoders import SemanticEncoder

    return SemanticEncoder(paths.efficientnet_lite2.parent)


def load_lmm() -> "LMM":
    """The embedded LMM. Raises WeightsMissingError."""
    paths = _asset_paths()
    from app.language.embedded import load

    return load(paths)


def load_speaker(voice: str) -> "Speaker":
    """A voice by its name. Raises VoiceMissingError or PromptError."""
    from app.speech import open_voice

    return open_voice(voice)


def is_recogniser_here() -> bool:
    """Whether the model that writes down spoken questions need not be fetched."""
    from app.assets_store import SPEECH_RECOGNITION, check_assets

    return all(state.is_usable for state in check_assets(packages=(SPEECH_RECOGNITION,)))


def load_recogniser() -> "Recogniser":
    """Speech recognition; its model is fetched when it is not there. Raises SetupError with a sentence."""
    from app.assets_store import SPEECH_RECOGNITION, WHISPER_FOLDER, cache_dir, ensure_assets

    ensure_assets(packages=(SPEECH_RECOGNITION,))
    from app.hearing import open_recogniser

    return open_recogniser(cache_dir() / WHISPER_FOLDER)


def make_memory(config: AssistantConfig, encoder: "Encoder") -> "StreamMemory":
    """An empty memory in the shape of what the encoder gives."""
    from memory import StreamMemory

    return StreamMemory(config.memory or memory_config(encoder.layout))


def memory_config(layout: "Layout") -> "MemoryConfig":
    """The default sizes, in the shape of what an encoder of this layout gives."""
    from memory import MemoryConfig

    return MemoryConfig(
        num_tokens=layout.num_tokens,
        token_dim=layout.token_dim,
        key_dim=layout.key_dim,
        num_evidence_channels=layout.num_concepts,
    )


def _asset_paths() -> "AssetPaths":
    from app.assets_store import asset_paths, check_assets

    missing = [state.name for state in check_assets() if not state.is_usable]
    if missing:
        raise WeightsMissingError(
            f"The models are not on this machine yet ({', '.join(missing)}): run `python3 launch.py` once, "
            "with a network; `python3 launch.py doctor` shows what is there."
        )
    return asset_paths()
