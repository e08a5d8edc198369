"""The text an image is trained with, and what is to be said of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kohya_wrap.dataset.check.remarks import Kind, Remark
from kohya_wrap.dataset.check.settings import Settings
from kohya_wrap.dataset.check.tokens import TokenCounter, capacity
from kohya_wrap.domain.config import TrainingConfig
from kohya_wrap.domain.dataset import CaptionFacts
from kohya_wrap.domain.finding import Level

_LENGTHS = (75, 150, 225)  # what max_token_length may be

# With these the engine takes a caption apart into tags and joins them again.
_REJOINED = ("shuffle_caption", "token_warmup_step", "caption_tag_dropout_rate")

_BLANK = Kind(
    Level.WARNING, "blank-caption", "have a caption whose first line is blank: trained without words",
    "Write the caption into its first line.",
)  # fmt: skip
_MORE_LINES = Kind(
    Level.WARNING, "more-lines", "have a caption of several lines, of which the engine reads the first",
    "Join them into one, or write enable_wildcard = true: then one of them is drawn each time.",
)  # fmt: skip
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # but for tabs and the ends of lines
_UNSEEN = Kind(
    Level.WARNING, "control-characters", "have characters in their captions that cannot be seen, and that the engine reads",
    "Take them out; a caption with a NUL behind every letter was saved as UTF-16: save it as UTF-8.",
)  # fmt: skip


def trained(caption: CaptionFacts, config: TrainingConfig) -> str:
    """As the engine's process_caption leaves it, but for what it draws by chance: order, dropout, wildcards."""
    lines = caption.text.split("\n") if config.get("enable_wildcard") else [caption.line]
    return "\n".join(_dressed(line.strip(), config) for line in lines if line.strip() or len(lines) == 1)


def _dressed(line: str, config: TrainingConfig) -> str:
    prefix, suffix = config.get("caption_prefix"), config.get("caption_suffix")
    text = f"{prefix} {line}" if prefix else line
    text = f"{text} {suffix}" if suffix else text
    separator = config.get("caption_separator", ",")
    if any(config.get(name) for name in _REJOINED):
        kept = config.get("keep_tokens_separator")
        parts = text.split(kept) if kept else [text]
        tags = [tag.strip() for part in parts for tag in part.strip().split(separator)]
        text = ", ".join(tag for tag in tags if tag or len(parts) == 1)
    secondary = config.get("secondary_separator")
    return text.replace(secondary, separator) if secondary else text


def counted(texts: Sequence[str], settings: Settings) -> list[int | None]:
    """Tokens of each, of its longest line; None where no tokenizer is prepared."""
    if settings.tokenizer is None:
        return [None] * len(texts)
    lines = [text.split("\n") for text in texts]
    counts = iter(TokenCounter(settings.tokenizer).counts([line for of_one in lines for line in of_one]))
    return [max(next(counts) for _ in of_one) for of_one in lines]


def remarks(caption: CaptionFacts, tokens: int | None, settings: Settings) -> Iterator[Remark]:
    wildcards = settings.config.get("enable_wildcard", False)
    if caption.path is not None and not caption.line and not (wildcards and caption.text.strip()):
        yield Remark(_BLANK, "has a caption whose first line is blank: trained without words")
    elif not wildcards and caption.text.strip() != caption.line:
        more = sum(1 for line in caption.text.split("\n")[1:] if line.strip())
        yield Remark(
            _MORE_LINES,
            f"has {more} more {'line' if more == 1 else 'lines'} in its caption than the first, which alone is read",
            more,
        )
    if unseen := sorted(set(_CONTROL.findall(caption.text))):
        names = ", ".join(f"U+{ord(letter):04X}" for letter in unseen[:4])
        yield Remark(
            _UNSEEN, f"has characters in its caption that cannot be seen, and that the engine reads: {names}"
        )
    read = capacity(settings.config.get("max_token_length"))
    if tokens is not None and tokens > read:
        yield Remark(
            _long(tokens, read), f"has a caption of {tokens} tokens, of which {read} are read", tokens
        )


def _long(tokens: int, read: int) -> Kind:
    enough = next((length for length in _LENGTHS if tokens <= length), None)
    hint = (
        f"Write max_token_length = {enough}, or shorten them." if enough else "Shorten them: 225 is the most."
    )
    return Kind(
        Level.WARNING, "long-caption", f"have captions of more than {read} tokens: the rest is not read", hint
    )
