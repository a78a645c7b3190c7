"""Retrieval: frames of the archive that a question needs. It comes as numbers, not words."""

from memory.retrieval.query import Query, RetrievedFrame, RetrieverConfig
from memory.retrieval.retriever import Retriever

__all__ = ["Query", "RetrievedFrame", "Retriever", "RetrieverConfig"]
