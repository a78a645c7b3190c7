"""The training of FlashSpeech at a small size: its teacher, its data, its losses, a few of its steps."""

import dataclasses
import itertools
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from app.speech.mel import HOP, log_mel
from app.speech.network import ConsistencyNet, Vocoder, VocoderConfig, sample
from app.speech.phonemes import Phonemizer, teacher_file
from app.speech.training import acoustic_stage, adversarial_stage, train
from app.speech.training.acoustic_stage import AcousticStage, read_batch
from app.speech.training.adversarial_stage import AdversarialStage
from app.speech.training.discriminators import AudioDiscriminator, FeatureDiscriminator, discriminator_loss
from app.speech.training.losses import consistency_loss, denoising_loss, num_levels, spectral_loss
from app.speech.training.onnx_weights import read_weights
from app.speech.training.pool import Pool, draw_speakers, make_pool, resample, speak_as
from app.speech.training.run import as_residual
from app.speech.training.scoring import score, sharpness
from app.speech.training.settings import tiny
from app.speech.training.teacher import Teacher, load_teacher
from app.speech.training.texts import make_sentences
from app.speech.training.vocoder_stage import Average, VocoderStage, start_from_teacher
from tests.app.speech.conftest import small_acoustic

SETTINGS = dataclasses.replace(tiny(), batch_frames=400, prompt_frames=60, crop_frames=32)


@pytest.fixture(scope="module")
def teacher() -> Teacher:
    return load_teacher(teacher_file())


@pytest.fixture(scope="module")
def phonemes(phonemizer: Phonemizer) -> list[list[int]]:
    texts = ["Two cats sat.", "No.", "It is red.", "A dog ran off.", "Yes, there.", "At nine seconds."]
    return [phonemizer.ids(phonemizer.phonemes(text)) for text in texts]


@pytest.fixture(scope="module")
def pool(teacher: Teacher, phonemes: list[list[int]]) -> Pool:
    return make_pool(teacher, phonemes, draw_speakers(2, 1), 0.5, 1, 2)


def test_teacher_speaks_as_its_own_package_does(teacher: Teacher, phonemes: list[list[int]]) -> None:
    """Not to the sample: the package also quantises activations."""
    from hibari import Hibari

    ids = phonemes[0]
    theirs = Hibari(threads=1).from_ids(ids, rng=np.random.default_rng(0))
    ours = teacher.speak(torch.tensor([ids]), torch.tensor([len(ids)]))
    assert int(ours.lengths[0]) * HOP == len(theirs)
    assert int(ours.durations.sum()) == int(ours.lengths[0])
    difference = log_mel(ours.audio) - log_mel(torch.from_numpy(theirs)[None])
    assert difference.abs().mean() < 0.35


def test_a_batch_gives_what_each_gives_alone(teacher: Teacher, phonemes: list[list[int]]) -> None:
    lengths = torch.tensor([len(phonemes[0]), len(phonemes[1])])
    ids = torch.zeros(2, int(lengths.max()), dtype=torch.long)
    for i in range(2):
        ids[i, : lengths[i]] = torch.tensor(phonemes[i])
    both = teacher.speak(ids, lengths)
    alone = teacher.speak(ids[1:, : lengths[1]], lengths[1:])
    assert both.lengths[1] == alone.lengths[0]
    frames = int(alone.lengths[0])
    assert torch.allclose(both.f0_hz[1, :frames], alone.f0_hz[0], atol=1e-2)


def test_a_larger_speaker_is_lower_and_keeps_the_tempo(teacher: Teacher, phonemes: list[list[int]]) -> None:
    ids, lengths = torch.tensor([phonemes[0]]), torch.tensor([len(phonemes[0])])
    own, low = (speak_as(teacher, ids, lengths, (size, 1.0)) for size in (1.0, 0.8))
    assert int(low.num_frames[0]) == pytest.approx(int(own.num_frames[0]), rel=0.1)
    assert int(low.durations.sum()) == int(low.num_frames[0])
    voiced = [batch.f0_hz[batch.f0_hz > 60].median().item() for batch in (own, low)]
    assert voiced[1] == pytest.approx(0.8 * voiced[0], rel=0.1)
    assert low.mel.shape[1] == low.f0_hz.shape[1] == low.audio.shape[1] // HOP


