"""Trains FlashSpeech within a number of minutes, on speech that its teacher makes at the start. Run as a program.

    python -m app.speech.training.train --minutes 9 --out DIR [--resume DIR] [--whisper FILE.npz] [--texts FILE]
                                        [--stage all|consistency]

Out: flashspeech_acoustic.safetensors and flashspeech_vocoder.safetensors (float16), acoustic_plain.safetensors (before
the adversarial stage), discriminators.safetensors (for --resume), scores.json, train.log. The vocoder learns beside the
acoustic model, in a process of its own: both are small, and neither alone fills a GPU. All is saved as the run goes.
`--stage consistency --resume DIR` gives all minutes to the mel's consistency model, and then tunes the vocoder on it.
"""

import argparse
import json
import logging
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from app.speech.network import AcousticConfig, AcousticModel, Vocoder, VocoderConfig, mask_of
from app.speech.phonemes import teacher_file
from app.speech.training.acoustic_stage import AcousticStage, read_batch
from app.speech.training.adversarial_stage import AdversarialStage
from app.speech.training.pool import Batch, Pool, draw_speakers, make_pool
from app.speech.training.scoring import score
from app.speech.training.sentences import phoneme_ids
from app.speech.training.settings import Settings, full, tiny
from app.speech.training.teacher import Teacher, load_teacher
from app.speech.training.vocoder_stage import Average, VocoderStage, start_from_teacher
from app.speech.training.whisper_features import WhisperFeatures
from app.speech.weights import ACOUSTIC_FILE, VOCODER_FILE, load_acoustic, load_vocoder, save_model

__all__ = ["main"]

log = logging.getLogger(__name__)
PLAIN_FILE = "acoustic_plain.safetensors"
_STATS_FILE, _IDS_FILE, _JUDGES_FILE = "mel_stats.pt", "phonemes.json", "discriminators.safetensors"
# Where the stages end, as shares of the whole time.
_CONSISTENCY_END, _ADVERSARIAL_END, _PROSODY_END, _TUNING_END = 0.62, 0.80, 0.86, 0.97
_ONLY_CONSISTENCY_END, _ONLY_ADVERSARIAL_END = 0.60, 0.90  # of a run with --stage consistency
_FRONT_SHARE, _SPECTRAL_SHARE = 0.09, 0.08  # of the vocoder's own time


@dataclass(frozen=True)
class Run:
    """What every stage needs. Times are of the monotonic clock, which processes of one machine share."""

    out: Path
    resume: Path | None
    whisper: Path | None
    settings: Settings
    device: str
    seed: int
    started_s: float
    minutes: float

    def at(self, share: float) -> float:
        """The moment at which `share` of the time is over."""
        return self.started_s + share * self.minutes * 60


def main(argv: list[str] | None = None) -> int:
    """Runs all stages, or the vocoder's alone (which the run starts itself)."""
    words = _parser().parse_args(argv)
    if words.stage == "consistency" and words.resume is None:
        _parser().error("--stage consistency goes on from an earlier run: name its folder with --resume")
    words.out.mkdir(parents=True, exist_ok=True)
    name = "vocoder.log" if words.stage == "vocoder" else "train.log"
    logging.basicConfig(
        level=logging.INFO,
        format="%(relativeCreated)d %(message)s",
        handlers=[logging.StreamHandler(sys.stderr), logging.FileHandler(words.out / name)],
    )
    started_s = words.started if words.started is not None else time.monotonic()
    settings = tiny() if words.tiny else full()
    run = Run(words.out, words.resume, words.whisper, settings, words.device, words.seed, started_s, words.minutes)
    torch.manual_seed(run.seed)
    torch.set_float32_matmul_precision("high")
    if words.stage == "vocoder":
        _vocoder_stage(run)
        return 0
    if words.stage == "consistency":
        _only_consistency(run, words.texts)
    else:
        _all_stages(run, words.texts)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="app.speech.training.train", description="Trains FlashSpeech.")
    parser.add_argument("--minutes", type=float, required=True, help="the whole run, data and scores included")
    parser.add_argument("--out", type=Path, required=True, help="folder for weights, scores and log")
    parser.add_argument("--resume", type=Path, help="folder of an earlier run to go on from")
    parser.add_argument("--whisper", type=Path, help="encoder for the adversarial stage (see whisper_features.py)")
    parser.add_argument("--texts", type=Path, help="more sentences, one a line")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tiny", action="store_true", help="a try of every stage at a small size")
    stages = ("all", "consistency", "vocoder")  # the last is what a run starts beside itself
    parser.add_argument("--stage", default="all", choices=stages, help="consistency: only that of the mel, by --resume")
    parser.add_argument("--started", type=float, help=argparse.SUPPRESS)
    return parser


