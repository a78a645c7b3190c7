"""The whole state of a memory as plain arrays and numbers, and back: what a file or another process needs.

Comes in: the parts of a memory, or arrays and a document. Goes out: the other. Exact: nothing is rounded, so a memory
made from its state goes on bit by bit as the one it was taken from. Runs under the memory's lock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from memory.config import MemoryConfig
from memory.entry import Entry
from memory.errors import StateError
from memory.gaps import Gap
from memory.pins import Pin
from memory.text_log import Note
from memory.token_rows import TokenRow

__all__ = ["FORMAT", "VERSION", "State", "checked_config", "export_entries", "group", "import_entries", "rows_of"]

State = tuple[dict[str, np.ndarray], dict[str, Any]]
FORMAT, VERSION = "afterglow-memory", 2
_READABLE = (1, 2)  # 1: without traces


def export_entries(entries: Sequence[Entry], token_sums: np.ndarray, key_dim: int) -> dict[str, np.ndarray]:
    """Columns of N entries. token_sums: float32 [N, ...]."""
    count = len(entries)
    return {
        "token_sums": token_sums,
        "pooled_sums": np.array([entry.pooled_sum for entry in entries], np.float32).reshape(count, -1)
        if count
        else np.empty((0, 0), np.float32),
        "key_sums": np.array([entry.key_sum for entry in entries], np.float32).reshape(count, key_dim),
        "medoid_keys": np.array([entry.medoid_key for entry in entries], np.float32).reshape(count, key_dim),
        "numbers": np.array([(e.weight, e.medoid_id, e.first_id, e.last_id) for e in entries], np.int64).reshape(-1, 4),
        "seconds": np.array([(e.time_sum_s, e.start_s, e.end_s) for e in entries], np.float64).reshape(-1, 3),
        "runs": np.array([run for entry in entries for run in entry.runs], np.float64).reshape(-1, 2),
        "num_runs": np.array([len(entry.runs) for entry in entries], np.int64),
    }


def import_entries(arrays: Mapping[str, np.ndarray], token_sums: Sequence[TokenRow | np.ndarray]) -> list[Entry]:
    """The entries of these columns. `token_sums`: one for each, already where the memory keeps them."""
    ends = np.cumsum(arrays["num_runs"]).tolist()
    entries = []
    for row, end in enumerate(ends):
        weight, medoid_id, first_id, last_id = arrays["numbers"][row].tolist()
        time_sum_s, start_s, end_s = arrays["seconds"][row].tolist()
        runs = arrays["runs"][end - int(arrays["num_runs"][row]) : end].tolist()
        entries.append(
            Entry(
                token_sum=token_sums[row],
                pooled_sum=arrays["pooled_sums"][row],
                key_sum=arrays["key_sums"][row],
                medoid_key=arrays["medoid_keys"][row],
                weight=weight,
                time_sum_s=time_sum_s,
                start_s=start_s,
                end_s=end_s,
                medoid_id=medoid_id,
                first_id=first_id,
                last_id=last_id,
                runs=tuple((run_start_s, run_end_s) for run_start_s, run_end_s in runs),
            )
        )
    return entries


def group(arrays: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """Private copies of the arrays "name.*", under what follows the dot."""
    prefix = f"{name}."
    return {full.removeprefix(prefix): each.copy() for full, each in arrays.items() if full.startswith(prefix)}


def rows_of(notes: Sequence[Note], gaps: Sequence[Gap], pins: Sequence[Pin]) -> dict[str, list[dict[str, Any]]]:
    return {
        "notes": [asdict(note) for note in notes],
        "gaps": [asdict(gap) for gap in gaps],
        "pins": [asdict(pin) for pin in pins],
    }


def checked_config(document: Mapping[str, Any], device: str) -> MemoryConfig:
    """The configuration of the state. Raises StateError for another format or version, or numbers that are none."""
    if document.get("format") != FORMAT:
        raise StateError(f"this is not the state of a stream memory: its format is {document.get('format')!r}")
    if document.get("version") not in _READABLE:
        raise StateError(
            f"the state is of version {document.get('version')!r}, this program reads {VERSION}: "
            "open it with the program that wrote it"
        )
    try:
        return MemoryConfig(**document["config"], device=device)
    except (KeyError, TypeError, ValueError) as error:
        raise StateError(f"the state holds a configuration that this program does not know: {error}") from error
