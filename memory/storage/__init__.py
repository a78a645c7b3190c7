"""Saving, loading and resuming a memory, and bundles to take along. No file holds code."""

from memory.storage.bundle import Bundle, BundleReport, write_bundle
from memory.storage.errors import (
    DamagedMemoryError,
    ForeignMemoryError,
    NothingSavedError,
    SaveFailedError,
    StorageError,
)
from memory.storage.resuming import ResumePoint, resume_point
from memory.storage.saving import About, SavedMemory, State, load_memory, save_memory

__all__ = [
    "About",
    "Bundle",
    "BundleReport",
    "DamagedMemoryError",
    "ForeignMemoryError",
    "NothingSavedError",
    "ResumePoint",
    "SaveFailedError",
    "SavedMemory",
    "State",
    "StorageError",
    "load_memory",
    "resume_point",
    "save_memory",
    "write_bundle",
]
