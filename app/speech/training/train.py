"""Trains FlashSpeech within a number of minutes, on speech that its teacher makes at the start. Run as a program.

    python -m app.speech.training.train --minutes 9 --out DIR [--resume DIR] [--whisper FILE.npz] [--texts FILE]
                                        [--stage all|consistency]

Out: flashspeech_acoustic.safetensors and flashspeech_vocoder.safetensors (float16), acoustic_plain.safetensors (before
the adversarial stage), discriminators.safetensors (for --resume), scores.json, train.log. The vocoder learns beside the
acoustic model, in a process of its own: both are small, and neither alone fills a GPU. All is saved as the run goes.
`--stage consistency --resume DIR` gives all minutes to the mel (the coarse one and its consistency model); the vocoder
only decodes it for the discriminators. DIR may be assets/models: the shipped files suffice.
"""

import argparse
import json
import logging
import shutil
import sys
import time
from pathlib import Path

import torch

from app.speech.phonemes import teacher_file
from app.speech.training.acoustic_stage import AcousticStage
from app.speech.training.adversarial_stage import AdversarialStage
from app.speech.training.pool import Pool
from app.speech.training.run import (
    Run,
    as_residual,
    make_run_pool,
    measure_mels,
    new_or_resumed_acoustic,
    open_whisper,
    phonemes_of,
    scores_of,
)
from app.speech.training.settings import full, tiny
from app.speech.training.teacher import Teacher, load_teacher
from app.speech.training.vocoder_run import (
    IDS_FILE,
    STATS_FILE,
    load_growing_vocoder,
    start_vocoder,
    train_vocoder,
    tune_vocoder,
)
from app.speech.training.vocoder_stage import Average
from app.speech.weights import ACOUSTIC_FILE, VOCODER_FILE, load_vocoder, save_model

__all__ = ["main"]

log = logging.getLogger(__name__)
PLAIN_FILE = "acoustic_plain.safetensors"
# Where the stages end, as shares of the whole time.
_CONSISTENCY_END, _ADVERSARIAL_END, _PROSODY_END, _TUNING_END = 0.62, 0.80, 0.86, 0.97
_ONLY_CONSISTENCY_END, _ONLY_ADVERSARIAL_END = 0.46, 0.97  # of a run with --stage consistency
_WARM_SHARE = 0.25  # of the first stage: plain denoising before consistency


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
        train_vocoder(run, _PROSODY_END)
    elif words.stage == "consistency":
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
    whisper, phonemes = open_whisper(run), phonemes_of(run, texts)
    (run.out / IDS_FILE).write_text(json.dumps(phonemes))
    teacher = load_teacher(teacher_file()).to(run.device)
    model = new_or_resumed_acoustic(run)
    if run.resume is None:
        measure_mels(model, make_run_pool(run, teacher, phonemes[: 4 * run.settings.speak_batch], run.seed))
    torch.save({"mean": model.mel_mean.cpu(), "std": model.mel_std.cpu()}, run.out / STATS_FILE)
    helper = start_vocoder(run)
    pool = make_run_pool(run, teacher, phonemes, run.seed)
    stage = AcousticStage(model, run.settings)
    warm_share = 0.0 if run.resume is not None else _WARM_SHARE
    stage.run(pool, run.at(_CONSISTENCY_END), warm_share, lambda: save_model(model, run.out / ACOUSTIC_FILE))
    before = _finish_consistency(run, stage, pool, teacher)
    vocoder = load_growing_vocoder(run, helper)
    AdversarialStage(stage, vocoder, whisper).run(pool, run.at(_ADVERSARIAL_END))
    stage.average.swap()
    stage.refine_prosody(pool, run.at(_PROSODY_END))
    stage.fix_default_voice(pool)
    save_model(model, run.out / ACOUSTIC_FILE)
    if helper.wait() != 0:
        raise RuntimeError(f"the vocoder's process failed; see {run.out / 'vocoder.log'}")
    _write_scores(run, stage, teacher, before)
    tune_vocoder(run, model, pool, run.at(_TUNING_END))
    for name in (IDS_FILE, STATS_FILE):
        (run.out / name).unlink()


def _only_consistency(run: Run, texts: Path | None) -> None:
    """Text, prosody, voices and the vocoder stay as they were, so that no word and no F0 moves."""
    assert run.resume is not None
    whisper, phonemes = open_whisper(run), phonemes_of(run, texts)
    teacher = load_teacher(teacher_file()).to(run.device)
    shutil.copyfile(run.resume / VOCODER_FILE, run.out / VOCODER_FILE)
    pool = make_run_pool(run, teacher, phonemes, run.seed)
    resumed = new_or_resumed_acoustic(run)
    model = as_residual(resumed, pool, run.settings).requires_grad_(False)
    for part in (model.coarse_in, model.coarse_blocks, model.coarse_out, model.mel_net):
        part.requires_grad_(True)
    stage = AcousticStage(model, run.settings)
    warm_share = 0.0 if model is resumed else _WARM_SHARE
    stage.run(pool, run.at(_ONLY_CONSISTENCY_END), warm_share, lambda: save_model(model, run.out / ACOUSTIC_FILE))
    before = _finish_consistency(run, stage, pool, teacher)
    vocoder = load_vocoder(run.out / VOCODER_FILE).to(run.device)
    AdversarialStage(stage, vocoder, whisper).run(
        pool, run.at(_ONLY_ADVERSARIAL_END), lambda: save_model(model, run.out / ACOUSTIC_FILE)
    )
    stage.average.swap()
    save_model(model, run.out / ACOUSTIC_FILE)
    _write_scores(run, stage, teacher, before)


def _finish_consistency(run: Run, stage: AcousticStage, pool: Pool, teacher: Teacher) -> dict[str, float]:
    """Saves and scores the averaged weights as they are before the adversarial stage; training goes on from them."""
    stage.average.swap()
    stage.average = Average(stage.model)
    if stage.model.null_voice.requires_grad:  # voices are learning
        stage.fix_default_voice(pool)
    save_model(stage.model, run.out / PLAIN_FILE)
    save_model(stage.model, run.out / ACOUSTIC_FILE)
    scores = scores_of(run, stage.model, teacher)
    log.info("before the adversarial stage: %s", json.dumps(scores))
    return scores


def _write_scores(run: Run, stage: AcousticStage, teacher: Teacher, before: dict[str, float]) -> None:
    """Before and after the adversarial stage."""
    scores = {"before": before, "after": scores_of(run, stage.model, teacher)}
    (run.out / "scores.json").write_text(json.dumps(scores, indent=1))
    log.info("scores: %s", json.dumps(scores))
    log.info("scored after %.0f s", time.monotonic() - run.started_s)


if __name__ == "__main__":
    sys.exit(main())