def test_resampling_moves_a_tone() -> None:
    tone = torch.sin(2 * torch.pi * 300 * torch.arange(24_000) / 24_000)[None]
    faster = resample(tone, 1.25)
    assert faster.shape[1] == 19_200
    assert torch.fft.rfft(faster[0]).abs().argmax() == 300  # cycles, of 0.8 s: 375 Hz


def test_pool_gives_padded_batches_and_prompts_of_the_speaker(pool: Pool) -> None:
    batch = pool.batch(400)
    assert batch.mel.shape[1] * HOP == batch.audio.shape[1]
    assert (batch.durations.sum(dim=1) == batch.num_frames).all()
    assert pool.prompts(batch.speaker, 60).shape == (len(batch.speaker), 60, 100)
    assert set(pool.speakers_with_prompts()) == {0, 1}


def test_sentences_are_the_same_for_the_same_seed(tmp_path: Path) -> None:
    lines = tmp_path / "lines.txt"
    lines.write_text("Only this line.\n")
    words = ["alpha", "bravo"]
    assert make_sentences(20, 3, words) == make_sentences(20, 3, words)
    assert make_sentences(20, 3, words) != make_sentences(20, 4, words)
    assert any("Only this line." in sentence for sentence in make_sentences(20, 3, words, lines))
    assert not any("{" in sentence for sentence in make_sentences(200, 5, words))


def test_levels_double_to_the_last() -> None:
    found = [num_levels(progress / 100, 10, 160) for progress in range(101)]
    assert found[0] == 11
    assert found[-1] == 161
    assert sorted(set(found)) == [11, 21, 41, 81, 161]


def test_a_consistency_model_learns_a_constant() -> None:
    """Warm start, then consistency: one step from pure noise finds the only clean sample there is."""
    torch.manual_seed(0)
    net = ConsistencyNet(2, 3, 8, 16, 1)
    clean, mask = torch.tensor([0.7, -0.4]).expand(16, 4, 2), torch.ones(16, 4, 1)
    condition, voice = torch.zeros(16, 4, 3), torch.zeros(16, 8)
    optimiser = torch.optim.Adam(net.parameters(), 1e-2)
    for step in range(80):
        args = (net, clean, condition, voice, mask)
        loss, _ = denoising_loss(*args) if step < 50 else consistency_loss(*args, 11)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        made = sample(net, condition, voice, mask, 1)
    assert (made - clean).abs().mean() < 0.1


def test_spectral_loss_is_zero_for_the_same_audio_only() -> None:
    torch.manual_seed(0)
    audio = torch.randn(1, 6000) * 0.1
    assert spectral_loss(audio, audio).item() == 0.0
    assert spectral_loss(audio, audio * 0.5).item() > 0.5


def test_discriminators_score_every_part() -> None:
    scores = AudioDiscriminator(2)(torch.randn(2, 4800))
    assert len(scores) == 8
    assert torch.isfinite(discriminator_loss(scores, scores))
    judge = FeatureDiscriminator(6, 4)
    assert judge(torch.randn(2, 9, 6), torch.randn(2, 5, 6))[0][-1].shape == (2, 1, 9)


def test_average_swaps_there_and_back() -> None:
    layer = torch.nn.Linear(2, 2)
    average = Average(layer)
    before = layer.weight.detach().clone()
    with torch.no_grad():
        layer.weight.add_(1.0)
    changed = layer.weight.detach().clone()
    average.swap()
    assert torch.equal(layer.weight, before)
    average.swap()
    assert torch.equal(layer.weight, changed)


def test_vocoder_starts_from_the_teacher_and_its_loss_falls(teacher: Teacher, pool: Pool) -> None:
    torch.manual_seed(0)
    vocoder, scaler = Vocoder(VocoderConfig()), small_acoustic()
    start_from_teacher(vocoder, teacher)
    assert torch.equal(vocoder.head.weight, teacher.head.weight)
    stage = VocoderStage(vocoder, scaler, SETTINGS, lambda batch: scaler.standardise(batch.mel))
    before = vocoder.into.weight.detach().clone()
    losses = stage.step(pool.batch(400), is_adversarial=True)
    assert all(torch.isfinite(value) for value in losses.values())
    assert not torch.equal(vocoder.into.weight, before)