def _all_stages(run: Run, texts: Path | None) -> None:
    whisper, phonemes = _whisper(run), _phonemes(run, texts)
    (run.out / _IDS_FILE).write_text(json.dumps(phonemes))
    teacher = load_teacher(teacher_file()).to(run.device)
    model = _new_or_resumed_acoustic(run)
    if run.resume is None:
        _measure_mels(model, _pool(run, teacher, phonemes[: 4 * run.settings.speak_batch], run.seed))
    torch.save({"mean": model.mel_mean.cpu(), "std": model.mel_std.cpu()}, run.out / _STATS_FILE)
    helper = _start_vocoder(run)
    pool = _pool(run, teacher, phonemes, run.seed)
    log.info("%.1f h of speech", pool.num_frames / 80 / 3600)
    stage = AcousticStage(model, run.settings)
    stage.run(
        pool, run.at(_CONSISTENCY_END), run.resume is not None, lambda: save_model(model, run.out / ACOUSTIC_FILE)
    )
    scores = _finish_consistency(run, stage, pool, teacher)
    vocoder = _load_growing_vocoder(run, helper)
    AdversarialStage(stage, vocoder, whisper).run(pool, run.at(_ADVERSARIAL_END))
    stage.average.swap()
    stage.refine_prosody(pool, run.at(_PROSODY_END))
    stage.fix_default_voice(pool)
    save_model(model, run.out / ACOUSTIC_FILE)
    if helper.wait() != 0:
        raise RuntimeError(f"the vocoder's process failed; see {run.out / 'vocoder.log'}")
    _tune_vocoder(run, model, pool)
    scores["after"] = _scores(run, model, teacher)
    (run.out / "scores.json").write_text(json.dumps(scores, indent=1))
    for name in (_IDS_FILE, _STATS_FILE):
        (run.out / name).unlink()
    log.info("done: %s", json.dumps(scores))


def _only_consistency(run: Run, texts: Path | None) -> None:
    """Everything but the mel's consistency model stays as it was; then the vocoder is tuned on its mels."""
    assert run.resume is not None
    whisper, phonemes = _whisper(run), _phonemes(run, texts)
    teacher = load_teacher(teacher_file()).to(run.device)
    model = _new_or_resumed_acoustic(run).requires_grad_(False)
    model.mel_net.requires_grad_(True)
    for name in (VOCODER_FILE, _JUDGES_FILE):
        if (run.resume / name).exists():
            shutil.copyfile(run.resume / name, run.out / name)
    pool = _pool(run, teacher, phonemes, run.seed)
    log.info("%.1f h of speech", pool.num_frames / 80 / 3600)
    stage = AcousticStage(model, run.settings)
    stage.run(pool, run.at(_ONLY_CONSISTENCY_END), True, lambda: save_model(model, run.out / ACOUSTIC_FILE))
    stage.average.swap()
    stage.average = Average(model)
    save_model(model, run.out / PLAIN_FILE)
    scores = {"before": _scores(run, model, teacher)}
    vocoder = load_vocoder(run.out / VOCODER_FILE).to(run.device)
    AdversarialStage(stage, vocoder, whisper).run(pool, run.at(_ONLY_ADVERSARIAL_END))
    stage.average.swap()
    save_model(model, run.out / ACOUSTIC_FILE)
    _tune_vocoder(run, model, pool)
    scores["after"] = _scores(run, model, teacher)
    (run.out / "scores.json").write_text(json.dumps(scores, indent=1))
    log.info("done: %s", json.dumps(scores))


