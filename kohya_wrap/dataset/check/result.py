"""What a check of a dataset found, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from kohya_wrap.dataset.check.look import Look
from kohya_wrap.domain.buckets import Size
from kohya_wrap.domain.captions import CaptionStyle
from kohya_wrap.domain.dataset import Inventory, TrainingImage
from kohya_wrap.domain.finding import Finding
from kohya_wrap.domain.framing import Framing
from kohya_wrap.domain.steps import StepPlan
from kohya_wrap.domain.terms import Term


@dataclass(frozen=True, slots=True)
class CheckedImage:
    """All that is known of one image and its caption.

    Attributes:
        concept: what its folder is called.
        caption_extension: of its folder.
        framing: None where it has no bucket: the engine dies of it, and a finding says so.
        text: the caption as it is trained, prefix and suffix with it; of several lines with enable_wildcard.
        tokens: CLIP tokens of `text`; None where no tokenizer is prepared.
        has_trigger: None where no trigger is known.
        alike: other images that show nearly the same; the first of very many.
        findings: of this image alone; each has its path in `where`.
        dataset: of several in a dataset_config, counted from 1; else 0.
    """

    image: TrainingImage
    concept: str
    caption_extension: str
    repeats: int
    look: Look
    framing: Framing | None
    text: str
    tokens: int | None
    has_trigger: bool | None
    alike: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    dataset: int = 0

    @property
    def name(self) -> str:
        """As it is called in messages: with its folder, since several folders may hold an `a.png`."""
        return f"{self.concept}/{self.image.path.name}"


@dataclass(frozen=True)
class Bucket:
    """Attributes:
    passes: images times their repeats, in one epoch.
    dataset: as of an image.
    """

    size: Size
    images: int
    passes: int
    batches: int
    dataset: int = 0


@dataclass(frozen=True)
class Concept:
    """One folder's captions as a whole.

    Attributes:
        folder: its name, with folders above it where two are called alike.
        trigger: empty where none is known.
        assumed: the trigger is not the project's own but what the captions begin with.
        first: captions that begin with the trigger.
        terms: most frequent first, without the trigger.
        dataset: as of an image.
    """

    folder: str
    repeats: int
    images: int
    captions: int
    trigger: str
    assumed: bool
    with_trigger: int
    first: int
    style: CaptionStyle | None
    terms: tuple[Term, ...]
    dataset: int = 0


class State(str, Enum):
    DONE = "done"
    NOT_DONE = "not done"
    UNSEEN = "cannot be seen"


@dataclass(frozen=True)
class Tick:
    """One line of the guide's list of what to do before the rental begins."""

    item: str
    state: State
    detail: str


@dataclass(frozen=True)
class Checked:
    """A dataset, checked.

    Attributes:
        size_class: what the guide says of so many images.
        findings: of the dataset as a whole, those of images gathered by kind; weightiest last.
    """

    inventory: Inventory
    images: tuple[CheckedImage, ...]
    buckets: tuple[Bucket, ...]
    plan: StepPlan
    concepts: tuple[Concept, ...]
    size_class: str
    checklist: tuple[Tick, ...]
    findings: tuple[Finding, ...]