def test_every_stage_of_the_acoustic_model_runs(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = itertools.count()  # a clock that steps at each look, so that the number of steps does not rest on speed
    for module in (acoustic_stage, adversarial_stage):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: 0.1 * next(ticks)))
    torch.manual_seed(0)
    model = small_acoustic().train()
    stage = AcousticStage(model, SETTINGS)
    stage.run(pool, 0.1 * next(ticks) + 1.0, warm_share=0.25)
    vocoder = Vocoder(VocoderConfig(width=16, num_blocks=3, num_front_blocks=1)).requires_grad_(False)
    before = stage.num_steps
    assert before > 1
    kept = {name: value.clone() for name, value in model.state_dict().items()}
    AdversarialStage(stage, vocoder, None).run(pool, 0.1 * next(ticks) + 0.3)
    assert stage.num_steps > before
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, kept[name])}
    assert changed
    assert all(name.startswith("mel_net.") for name in changed)  # the coarse mel, its condition, stays
    assert all(parameter.requires_grad for parameter in model.parameters())
    stage.refine_prosody(pool, 0.1 * next(ticks) + 0.3)
    stage.fix_default_voice(pool)
    assert model.default_voice.abs().sum() > 0
    scores = score(model, pool, 1, 400, 60)
    assert set(scores) >= {"mel_coarse", "mel_1_step", "mel_rms_2_step", "detail_2_step", "duration_frames", "f0_hz"}
    assert all(np.isfinite(value) for value in scores.values())


def test_a_model_of_whole_mels_becomes_one_of_what_the_coarse_mel_lacks(pool: Pool) -> None:
    whole = small_acoustic()
    model = as_residual(whole, pool, SETTINGS)
    assert model.config.is_residual
    assert torch.equal(model.default_voice, whole.default_voice)
    batch = pool.batch(400)
    reading = read_batch(model, batch, pool.prompts(batch.speaker, 60))
    assert torch.allclose(
        model.with_details(reading.details, reading.coarse) * reading.track.mask, reading.latent, atol=1e-5
    )
    kept = reading.details[reading.track.mask[..., 0] > 0]
    assert 0.3 < kept.std().item() < 0.8  # sigma_data is 0.5
    args = (reading.condition, reading.voice, reading.track.mask)
    assert sample(model.mel_net, *args, 1).abs().max() < 0.1  # it starts at the coarse mel
    assert as_residual(model, pool, SETTINGS) is model


def test_a_jump_asks_for_the_clean_sample() -> None:
    """A network that answers every level rightly has no loss; one that answers 0 is asked for all of it."""
    clean, mask = torch.full((8, 3, 2), 0.5), torch.ones(8, 3, 1)
    rest = (torch.zeros(8, 3, 4), torch.zeros(8, 8), mask)

    class Right(ConsistencyNet):
        def forward(self, x: torch.Tensor, sigma: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
            return torch.where(sigma[:, None, None] > 0.01, clean, x)

    class Silent(ConsistencyNet):
        def forward(self, x: torch.Tensor, sigma: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
            return torch.where(sigma[:, None, None] > 0.01, 0 * x, x)

    right, silent = Right(2, 4, 8, 8, 1), Silent(2, 4, 8, 8, 1)
    assert consistency_loss(right, clean, *rest, 11, jump_share=1.0)[0] < 0.02
    assert consistency_loss(silent, clean, *rest, 11, jump_share=1.0)[0] == pytest.approx(1.0, abs=0.05)


def test_sharpness_falls_when_a_mel_is_smoothed() -> None:
    torch.manual_seed(0)
    mel, mask = torch.randn(1, 40, 100), torch.ones(1, 40, 1)
    smooth = torch.nn.functional.avg_pool2d(mel[:, None], 3, 1, padding=1)[:, 0]
    assert sharpness(smooth, mask) < 0.5 * sharpness(mel, mask)


def test_with_all_else_frozen_only_the_mel_consistency_model_learns(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = small_acoustic().train().requires_grad_(False)
    model.mel_net.requires_grad_(True)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    clock = SimpleNamespace(monotonic=itertools.count(step=1.0).__next__)
    monkeypatch.setattr(acoustic_stage, "time", clock)
    AcousticStage(model, SETTINGS).run(pool, 4.0, warm_share=0.0)
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed
    assert all(name.startswith("mel_net.") for name in changed)


def test_a_consistency_run_needs_an_earlier_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        train.main(["--minutes", "1", "--out", str(tmp_path / "out"), "--stage", "consistency"])
    assert "name its folder with --resume" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_file_without_weights_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.onnx"
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="holds no weights"):
        read_weights(path)
