"""Retrieval: the frames of the archive that a question needs. Questions come as numbers, words are read elsewhere."""

from memory.retrieval.query import Query, RetrievedFrame, RetrieverConfig
from memory.retrieval.retriever import Retriever

__all__ = ["Query", "RetrievedFrame", "Retriever", "RetrieverConfig"]
