"""Terms that stand in nearly every caption of a concept: what that does, read by what is trained."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kohya_wrap.dataset.check.remarks import listed
from kohya_wrap.dataset.check.result import Concept
from kohya_wrap.dataset.check.settings import Subject
from kohya_wrap.domain.captions import CaptionStyle
from kohya_wrap.domain.finding import Finding, Level, typed
from kohya_wrap.domain.terms import FREQUENT, FUSED, Term

_FEWEST = 5  # captions
_MOST = 5  # terms that are asked about one by one

# Who is there and how many: in every caption of one character, as it should be.
_NORMAL_OF_CHARACTERS = frozenset(
    ("1girl", "1boy", "1other", "girl", "boy", "woman", "man", "person", "female", "male", "solo", "young woman", "young man")
)  # fmt: skip
# What a person cannot take off, and what people leave out of a character's captions so that the trigger takes it in.
_TRAIT = re.compile(
    r"\b(hair|eyes?|eyelashes|eyebrows|pupils|skin|ears?|tails?|horns?|wings|fangs?|bangs|twintails|ponytails?|braids?|ahoge|"
    r"sidelocks|freckles|moles?|scars?|beard|mustache|breasts|tattoos?|heterochromia|antennae|halo)\b"
)


def findings(found: Concept, names: Sequence[str], subject: Subject, folder: str) -> Iterator[Finding]:
    """What is to be said of the terms.

    Args:
        names: of all images of the concept that have a caption; what the others are trained with is the folder's name.
        folder: where its captions lie.
    """
    if len(names) < _FEWEST:
        return
    fused = [term for term in found.terms if term.share >= FUSED]
    if subject == "character":
        fused = [term for term in fused if term.text not in _NORMAL_OF_CHARACTERS]
        traits = [term for term in found.terms if _TRAIT.search(term.text)]
        yield from _to_prune(found, [term for term in traits if term.share >= FREQUENT], folder)
        fused = [term for term in fused if term not in traits]
    for term in fused[:_MOST]:
        yield _asked(found, term, names, subject, folder)
    if fused[_MOST:]:
        more = ", ".join(repr(term.text) for term in fused[_MOST:][:10])
        yield Finding(
            Level.WARNING, "fused-terms", f"{len(fused) - _MOST} more {'terms stand' if fused[_MOST + 1 :] else 'term stands'} in nearly every caption of {found.folder}/: "
            f"{more}.", "See data.concepts[].terms of --json for all.",
        )  # fmt: skip


def _to_prune(found: Concept, traits: Sequence[Term], folder: str) -> Iterator[Finding]:
    """Permanent traits of a character: left out, the trigger takes them in; written in some captions only, it half does."""
    if not traits:
        return
    named = ", ".join(f"{term.text} ({term.share:.0%})" for term in traits)
    command = (
        f"kohya-wrap dataset caption {typed(folder)} --remove {typed(','.join(term.text for term in traits))}"
    )
    if found.style is not CaptionStyle.TAGS:
        command = "Cut those that never change out of the sentences."
    yield Finding(
        Level.NOTE, "prune", f"most captions of {found.folder}/ name traits: {named}. Those that the character always has "
        "are better left out: then the trigger alone calls them.", command, folder,
    )  # fmt: skip


def _asked(found: Concept, term: Term, names: Sequence[str], subject: Subject, folder: str) -> Finding:
    without = [name for name in names if name not in term.names]
    given = "" if term.given_trigger is None else f", P(term | trigger) {term.given_trigger:.2f}"
    called = repr(found.trigger) if found.trigger else "the LoRA"
    effect = f"{term.text!r} stands in {term.captions} of {len(names)} captions of {found.folder}/{given}: it fuses with {called}"
    return Finding(
        Level.WARNING, "fused-term", f"{effect}, and can hardly be prompted away. {_question(subject, without, names)}",
        _remedy(term, found, folder), folder,
    )  # fmt: skip


def _question(subject: Subject, without: Sequence[str], names: Sequence[str]) -> str:
    """What only somebody who sees the pictures can answer, and where to look."""
    look = f"without it: {listed(list(without))}" if without else f"look at {listed(list(names))}"
    if subject == "style":
        return f"Is it a part of the style, or do all pictures merely show it? ({look})"
    if subject in ("character", "object"):
        return f"Do all pictures really show it? ({look})"
    return f"Do all pictures really show it, and is it what shall be learned? ({look})"


def _remedy(term: Term, found: Concept, folder: str) -> str:
    cut = "cut it out of the captions"
    if found.style is CaptionStyle.TAGS:
        cut = f"kohya-wrap dataset caption {typed(folder)} --remove {typed(term.text)}"
    return f"Part of what is learned: {cut}. Not in all pictures: remove it where it is not. In all by chance: add pictures without."
