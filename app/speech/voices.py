"""Opens a voice by its name: default, flashspeech, hibari, or a recording to speak like.

In: a name. Out: a Speaker. In the thread that will speak.
"""

from pathlib import Path

from app.speech.errors import PromptError, VoiceMissingError
from app.speech.flash_speaker import FlashSpeaker
from app.speech.hibari_speaker import HibariSpeaker
from app.speech.prompts import read_prompt
from app.speech.speaker import Speaker
from app.speech.weights import ACOUSTIC_FILE, VOCODER_FILE

__all__ = ["DEFAULT_VOICE", "WEIGHTS", "has_trained_voice", "open_voice"]

# Ours while it passes the floors of bench/speech_quality.py (WER 8 %, DistillMOS 3.0); else "hibari": docs/SPEECH.md.
DEFAULT_VOICE = "flashspeech"
WEIGHTS = Path(__file__).resolve().parents[2] / "assets" / "models"


def has_trained_voice(folder: Path = WEIGHTS) -> bool:
    """Whether both files of FlashSpeech's own voice are there."""
    return (folder / ACOUSTIC_FILE).is_file() and (folder / VOCODER_FILE).is_file()


def open_voice(name: str, folder: Path = WEIGHTS) -> Speaker:
    """`hibari`; `flashspeech`: our own trained voice; `default`: what DEFAULT_VOICE names; else a recording's path.

    Raises VoiceMissingError without the weights that the voice needs, and PromptError for a recording of no use.
    """
    name = DEFAULT_VOICE if name == "default" else name
    if name == "hibari":
        return HibariSpeaker()
    if name != "flashspeech" and not Path(name).is_file():
        raise PromptError(f"There is no recording at {name}; give a file, or one of: default, flashspeech, hibari.")
    if not has_trained_voice(folder):
        raise VoiceMissingError(
            "FlashSpeech's own voice is not in assets/models; speak with `--voice hibari`, or restore its two files."
        )
    return FlashSpeaker.open(folder, None if name == "flashspeech" else read_prompt(Path(name)))
