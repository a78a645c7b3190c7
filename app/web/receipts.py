"""What was done to a moment, in plain words.

Comes in: the receipts of a session, and how times are told. Goes out: sentences for the page. Pure.
"""

from collections.abc import Callable, Sequence

from app.moments import Forgotten

__all__ = ["forgotten_sentences", "pinned_sentence", "unpinned_sentence"]

Words = Callable[[float], str]


def pinned_sentence(start_s: float, end_s: float, label: str, words_of: Words) -> str:
    told = f" as “{label}”" if label else ""
    return (
        f"Remembered{told}: {_span(start_s, end_s, words_of)}. Its event slots are not merged any more, as far as pins "
        "may hold them, and its notes are the last to go."
    )


def unpinned_sentence(num_removed: int) -> str:
    if num_removed == 0:
        return "Nothing was pinned there."
    return f"{_count(num_removed, 'pin')} taken off. What was pinned ages like everything else from now on."


def forgotten_sentences(forgotten: Forgotten, num_answers: int, words_of: Words) -> str:
    """num_answers: on pages, erased with what they rested on."""
    counts = (
        (forgotten.num_frames, "frame of the memory", "frames of the memory"),
        (forgotten.num_spans, "entry of the ledger", "entries of the ledger"),
        (forgotten.num_notes, "note", "notes"),
        (forgotten.num_pictures, "small picture", "small pictures"),
        (num_answers, "answer", "answers"),
    )
    erased = [_count(number, one, many) for number, one, many in counts if number]
    sentences = [
        f"Forgotten: {_span(forgotten.start_s, forgotten.end_s, words_of)}.",
        f"Erased: {_listed(erased)}." if erased else "Nothing was held of it.",
    ]
    if forgotten.num_slots:
        sentences.append(
            f"{_count(forgotten.num_slots, 'event slot')} and {_count(forgotten.num_traces, 'trace')} went whole, with "
            "what they held from just before or after: a mean cannot be taken apart."
        )
    if forgotten.kept is None:
        sentences.append("Nothing of it was on a disk.")
    else:
        kept = forgotten.kept
        sentences.append(f"On the disk: {_count(kept.num_pictures, 'picture')}, {_count(kept.num_texts, 'text')}.")
        if kept.num_video_files and kept.video_start_s is not None and kept.video_end_s is not None:
            span = _span(kept.video_start_s, kept.video_end_s, words_of)
            sentences.append(f"Video goes in whole files: {_count(kept.num_video_files, 'file')}, {span}.")
    sentences.append("Bundles and exports that were made before are not touched.")
    return " ".join(sentences)


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def _span(start_s: float, end_s: float, words_of: Words) -> str:
    start, end = words_of(start_s), words_of(end_s)
    return start if start == end else f"{start} to {end}"


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else (many or one + 's')}"
