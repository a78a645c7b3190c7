"""Which concepts and which kinds of things a question names: exact words, plurals, synonyms and typing slips.

In: a question's text. Out: indices into the concept vocabulary, in the order of the text. Pure; built once per process.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vision.encoders import Concept

__all__ = ["KIND_WORDS", "NEXT_KEYS", "Lexicon", "Mentions", "is_slip", "plural_of", "split_words"]

KIND_WORDS = {
    "animal": ("animal", "creature", "pet", "beast", "wildlife"),
    "vehicle": ("vehicle", "traffic", "transport"),
    "food": ("food", "fruit", "snack", "things to eat", "anything to eat", "something to eat"),
    "furniture": ("furniture", "pieces of furniture"),
    "electronics": ("electronics", "gadget", "electronic device", "electronic", "device"),
    "clothing": ("clothing", "clothes"),
    "tool": ("tool",),
    "instrument": ("musical instrument", "instrument"),
    "building": ("building", "structure"),
}
_SOMEONE = (
    "alone", "occupied", "anyone", "anybody", "someone", "somebody", "no one", "nobody", "everyone", "everybody",
    "a soul", "human", "visitor", "guest", "intruder", "stranger", "folk", "people", "person", "crowd", "company",
)  # fmt: skip
# The keys around each letter, where a hand slips to.
NEXT_KEYS = {
    "q": "wa", "w": "qes", "e": "wrd", "r": "etf", "t": "ryg", "y": "tuh", "u": "yij", "i": "uok", "o": "ipl",
    "p": "ol", "a": "qsz", "s": "awdx", "d": "sefc", "f": "drgv", "g": "fthb", "h": "gyjn", "j": "hukm", "k": "jil",
    "l": "kop", "z": "asx", "x": "zsdc", "c": "xdfv", "v": "cfgb", "b": "vghn", "n": "bhjm", "m": "njk",
}  # fmt: skip
# Ways to speak of the picture and the watching itself, which name no object: "on camera", "the screen", "any sign of".
_IDIOMS = re.compile(
    r"\b(?:on|off|in front of|past|passed|facing) (?:the |your |my |this )?(?:camera|screen|cam)\b|\bscreen time\b"
    r"|(?<!where is )(?<!where's )(?<!see )(?<!seen )(?<!near )(?<!beside )(?<!left of )(?<!right of )(?<!next to )"
    r"\b(?:the|your|my|this) camera\b"
    r"|(?<!where is )(?<!where's )\b(?:the|your|my|this) screen\b|\bpeak number\b|\bat the peak\b"
    r"|\bpick(?:s|ed|ing)? up\b(?! truck)"
    r"|\b(?:stream|video)(?:'s)? clock\b|\bthe clock (?=show|sa|read|was at|hit|strikes|struck)|\bsigns? of\b"
    r"|\bwho or what\b"
    r"|\bwatch(?:ed|ing)\b|\b(?:you|to|we|i|they) watch\b|\bwatch (?=for|the|this|so|out|until|since|from|time)"
)
# Plurals and synonyms that are plain words first.
_NEVER_THINGS = frozenset(("does", "peak", "sign", "can", "watched", "watching"))


@dataclass(frozen=True)
class Mentions:
    """Concept indices and kinds in the order of the text, without repeats."""

    concepts: tuple[int, ...]
    kinds: tuple[str, ...]


class Lexicon:
    """Finds the concepts of a vocabulary in free text."""

    def __init__(self, concepts: Sequence[Concept], is_plain_word: Callable[[str], bool]):
        """`is_plain_word` tells everyday words, which are never slips of the hand ("place" is not "palace")."""
        self._is_plain_word = is_plain_word
        self._phrases: dict[tuple[str, ...], int | str] = {}
        for kind, words in KIND_WORDS.items():
            for word in words:
                self._add(word, kind)
                self._add(plural_of(word), kind)
        for word in _SOMEONE:
            self._add(word, 0)
        for index, concept in enumerate(concepts):
            for synonym in concept.synonyms:
                self._add(plural_of(synonym), index)
                self._add(synonym, index)
            self._add(concept.plural, index)
            self._add(concept.name, index)
        self._longest = max(len(phrase) for phrase in self._phrases)
        self._by_first: dict[str, list[str]] = {}
        for phrase in self._phrases:
            if len(phrase) == 1 and len(phrase[0]) >= 4:
                self._by_first.setdefault(phrase[0][0], []).append(phrase[0])

    def find(self, text: str) -> Mentions:
        """Concepts and kinds named in `text`; the longest phrase wins, a slip counts where it is unmistakable."""
        words = split_words(_IDIOMS.sub(" ", text.lower().replace("’", "'")))
        concepts: list[int] = []
        kinds: list[str] = []
        position = 0
        while position < len(words):
            length, found = self._match(words, position)
            if isinstance(found, int):
                concepts.append(found)
            elif found is not None:
                kinds.append(found)
            position += length
        if not concepts and not kinds and "who" in words:
            concepts.append(0)
        return Mentions(tuple(dict.fromkeys(concepts)), tuple(dict.fromkeys(kinds)))

    def _add(self, phrase: str, target: int | str) -> None:
        self._phrases[tuple(split_words(phrase))] = target

    def _match(self, words: list[str], position: int) -> tuple[int, int | str | None]:
        for length in range(min(self._longest, len(words) - position), 0, -1):
            found = self._phrases.get(tuple(words[position : position + length]))
            if found is not None and not (length == 1 and words[position] in _NEVER_THINGS):
                return length, found
        word = words[position]
        if len(word) >= 4 and not self._is_plain_word(word):
            for known in self._by_first.get(word[0], ()):
                if is_slip(word, known):
                    return 1, self._phrases[(known,)]
        return 1, None


def split_words(text: str) -> list[str]:
    """Lower-case words of `text`; a possessive 's is dropped, hyphens separate."""
    return [word.removesuffix("'s").strip("'") for word in re.findall(r"[a-z0-9']+", text.lower().replace("’", "'"))]


def plural_of(phrase: str) -> str:
    """The regular English plural of a noun phrase."""
    if phrase.endswith(("s", "x", "ch", "sh")):
        return phrase + "es"
    if phrase.endswith("y") and len(phrase) > 1 and phrase[-2] not in "aeiou":
        return phrase[:-1] + "ies"
    if phrase.endswith("man"):
        return phrase[:-3] + "men"
    return phrase + "s"


def is_slip(typed: str, known: str) -> bool:
    """True when `typed` is `known` with one slip: two letters swapped, one dropped, doubled or hit beside its key."""
    if typed == known or abs(len(typed) - len(known)) > 1 or typed[0] != known[0]:
        return False
    if len(typed) == len(known):
        wrong = [index for index, (a, b) in enumerate(zip(typed, known, strict=True)) if a != b]
        if len(wrong) == 1:
            return typed[wrong[0]] in NEXT_KEYS.get(known[wrong[0]], "")
        if len(wrong) != 2:
            return False
        first, second = wrong
        return second == first + 1 and (typed[first], typed[second]) == (known[second], known[first])
    if len(typed) < len(known):  # a dropped letter; never the last one, which would make plurals of singulars
        return len(known) >= 5 and any(known[:cut] + known[cut + 1 :] == typed for cut in range(1, len(known) - 1))
    doubled = (cut for cut in range(1, len(typed)) if typed[cut] == typed[cut - 1])
    return any(typed[:cut] + typed[cut + 1 :] == known for cut in doubled)