def _whisper(run: Run) -> WhisperFeatures | None:
    return WhisperFeatures(run.whisper).to(run.device).requires_grad_(False) if run.whisper is not None else None


def _phonemes(run: Run, texts: Path | None) -> list[list[int]]:
    processes = min(os.cpu_count() or 1, 14) if run.device == "cuda" else 1
    phonemes = phoneme_ids(run.settings.num_sentences, run.seed, texts, processes)
    log.info("%d sentences as phonemes", len(phonemes))
    return phonemes


def _pool(run: Run, teacher: Teacher, phonemes: list[list[int]], seed: int) -> Pool:
    settings = run.settings
    speakers = draw_speakers(settings.num_speakers, seed=1)
    return make_pool(teacher, phonemes, speakers, settings.own_share, seed, settings.speak_batch)


def _new_or_resumed_acoustic(run: Run) -> AcousticModel:
    if run.resume is None:
        return AcousticModel(AcousticConfig()).to(run.device)
    model = load_acoustic(run.resume / ACOUSTIC_FILE).to(run.device)
    return model.train().requires_grad_(True)


def _measure_mels(model: AcousticModel, pool: Pool) -> None:
    """Mean and standard deviation of each mel bin, over real frames."""
    batches = [pool.batch(20_000) for _ in range(8)]
    frames = torch.cat([b.mel[mask_of(b.num_frames, b.mel.shape[1])[..., 0] > 0] for b in batches])
    model.mel_mean.copy_(frames.mean(dim=0))
    model.mel_std.copy_(frames.std(dim=0).clamp(min=0.1))


def _finish_consistency(run: Run, stage: AcousticStage, pool: Pool, teacher: Teacher) -> dict[str, dict[str, float]]:
    """Saves and scores the averaged weights as they are before the adversarial stage; training goes on from them."""
    stage.average.swap()
    stage.average = Average(stage.model)
    stage.fix_default_voice(pool)
    save_model(stage.model, run.out / PLAIN_FILE)
    save_model(stage.model, run.out / ACOUSTIC_FILE)
    scores = {"before": _scores(run, stage.model, teacher)}
    log.info("before the adversarial stage: %s", json.dumps(scores["before"]))
    return scores


