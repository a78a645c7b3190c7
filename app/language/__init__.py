"""The language side: the LMM protocol, and the models that follow it. Importing this package loads no model."""

from app.language.lmm import LMM, Evidence, Question, Reply

__all__ = ["LMM", "Evidence", "Question", "Reply"]
