"""Slips of the hand in the words that questions are made of: "firts" is "first", "on teh sceen" is "on the screen".

In: a question as it was typed. Out: the same question with such words put right, for whoever searches it for names and
times; without that "firts" is a slip of "forts", and "5 seocnds ago" no time. Names of things are the lexicon's. Pure.
"""

import re
from collections.abc import Callable

__all__ = ["NEXT_KEYS", "corrected", "is_slip"]

# The keys around each letter, where a hand slips to.
NEXT_KEYS = {
    "q": "wa", "w": "qes", "e": "wrd", "r": "etf", "t": "ryg", "y": "tuh", "u": "yij", "i": "uok", "o": "ipl",
    "p": "ol", "a": "qsz", "s": "awdx", "d": "sefc", "f": "drgv", "g": "fthb", "h": "gyjn", "j": "hukm", "k": "jil",
    "l": "kop", "z": "asx", "x": "zsdc", "c": "xdfv", "v": "cfgb", "b": "vghn", "n": "bhjm", "m": "njk",
}  # fmt: skip
_SHORT = {"teh": "the", "hte": "the", "adn": "and", "inthe": "in the", "ofthe": "of the", "rightnow": "right now"}
# Words of questions, the common ones first: a typed word may be a slip of several.
_COMMON = (
    "what when where which there this that have been first last time seen camera screen many much right left before "
    "after between picture view frame during until since seconds second minutes minute hours hour secs mins ones does "
    "would could should with from still time times tell about anything anyone anybody someone somebody something "
    "nothing nobody everything everyone ever just thing things object objects look looking looked watch watching clock "
    "shot scene stream video footage clip recording number count more most less fewer than then them they their were "
    "will your yours front behind beside below above under next near nearest closest close bottom middle corner side "
    "place position part whole entire total earlier later earliest latest recent recently newest again gone left went "
    "came come appear appeared appears appearance show showed shown shows turn turned visible sight sighting spot "
    "spotted notice noticed catch caught found find moment point while long often only once twice three four five "
    "past previous through throughout same different kind kinds name list describe please know remember check here "
    "present currently also both either neither other another those these some whether because order beginning start "
    "started stay stayed take taken make made like want need think over into onto doing happen happened happening "
    "sign signs ago back away around along across without within every each being able really"
)
_BY_FIRST: dict[str, list[str]] = {}
for _word in dict.fromkeys(_COMMON.split()):
    _BY_FIRST.setdefault(_word[0], []).append(_word)
_LETTERS = re.compile(r"(?<![\w:.'-])[A-Za-z]{3,}(?![\w:'-])")


def corrected(text: str, is_known: Callable[[str], bool]) -> str:
    """`text` with the slips in its everyday words put right. `is_known` tells words that stand for themselves."""

    def right(found: re.Match[str]) -> str:
        typed = found[0].lower()
        word = _SHORT.get(typed)
        if word is None and len(typed) >= 4 and not is_known(typed):
            word = next((known for known in _BY_FIRST.get(typed[0], ()) if is_slip(typed, known)), None)
        if word is None:
            return found[0]
        return word.capitalize() if found[0][0].isupper() else word

    return _LETTERS.sub(right, text)


def is_slip(typed: str, known: str) -> bool:
    """True when `typed` is `known` with one slip: two letters swapped, one dropped, doubled or hit beside its key."""
    if typed == known or abs(len(typed) - len(known)) > 1 or typed[:1] != known[:1]:
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
