"""The networks as they run when speaking, beside their plain definitions: same weights, same draws, same results."""

import pytest
import torch
from torch import Tensor

from app.speech.flash_speaker import FlashSpeaker
from app.speech.inference import AcousticEngine, Block, Precision, Product, VocoderEngine, best_precision
from app.speech.mel import HOP, NUM_MELS
from app.speech.network import (
    AcousticModel,
    ConvBlock,
    FrameTrack,
    Vocoder,
    VocoderConfig,
    encode_pitch,
    expand,
    sample,
)
from app.speech.speaker import SpeakOptions
from app.speech.voices import WEIGHTS
from app.speech.weights import ACOUSTIC_FILE, VOCODER_FILE, load_acoustic, load_vocoder

needs_int8 = pytest.mark.skipif(best_precision() != "int8", reason="this processor has no 8-bit products")


def relative_error(got: Tensor, want: Tensor) -> float:
    return float((got - want).norm() / want.norm())


@pytest.fixture(scope="module")
def acoustic() -> AcousticModel:
    return load_acoustic(WEIGHTS / ACOUSTIC_FILE)


@pytest.fixture(scope="module")
def vocoder() -> Vocoder:
    return load_vocoder(WEIGHTS / VOCODER_FILE)


def utterance_of(model: AcousticModel, num_frames_each: int = 4) -> tuple[Tensor, Tensor, Tensor]:
    """(ids [1, 30], durations [1, 30], voice [1, D])."""
    ids = torch.randint(1, model.config.num_symbols, (1, 30), generator=torch.Generator().manual_seed(1))
    return ids, torch.full((1, 30), num_frames_each), model.default_voice[None]


@pytest.mark.parametrize("num", [1, 2, 5, 40])
@pytest.mark.parametrize("dilation", [1, 4])
def test_a_block_equals_its_definition(num: int, dilation: int) -> None:
    torch.manual_seed(num)
    plain = ConvBlock(8, dilation=dilation, condition_width=6).eval().requires_grad_(False)
    x, condition = torch.randn(1, num, 8), torch.randn(1, 6)
    fast = Block(plain, "float32")
    wanted = plain(x, torch.ones(1, num, 1), condition)
    assert torch.allclose(fast(x, fast.style(condition)), wanted, atol=1e-5)


def test_a_block_in_pieces_equals_the_block_at_once() -> None:
    torch.manual_seed(0)
    block = Block(ConvBlock(8).eval().requires_grad_(False), "float32")
    x = torch.randn(1, 21, 8)
    pieces = [block(x[:, :9], after=3), block(x[:, 3:21], before=3, after=1), block(x[:, 17:], before=3)]
    assert torch.allclose(torch.cat(pieces, dim=1), block(x), atol=1e-5)


@needs_int8
@pytest.mark.parametrize("num_frames", [1, 7, 200])
def test_a_product_in_8_bits_is_close_and_leaves_the_engine_setting_alone(num_frames: int) -> None:
    torch.manual_seed(0)
    before = torch.backends.quantized.engine
    weight, bias, gain, x = torch.randn(33, 64), torch.randn(33), torch.rand(33), torch.randn(1, num_frames, 64)
    wanted = (x @ weight.T + bias) * gain
    assert relative_error(Product(weight, bias, "int8", gain)(x), wanted) < 0.02
    assert torch.allclose(Product(weight, bias, "float32", gain)(x), wanted, atol=1e-4)
    assert torch.backends.quantized.engine == before


def plain_mel(model: AcousticModel, steps: int) -> tuple[Tensor, Tensor]:
    """(pitch, latent) by the definition, with the draws of seed 3."""
    ids, durations, voice = utterance_of(model)
    text = model.encode(ids, torch.ones(1, 30, 1), voice)
    features, mask = expand(text, durations, 120)
    pitch, state = model.pitch(features, mask, voice)
    generator = torch.Generator().manual_seed(3)
    rest = sample(model.pitch_refiner, state, voice, mask, 1, generator)
    pitch = torch.cat([pitch[..., :1] + 0.1 * rest, (pitch[..., 1:] > 0).float()], dim=-1)
    coarse, condition = model.coarse(FrameTrack(features, pitch, mask), voice)
    return pitch, model.with_details(sample(model.mel_net, condition, voice, mask, steps, generator), coarse)


def fast_mel(model: AcousticModel, steps: int, precision: Precision) -> tuple[Tensor, Tensor]:
    """The same by the engine."""
    ids, durations, voice = utterance_of(model)
    engine = AcousticEngine(model, precision)
    styles = engine.styles(voice)
    features, _ = expand(engine.encode(ids, styles), durations, 120)
    pitch, state = engine.pitch(features, styles)
    generator = torch.Generator().manual_seed(3)
    rest = engine.sample("pitch", state, styles, 1, generator)
    pitch = torch.cat([pitch[..., :1] + 0.1 * rest, (pitch[..., 1:] > 0).float()], dim=-1)
    coarse, condition = engine.coarse(features, pitch, styles)
    return pitch, model.with_details(engine.sample("mel", condition, styles, steps, generator), coarse)


