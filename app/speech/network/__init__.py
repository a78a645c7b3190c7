"""The networks of FlashSpeech: the acoustic model (text and prompt to mel) and the vocoder (mel to audio)."""

from app.speech.network.acoustic import (
    DURATION_SCALE,
    PITCH_SCALE,
    AcousticConfig,
    AcousticModel,
    FrameTrack,
    decode_pitch,
    encode_pitch,
    expand,
)
from app.speech.network.blocks import ConvBlock, SharedAttention, mask_of
from app.speech.network.consistency import (
    SIGMA_BETWEEN,
    SIGMA_DATA,
    SIGMA_MAX,
    SIGMA_MIN,
    ConsistencyNet,
    sample,
)
from app.speech.network.vocoder import (
    MAX_LOG,
    Vocoder,
    VocoderConfig,
    draw_noise,
    render,
    source_spectrum,
    synthesise,
)

__all__ = [
    "DURATION_SCALE",
    "MAX_LOG",
    "PITCH_SCALE",
    "SIGMA_BETWEEN",
    "SIGMA_DATA",
    "SIGMA_MAX",
    "SIGMA_MIN",
    "AcousticConfig",
    "AcousticModel",
    "ConsistencyNet",
    "ConvBlock",
    "FrameTrack",
    "SharedAttention",
    "Vocoder",
    "VocoderConfig",
    "decode_pitch",
    "draw_noise",
    "encode_pitch",
    "expand",
    "mask_of",
    "render",
    "sample",
    "source_spectrum",
    "synthesise",
]
