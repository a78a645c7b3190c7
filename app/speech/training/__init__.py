"""Training of FlashSpeech on speech that its teacher makes. `python -m app.speech.training.train` runs it."""

__all__ = ["train"]