@torch.inference_mode()
@pytest.mark.parametrize("steps", [1, 2])
def test_the_acoustic_engine_equals_the_model(acoustic: AcousticModel, steps: int) -> None:
    pitch, latent = plain_mel(acoustic, steps)
    fast_pitch, fast_latent = fast_mel(acoustic, steps, "float32")
    assert torch.allclose(fast_pitch, pitch, atol=1e-4)
    assert torch.allclose(fast_latent, latent, atol=1e-4)


@needs_int8
@torch.inference_mode()
def test_8_bits_move_no_pitch_and_the_mel_by_less_than_5_percent(acoustic: AcousticModel) -> None:
    pitch, latent = plain_mel(acoustic, 2)
    fast_pitch, fast_latent = fast_mel(acoustic, 2, "int8")
    assert torch.allclose(fast_pitch, pitch, atol=1e-4)
    assert relative_error(fast_latent, latent) < 0.05


@torch.inference_mode()
def test_durations_equal_the_model(acoustic: AcousticModel) -> None:
    ids, _, voice = utterance_of(acoustic)
    mask = torch.ones(1, 30, 1)
    engine = AcousticEngine(acoustic, best_precision())
    styles = engine.styles(voice)
    wanted, state = acoustic.durations(acoustic.encode(ids, mask, voice), mask, voice)
    found, fast_state = engine.durations(engine.encode(ids, styles), styles)
    assert torch.allclose(found, wanted, atol=1e-4)
    draws = torch.Generator().manual_seed(1), torch.Generator().manual_seed(1)
    rest = engine.sample("durations", fast_state, styles, 1, draws[0])
    assert torch.allclose(rest, sample(acoustic.duration_refiner, state, voice, mask, 1, draws[1]), atol=1e-4)


def mel_and_f0(num_frames: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(num_frames)
    f0 = torch.linspace(150, 250, num_frames)[None].clone()
    f0[:, num_frames // 3 : num_frames // 2] = 0
    return 0.3 * torch.randn(1, num_frames, NUM_MELS, generator=generator), f0


@torch.inference_mode()
@pytest.mark.parametrize(("num_frames", "ends"), [(3, [3]), (30, [30]), (41, [40, 41]), (200, [40, 160, 200])])
def test_the_vocoder_engine_in_stretches_equals_the_vocoder_at_once(
    vocoder: Vocoder, num_frames: int, ends: list[int]
) -> None:
    mel, f0 = mel_and_f0(num_frames)
    wanted = vocoder(mel, encode_pitch(f0), f0, torch.ones(1, num_frames, 1), torch.Generator().manual_seed(5))[0]
    stretches = list(VocoderEngine(vocoder, "float32").stream(mel, f0, ends, 5))
    assert [len(stretch) for stretch in stretches] == [
        (end - start) * HOP for start, end in zip([0, *ends], ends, strict=False)
    ]
    assert torch.allclose(torch.cat(stretches), wanted, atol=1e-4 * float(wanted.abs().max()))


@needs_int8
@torch.inference_mode()
def test_the_vocoder_in_8_bits_stays_20_db_above_its_error(vocoder: Vocoder) -> None:
    mel, f0 = mel_and_f0(160)
    wanted = torch.cat(list(VocoderEngine(vocoder, "float32").stream(mel, f0, [160], 5)))
    found = torch.cat(list(VocoderEngine(vocoder, "int8").stream(mel, f0, [160], 5)))
    assert relative_error(found, wanted) < 0.1


def test_any_stretches_give_the_same_sound() -> None:
    torch.manual_seed(0)
    engine = VocoderEngine(Vocoder(VocoderConfig(width=16, num_blocks=3, num_front_blocks=1)).eval(), "float32")
    mel, f0 = mel_and_f0(90)
    with torch.inference_mode():
        takes = [torch.cat(list(engine.stream(mel, f0, ends, 2))) for ends in ([90], [1, 2, 3, 90], [88, 89, 90])]
    assert torch.allclose(takes[0], takes[1], atol=1e-5)
    assert torch.allclose(takes[0], takes[2], atol=1e-5)


def test_precision_moves_no_frame(acoustic: AcousticModel, vocoder: Vocoder, flash: FlashSpeaker) -> None:
    speakers = [FlashSpeaker(acoustic, vocoder, flash._phonemizer, precision=p) for p in ("float32", best_precision())]
    takes = [speaker.utterance("There are two cats by the door.", SpeakOptions(seed=4)) for speaker in speakers]
    assert torch.equal(takes[0].durations, takes[1].durations)
    assert torch.allclose(takes[0].pitch, takes[1].pitch, atol=1e-4)