def _scores(run: Run, model: AcousticModel, teacher: Teacher) -> dict[str, float]:
    """On sentences and pseudo-speakers that no training saw."""
    settings = run.settings
    phonemes = phoneme_ids(settings.num_scored, run.seed + 1000, None, 1)
    unseen = draw_speakers(settings.num_unseen + 1, seed=2)
    pool = make_pool(teacher, phonemes, unseen, 0.5, run.seed, min(settings.speak_batch, 16))
    return score(model, pool, 4, settings.batch_frames // 4, settings.prompt_frames)


def _start_vocoder(run: Run) -> "subprocess.Popen[bytes]":
    """The vocoder's stage as a process of its own, with the same clock."""
    command = [sys.executable, "-m", "app.speech.training.train", "--stage", "vocoder", "--out", str(run.out)]
    command += ["--minutes", str(run.minutes), "--started", str(run.started_s), "--device", run.device]
    command += ["--seed", str(run.seed)]
    if run.resume is not None:
        command += ["--resume", str(run.resume)]
    if run.settings == tiny():
        command += ["--tiny"]
    return subprocess.Popen(command)


def _vocoder_stage(run: Run) -> None:
    """Front, spectral loss, discriminators; from a resumed vocoder the discriminators at once."""
    teacher = load_teacher(teacher_file()).to(run.device)
    phonemes = json.loads((run.out / _IDS_FILE).read_text())
    scaler = _scaler(run)
    resumed = run.resume
    if resumed is None:
        vocoder = Vocoder(VocoderConfig()).to(run.device)
        start_from_teacher(vocoder, teacher)
    else:
        vocoder = load_vocoder(resumed / VOCODER_FILE).to(run.device).train().requires_grad_(True)
    stage = VocoderStage(vocoder, scaler, run.settings, lambda batch: _real_latents(scaler, batch))
    pool = _pool(run, teacher, phonemes, run.seed + 1)
    end_s = run.at(_PROSODY_END)
    left_s = end_s - time.monotonic()
    if resumed is None:
        stage.match_front(pool, teacher, left_s * _FRONT_SHARE)
    elif (resumed / _JUDGES_FILE).exists():
        _load_judges(stage.discriminator, resumed / _JUDGES_FILE)

    def save() -> None:
        stage.average.swap()
        save_model(vocoder, run.out / VOCODER_FILE)
        stage.average.swap()

    save()
    stage.run(pool, end_s, left_s * _SPECTRAL_SHARE if resumed is None else 0.0, save)
    save()
    _save_judges(stage.discriminator, run.out / _JUDGES_FILE)


def _tune_vocoder(run: Run, model: AcousticModel, pool: Pool) -> None:
    """The vocoder learns to read generated mels as well as real ones, at a small rate."""
    vocoder = load_vocoder(run.out / VOCODER_FILE).to(run.device).train().requires_grad_(True)

    def latents(batch: Batch) -> Tensor:
        with torch.no_grad():
            reading = read_batch(model, batch, pool.prompts(batch.speaker, run.settings.prompt_frames))
            net, args = model.mel_net, (reading.condition, reading.voice, reading.track.mask)
            sigma = torch.full((len(batch.ids),), 80.0, device=batch.ids.device)
            made = net(80.0 * torch.randn_like(reading.latent), sigma, *args)
            is_real = torch.rand(len(made), 1, 1, device=made.device) < 0.3
            return torch.where(is_real, reading.latent, made)

    stage = VocoderStage(vocoder, model, replace(run.settings, vocoder_rate=1e-4), latents)
    if (run.out / _JUDGES_FILE).exists():
        _load_judges(stage.discriminator, run.out / _JUDGES_FILE)
    stage.run(pool, run.at(_TUNING_END))
    stage.average.swap()
    save_model(vocoder, run.out / VOCODER_FILE)
    _save_judges(stage.discriminator, run.out / _JUDGES_FILE)


def _load_growing_vocoder(run: Run, helper: "subprocess.Popen[bytes]") -> Vocoder:
    """What the other process has saved by now, frozen; waits for its first save."""
    while not (run.out / VOCODER_FILE).exists():
        if helper.poll() is not None:
            raise RuntimeError(f"the vocoder's process ended before its first save; see {run.out / 'vocoder.log'}")
        time.sleep(1.0)
    return load_vocoder(run.out / VOCODER_FILE).to(run.device)


def _scaler(run: Run) -> AcousticModel:
    """An acoustic model that only standardises mels."""
    stats = torch.load(run.out / _STATS_FILE, weights_only=True)
    scaler = AcousticModel(AcousticConfig())
    scaler.mel_mean.copy_(stats["mean"])
    scaler.mel_std.copy_(stats["std"])
    return scaler.to(run.device).requires_grad_(False)


def _real_latents(scaler: AcousticModel, batch: Batch) -> Tensor:
    return scaler.standardise(batch.mel) * mask_of(batch.num_frames, batch.mel.shape[1])


def _save_judges(module: nn.Module, path: Path) -> None:
    save_file({name: tensor.half().cpu().contiguous() for name, tensor in module.state_dict().items()}, path)


def _load_judges(module: nn.Module, path: Path) -> None:
    module.load_state_dict({name: tensor.float() for name, tensor in load_file(path).items()})


if __name__ == "__main__":
    sys.exit(main())
