"""Properties of the networks that training and streaming rest on."""

import pytest
import torch

from app.speech.mel import HOP, SAMPLE_RATE, log_mel, mel_filters
from app.speech.network import (
    SIGMA_MIN,
    AcousticConfig,
    AcousticModel,
    ConsistencyNet,
    Vocoder,
    VocoderConfig,
    decode_pitch,
    encode_pitch,
    expand,
    mask_of,
    sample,
    synthesise,
)
from tests.app.speech.conftest import small_acoustic


def test_model_s_has_the_size_that_two_small_files_allow() -> None:
    parts = AcousticModel(AcousticConfig()), Vocoder(VocoderConfig())
    sizes = [sum(p.numel() for p in part.parameters()) * 2 / 1e6 for part in parts]  # MB in float16
    assert max(sizes) < 16
    assert sum(sizes) <= 19


def test_phonemes_are_repeated_for_their_frames() -> None:
    text = torch.tensor([[[1.0], [2.0], [3.0]], [[4.0], [5.0], [0.0]]])
    frames, mask = expand(text, torch.tensor([[2, 1, 3], [1, 2, 0]]), 6)
    assert frames[0, :, 0].tolist() == [1, 1, 2, 3, 3, 3]
    assert frames[1, :3, 0].tolist() == [4, 5, 5]
    assert mask[..., 0].tolist() == [[1] * 6, [1, 1, 1, 0, 0, 0]]
    assert frames[0, 3:, 1].tolist() == pytest.approx([1 / 6, 1 / 2, 5 / 6])


def test_pitch_survives_its_encoding() -> None:
    f0 = torch.tensor([[0.0, 90.0, 180.0, 400.0]])
    assert torch.allclose(decode_pitch(encode_pitch(f0)), f0, rtol=1e-4)


def test_at_the_lowest_level_a_consistency_model_is_the_identity() -> None:
    torch.manual_seed(0)
    net = ConsistencyNet(4, 3, 8, 8, 2)
    torch.nn.init.normal_(net.out.weight)
    x, mask = torch.randn(2, 5, 4), torch.ones(2, 5, 1)
    with torch.no_grad():
        out = net(x, torch.full((2,), SIGMA_MIN), torch.randn(2, 5, 3), torch.randn(2, 8), mask)
    assert torch.allclose(out, x, atol=1e-6)


def test_sampling_takes_one_or_two_steps_only() -> None:
    net = ConsistencyNet(4, 3, 8, 8, 1)
    args = (torch.randn(1, 5, 3), torch.randn(1, 8), torch.ones(1, 5, 1))
    assert sample(net, *args, 2).shape == (1, 5, 4)
    with pytest.raises(ValueError, match="steps"):
        sample(net, *args, 3)


def test_padding_never_reaches_what_is_real() -> None:
    model = small_acoustic()
    ids = torch.randint(1, 100, (1, 7))
    voice = torch.randn(1, model.config.width)
    padded = torch.cat([ids, torch.randint(1, 100, (1, 5))], dim=1)
    with torch.no_grad():
        short = model.encode(ids, torch.ones(1, 7, 1), voice)
        long = model.encode(padded, mask_of(torch.tensor([7]), 12), voice)
    assert torch.allclose(short, long[:, :7], atol=1e-5)


def test_the_source_alone_sounds_at_its_f0() -> None:
    """All predicted parts silent but the harmonic one: the spectrum's peaks are multiples of F0."""
    parts = torch.full((1, 80, 5 * 601), -20.0)
    parts[..., :601] = -2.0
    parts[..., 601:1202] = 0.0
    audio = synthesise(parts, torch.full((1, 80), 200.0))
    assert audio.shape == (1, 80 * HOP)
    spectrum = torch.fft.rfft(audio[0, 4800:14400] * torch.hann_window(9600)).abs()
    hz = torch.fft.rfftfreq(9600, 1 / SAMPLE_RATE)
    peaks = hz[spectrum.topk(10).indices]
    assert ((peaks / 200 - (peaks / 200).round()).abs() * 200 <= 3).all()


def test_mel_of_a_tone_peaks_at_its_bin() -> None:
    tone = torch.sin(2 * torch.pi * 1000 * torch.arange(SAMPLE_RATE) / SAMPLE_RATE)[None]
    mel = log_mel(tone)
    assert mel.shape == (1, 80, 100)
    centre = mel_filters(100, 1200, SAMPLE_RATE, 12_000.0)[:, 50].argmax()  # bin 50 is 1 kHz
    assert mel[0, 40].argmax() == centre
