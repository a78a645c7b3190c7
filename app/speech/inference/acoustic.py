"""The acoustic model for speaking: one utterance, one voice at a time; the definition is AcousticModel.

In: phoneme ids [1, T], features [1, F, D]. Out: what AcousticModel's methods of the same names give. What depends on
the voice alone is worked out once (`styles`). Prosody stays in float32, so that no frame moves; only the mel's networks
take `precision`. Any thread, one at a time.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from app.speech.inference.layers import Attention, Block, Precision, Product, Style
from app.speech.network import SIGMA_BETWEEN, SIGMA_DATA, SIGMA_MAX, SIGMA_MIN, AcousticModel, ConsistencyNet

__all__ = ["AcousticEngine", "Denoiser", "VoiceStyles"]


@dataclass(frozen=True)
class VoiceStyles:
    """The modulation of every block under one voice. `denoising` holds (network, noise level) -> styles."""

    voice: Tensor
    encoder: list[Style]
    durations: list[Style]
    pitch: list[Style]
    coarse: list[Style]
    denoising: dict[tuple[str, float], list[Style]]


class Denoiser:
    """A ConsistencyNet: `begin` reads the condition once, calls clean up at one noise level each."""

    def __init__(self, net: ConsistencyNet, precision: Precision) -> None:
        self._net = net
        self.channels = net.out.out_features
        weight = net.into.weight
        self._into_x = Product(weight[:, : self.channels], None, precision)
        self._into_condition = Product(weight[:, self.channels :], net.into.bias, precision)
        self.blocks = _blocks(net.blocks, precision)
        self._attention = Attention(net.attention, precision) if net.attention is not None else None
        self._out = Product.of(net.out, precision)

    def styles(self, voice: Tensor, sigma: float) -> list[Style]:
        condition = self._net.style(torch.tensor([sigma]).log() / 4, voice)
        return [block.style(condition) for block in self.blocks]

    def begin(self, condition: Tensor) -> Tensor:
        """condition: [1, F, C] -> what `clean` wants to know of it."""
        return self._into_condition(condition)

    def clean(self, x: Tensor, sigma: float, begun: Tensor, styles: list[Style]) -> Tensor:
        """x: [1, F, channels] with noise of standard deviation sigma -> the clean sample."""
        total = (sigma**2 + SIGMA_DATA**2) ** 0.5
        c_skip = SIGMA_DATA**2 / ((sigma - SIGMA_MIN) ** 2 + SIGMA_DATA**2)
        c_out = SIGMA_DATA * (sigma - SIGMA_MIN) / total
        h = self._into_x(x / total) + begun
        for i, (block, style) in enumerate(zip(self.blocks, styles, strict=True)):
            h = block(h, style)
            if self._attention is not None and i == len(self.blocks) // 2:
                h = self._attention(h)
        return torch.add(c_skip * x, self._out(self._net.norm(h)), alpha=c_out)


class AcousticEngine:
    """Methods are AcousticModel's, without masks."""

    def __init__(self, model: AcousticModel, precision: Precision) -> None:
        self._model = model
        self._encoder = _blocks(model.encoder, "float32")
        self._attention = Attention(model.attention, "float32")
        self._duration_blocks = _blocks(model.duration_blocks, "float32")
        self._pitch_blocks = _blocks(model.pitch_blocks, "float32")
        self._coarse_in = Product.of(model.coarse_in, precision)
        self._coarse_blocks = _blocks(model.coarse_blocks, precision)
        self._coarse_out = Product.of(model.coarse_out, precision)
        self._denoisers = {
            "mel": Denoiser(model.mel_net, precision),
            "durations": Denoiser(model.duration_refiner, "float32"),
            "pitch": Denoiser(model.pitch_refiner, "float32"),
        }

    @torch.inference_mode()
    def styles(self, voice: Tensor) -> VoiceStyles:
        """voice: [1, D]. Worth keeping as long as the voice is."""
        levels = [("mel", SIGMA_MAX), ("mel", SIGMA_BETWEEN), ("durations", SIGMA_MAX), ("pitch", SIGMA_MAX)]
        return VoiceStyles(
            voice,
            [block.style(voice) for block in self._encoder],
            [block.style(voice) for block in self._duration_blocks],
            [block.style(voice) for block in self._pitch_blocks],
            [block.style(voice) for block in self._coarse_blocks],
            {(name, sigma): self._denoisers[name].styles(voice, sigma) for name, sigma in levels},
        )

    def encode(self, ids: Tensor, styles: VoiceStyles) -> Tensor:
        """Phoneme ids [1, T] -> [1, T, D]."""
        x = _through(self._encoder, self._model.symbols(ids), styles.encoder)
        encoded: Tensor = self._model.encoder_norm(self._attention(x))
        return encoded

    def durations(self, text: Tensor, styles: VoiceStyles) -> tuple[Tensor, Tensor]:
        """(log(1 + frames) [1, T, 1], the hidden state [1, T, D])."""
        x = _through(self._duration_blocks, text, styles.durations)
        return self._model.duration_out(x), x

    def pitch(self, features: Tensor, styles: VoiceStyles) -> tuple[Tensor, Tensor]:
        """(log F0 and the logit of voicing [1, F, 2], the hidden state [1, F, D])."""
        x = _through(self._pitch_blocks, self._model.pitch_in(features), styles.pitch)
        return self._model.pitch_out(x), x

    def coarse(self, features: Tensor, pitch: Tensor, styles: VoiceStyles) -> tuple[Tensor, Tensor]:
        """(coarse latent [1, F, NUM_MELS], the condition of the mel's consistency model [1, F, ...])."""
        x = self._coarse_in(torch.cat([features, pitch], dim=-1))
        x = _through(self._coarse_blocks, x, styles.coarse)
        coarse = self._coarse_out(x)
        return coarse, torch.cat([x, coarse], dim=-1)

    def sample(
        self, name: str, condition: Tensor, styles: VoiceStyles, steps: int, generator: torch.Generator
    ) -> Tensor:
        """`network.sample` with the network "mel", "durations" or "pitch": -> [1, F, its channels]."""
        denoiser = self._denoisers[name]
        begun = denoiser.begin(condition)
        x = torch.zeros(1, condition.shape[1], denoiser.channels)
        for sigma in (SIGMA_MAX, SIGMA_BETWEEN)[:steps]:
            noisy = torch.add(x, torch.randn(x.shape, generator=generator), alpha=sigma)
            x = denoiser.clean(noisy, sigma, begun, styles.denoising[name, sigma])
        return x

    def clean_mel(self, noisy: Tensor, sigma: float, condition: Tensor, styles: VoiceStyles) -> Tensor:
        """The mel's consistency model at any noise level."""
        denoiser = self._denoisers["mel"]
        found = styles.denoising.get(("mel", sigma))
        level_styles = found if found is not None else denoiser.styles(styles.voice, sigma)
        return denoiser.clean(noisy, sigma, denoiser.begin(condition), level_styles)


def _blocks(blocks: nn.ModuleList, precision: Precision) -> list[Block]:
    return [Block(block, precision) for block in blocks]  # type: ignore[arg-type]


def _through(blocks: list[Block], x: Tensor, styles: list[Style]) -> Tensor:
    for block, style in zip(blocks, styles, strict=True):
        x = block(x, style)
    return x
