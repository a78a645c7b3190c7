"""The ways people ask: templates of questions for every family, and nouns that no concept of the vocabulary names.

In: `phrasings/*.json` and `development.json`, beside this file. Out: `Phrasings`, templates for training and others,
worded differently, for the held-out test, and a third part for whoever tunes what is not trained. A template is filled
with `str.format_map`; `FAMILY_SLOTS` says which placeholders a family uses. Any thread;
immutable; importing reads no file.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["EXTRA_SLOTS", "FAMILY_SLOTS", "Phrasings", "UnknownWord", "load_phrasings"]

_FOLDER = Path(__file__).with_name("phrasings")
_DEVELOPMENT = Path(__file__).with_name("development.json")
_UNKNOWN_WORDS = "unknown_words"
_EXTRA = "extra"

# A slot is something the question must name; its placeholders are the forms in which a template may name it.
_FIRST = frozenset({"a", "any", "name", "the", "plural"})
_SECOND = frozenset({"a2", "name2", "the2", "plural2"})
_T, _T2, _SIDE = frozenset({"t"}), frozenset({"t2"}), frozenset({"side"})
_KIND = frozenset({"kinds", "kind"})
_UNKNOWN = frozenset({"word", "word.plural"})
FAMILY_SLOTS: Mapping[str, tuple[frozenset[str], ...]] = {
    **dict.fromkeys(("exist_now", "exist_ever", "still_there", "times_seen", "first", "last", "when"), (_FIRST,)),
    **dict.fromkeys(
        ("count_now", "count_max", "count_distinct", "where_now", "near", "how_long", "whole_time"), (_FIRST,)
    ),
    **dict.fromkeys(("exist_at", "count_at", "where_at", "compare_now"), (_FIRST, _T)),
    **dict.fromkeys(("exist_between", "compare_times"), (_FIRST, _T, _T2)),
    **dict.fromkeys(("order", "order_yes_no", "side_which", "compare_concepts"), (_FIRST, _SECOND)),
    **dict.fromkeys(("either_now", "either_ever", "both_now"), (_FIRST, _SECOND)),
    **dict.fromkeys(("kind_now", "kind_ever"), (_KIND,)),
    **dict.fromkeys(("unknown_now", "unknown_ever"), (_UNKNOWN,)),
    **dict.fromkeys(("anyone_now", "anyone_ever", "describe_now", "describe_all", "first_thing", "newest_thing"), ()),
    **dict.fromkeys(("kinds_count", "watching", "out_of_scope", "greeting"), ()),
    **dict.fromkeys(("fu_now", "fu_where", "fu_when", "fu_count", "fu_first", "fu_long", "fu_still"), ()),
    "exist_span": (_FIRST, frozenset({"span"})),
    "side_yes_no": (_FIRST, _SECOND, _SIDE),
    "side_what": (_FIRST, _SIDE),
    "describe_at": (_T,),
    "describe_between": (_T, _T2),
    "describe_ago": (frozenset({"ago"}),),
    "fu_at": (_T,),
    "fu_concept": (_FIRST,),
}
# Asked the other way round ("has the dog gone?", "more dogs or more cats?"): they need answers of their own.
EXTRA_SLOTS: Mapping[str, tuple[frozenset[str], ...]] = {"gone": (_FIRST,), "compare_which": (_FIRST, _SECOND)}


class UnknownWord(str):
    """A noun that is no concept: itself with its article ("a unicorn"), and `plural` without ("unicorns")."""

    plural: str

    def __new__(cls, singular: str, plural: str = "") -> "UnknownWord":
        word = super().__new__(cls, singular)
        word.plural = plural
        return word


@dataclass(frozen=True, kw_only=True)
class Phrasings:
    """Templates by family, in three parts that share none, and unknown words, in two."""

    train: Mapping[str, tuple[str, ...]]
    held_out: Mapping[str, tuple[str, ...]]
    development: Mapping[str, tuple[str, ...]]
    unknown_train: tuple[UnknownWord, ...]
    unknown_held_out: tuple[UnknownWord, ...]


@cache
def load_phrasings(with_extra: bool = False) -> Phrasings:
    """All phrasings; those of `EXTRA_SLOTS` too when `with_extra` is true."""
    train: dict[str, tuple[str, ...]] = {}
    held_out: dict[str, tuple[str, ...]] = {}
    for path in sorted(_FOLDER.glob("*.json")):
        if path.stem == _UNKNOWN_WORDS or (path.stem == _EXTRA and not with_extra):
            continue
        for family, parts in _read(path).items():
            train[family], held_out[family] = tuple(parts["train"]), tuple(parts["held_out"])
    unknown = _read(_FOLDER / f"{_UNKNOWN_WORDS}.json")
    return Phrasings(
        train=train,
        held_out=held_out,
        development={family: tuple(parts) for family, parts in _read(_DEVELOPMENT).items() if family in train},
        unknown_train=tuple(UnknownWord(singular, plural) for singular, plural in unknown["train"]),
        unknown_held_out=tuple(UnknownWord(singular, plural) for singular, plural in unknown["held_out"]),
    )


def _read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))
