"""What captions are made of, and which of it stands in so many of them that it cannot be told from the trigger."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from kohya_wrap.domain.caption_edits import key_of
from kohya_wrap.domain.captions import CaptionStyle, has_trigger

# Share of captions from which a term counts as fused with the trigger, or as likely to colour it. The thresholds of
# caption-audit 1.3.0, whose rule this is.
FUSED = 0.85
FREQUENT = 0.60

_RARE = 0.05  # of the captions: what is rarer cannot be fused, and would only fill the memory
_LONGEST_PHRASE = 3  # words
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
# Words that carry no picture. Japanese is not cut into words: there its clauses are the terms.
_LINKS = """
a an the this that these those it its he she they his her their of in on at to by for from with without and or but as is
are was be being has have having while which who there into onto over under near some very one
"""
_STOPWORDS = frozenset(_LINKS.split())
_CLAUSES = re.compile(r"[,.;:!?、。，．；：！？\n]+")


@dataclass(frozen=True)
class Term:
    """A tag, word or phrase.

    Attributes:
        names: of the captions that have it at least once.
        share: of all captions that have it.
        given_trigger: P(term | trigger), 0 to 1; None where no caption has the trigger.
    """

    text: str
    names: frozenset[str]
    share: float
    given_trigger: float | None

    @property
    def captions(self) -> int:
        return len(self.names)


def frequencies(
    captions: Mapping[str, str], style: CaptionStyle, trigger: str, separator: str = ","
) -> tuple[Term, ...]:
    """Terms by document frequency, most frequent first; those of less than a twentieth of the captions are left out.

    Args:
        captions: name -> the line that is trained. The trigger itself is no term.

    Where a phrase stands in the very captions that a part of it stands in, only the phrase is a term.
    """
    called = {name for name, caption in captions.items() if trigger and has_trigger(caption, trigger)}
    bare = {name: without(caption, trigger) for name, caption in captions.items()}
    least = len(captions) * _RARE
    if style is CaptionStyle.PROSE:
        words = _holders(bare, lambda caption: _phrases(caption, 1, None), least)
        holders = _holders(bare, lambda caption: _phrases(caption, _LONGEST_PHRASE, words), least)
    else:
        holders = _holders(bare, lambda caption: _tags(caption, separator), least)
    terms = [
        Term(
            text,
            frozenset(names),
            len(names) / len(captions),
            len(names & called) / len(called) if called else None,
        )
        for text, names in _whole_phrases(holders).items()
    ]
    return tuple(sorted(terms, key=lambda term: (-term.captions, term.text)))


def _holders(
    captions: Mapping[str, str], terms_of: Callable[[str], Iterable[str]], least: float
) -> dict[str, set[str]]:
    """Term -> names of the captions that have it, of terms in `least` captions or more."""
    count = Counter(term for caption in captions.values() for term in set(terms_of(caption)))
    frequent = {term for term, captions_with_it in count.items() if captions_with_it >= least}
    holders: dict[str, set[str]] = defaultdict(set)
    for name, caption in captions.items():
        for term in frequent.intersection(terms_of(caption)):
            holders[term].add(name)
    return holders


def without(caption: str, trigger: str) -> str:
    """The caption less the trigger, wherever it stands."""
    if not trigger:
        return caption
    return re.sub(rf"(?a:(?<!\w){re.escape(trigger)}(?!\w))", " ", caption, flags=re.IGNORECASE)


def first_segment(caption: str, separator: str = ",") -> str:
    return caption.partition(separator)[0].strip()


def _tags(caption: str, separator: str) -> Iterator[str]:
    yield from (key for segment in caption.split(separator) if (key := key_of(segment)))


def _phrases(caption: str, longest: int, among: Collection[str] | None) -> Iterator[str]:
    """Words, and phrases of up to `longest` words within a clause, none that begins or ends with a mere link.

    Args:
        among: the words that may stand in them, links aside; None allows all.
    """
    for clause in _CLAUSES.split(caption.lower()):
        words = _WORD.findall(clause)
        for length in range(1, longest + 1):
            for start in range(len(words) - length + 1):
                phrase = words[start : start + length]
                if phrase[0] in _STOPWORDS or phrase[-1] in _STOPWORDS:
                    continue
                if among is None or all(word in among or word in _STOPWORDS for word in phrase):
                    yield " ".join(phrase)


def _whole_phrases(holders: Mapping[str, set[str]]) -> dict[str, set[str]]:
    inner: set[str] = set()
    for phrase, names in holders.items():
        words = phrase.split()
        for length in range(1, len(words)):
            parts = (" ".join(words[i : i + length]) for i in range(len(words) - length + 1))
            inner |= {part for part in parts if holders.get(part) == names}
    return {term: names for term, names in holders.items() if term not in inner}
