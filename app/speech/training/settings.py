"""The numbers of a training run, in one place: `full` for a GPU, `tiny` to try the whole path on a CPU."""

from dataclasses import dataclass

__all__ = ["Settings", "full", "tiny"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Sizes and rates. Times are shares of the run's minutes (see train.py)."""

    num_sentences: int = 14_000
    num_speakers: int = 81  # the first is the teacher's own voice
    num_unseen: int = 8  # further ones, for the scores alone
    own_share: float = 0.5
    speak_batch: int = 64
    batch_frames: int = 24_000
    crop_frames: int = 64
    prompt_frames: int = 240
    acoustic_rate: float = 6e-4
    adversarial_rate: float = 2e-4
    vocoder_rate: float = 4e-4
    adversarial_weight: float = 0.5
    discriminator_width: int = 32
    warmup_steps: int = 200
    first_levels: int = 10
    last_levels: int = 80
    jump_share: float = 0.5  # of the rows of consistency training that go from pure noise to the clean sample
    num_scored: int = 192
    log_every: int = 100

    def __post_init__(self) -> None:
        if self.num_sentences < 4 * self.speak_batch:
            raise ValueError(
                f"num_sentences must be at least 4 batches of {self.speak_batch}, got {self.num_sentences}"
            )


def full() -> Settings:
    """For one H100."""
    return Settings()


def tiny() -> Settings:
    """For a CPU: minutes become a try of every stage."""
    return Settings(
        num_sentences=96,
        num_speakers=4,
        num_unseen=1,
        speak_batch=8,
        batch_frames=1_200,
        discriminator_width=4,
        warmup_steps=10,
        num_scored=8,
        log_every=5,
    )
