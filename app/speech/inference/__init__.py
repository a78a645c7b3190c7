"""The networks as they run when speaking: the same results as `app.speech.network`, in less time."""

from app.speech.inference.acoustic import AcousticEngine, Denoiser, VoiceStyles
from app.speech.inference.layers import Attention, Block, Convolution, Precision, Product, Style, best_precision
from app.speech.inference.vocoder import VocoderEngine

__all__ = [
    "AcousticEngine",
    "Attention",
    "Block",
    "Convolution",
    "Denoiser",
    "Precision",
    "Product",
    "Style",
    "VocoderEngine",
    "VoiceStyles",
    "best_precision",
]
