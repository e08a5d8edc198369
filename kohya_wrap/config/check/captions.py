"""What is done to captions, and whether the text encoders' outputs may be cached all the same."""

from __future__ import annotations

from collections.abc import Iterator

from kohya_wrap.config.check.seen import Seen
from kohya_wrap.domain.finding import Finding, Level

# What the engine refuses beside cached text encoder outputs, and what it leaves out in silence (contract, section 8).
REFUSED_WITH_CACHE = (
    "shuffle_caption", "caption_dropout_rate", "token_warmup_step", "caption_tag_dropout_rate",
)  # fmt: skip
LOST_WITH_CACHE = (
    "caption_dropout_every_n_epochs", "enable_wildcard", "caption_prefix", "caption_suffix", "secondary_separator",
)  # fmt: skip


def text_encoder_cache(seen: Seen) -> Iterator[Finding]:
    cache = next(
        (n for n in ("cache_text_encoder_outputs", "cache_text_encoder_outputs_to_disk") if seen.get(n)), None
    )
    if cache is None:
        return
    if not seen.get("network_train_unet_only"):
        yield seen.error(
            "cached-text-encoder", cache, f"`{cache}` beside text encoders that are trained: the engine refuses it.",
            "Write network_train_unet_only = true, or remove the line.",
        )  # fmt: skip
    for name in (*REFUSED_WITH_CACHE, *LOST_WITH_CACHE):
        if seen.get(name):
            ends = "the engine refuses it" if name in REFUSED_WITH_CACHE else "it would have no effect"
            yield seen.error(
                "cached-captions", name,
                f"`{name}` changes captions whose encoding `{cache}` keeps: {ends}.",
                f"Remove `{name}`, or `{cache}`.",
            )  # fmt: skip


# The engine splits captions into tags for these alone.
_SPLIT_FOR = ("shuffle_caption", "token_warmup_step", "caption_tag_dropout_rate")


def kept_tokens(seen: Seen) -> Iterator[Finding]:
    if any(seen.get(name) for name in _SPLIT_FOR):
        return
    if seen.given("keep_tokens"):
        yield seen.warning(
            "keep-tokens-idle", "keep_tokens", "`keep_tokens` does nothing where tags are neither shuffled nor dropped.",
            "Write shuffle_caption = true, or remove the line.",
        )  # fmt: skip
    if seen.given("keep_tokens_separator"):
        yield seen.warning(
            "keep-tokens-idle", "keep_tokens_separator",
            "`keep_tokens_separator` does nothing where tags are neither shuffled nor dropped, and stays in the captions.",
            "Write shuffle_caption = true, or remove the line and the separators.",
        )  # fmt: skip
    if (
        seen.given("caption_separator")
        and seen.get("caption_separator") != ","
        and not seen.get("secondary_separator")
    ):
        yield seen.warning(
            "separator-idle", "caption_separator",
            "`caption_separator` does nothing where tags are neither shuffled nor dropped.",
            "Write shuffle_caption = true, or remove the line.",
        )  # fmt: skip


def token_warm_up(seen: Seen) -> Iterator[Finding]:
    if (
        seen.given("token_warmup_min")
        and seen.get("token_warmup_min") != 1
        and not seen.get("token_warmup_step")
    ):
        yield seen.warning(
            "token-warmup-idle", "token_warmup_min", "`token_warmup_min` does nothing without `token_warmup_step`.",
            "Write token_warmup_step = 0.2, or remove the line.",
        )  # fmt: skip


def separator(seen: Seen) -> Iterator[Finding]:
    if seen.get("caption_separator") == "" and any(seen.get(name) for name in _SPLIT_FOR):
        yield seen.error(
            "empty", "caption_separator", "`caption_separator` is empty: the engine cannot split captions and fails.",
            'Write caption_separator = ",", or remove the line.',
        )  # fmt: skip


def all_dropped(seen: Seen) -> Iterator[Finding]:
    for name in ("caption_dropout_rate", "caption_dropout_every_n_epochs"):
        if seen.get(name) == 1:
            yield seen.warning(
                "captions-dropped", name, f"`{name} = 1` drops every caption: nothing is learned by name.",
                f"Write {name} = {'0.1' if name.endswith('rate') else 10}, or remove the line.",
            )  # fmt: skip


_LAYERS = 12  # of SD 1.5's text encoder


def clip_skip(seen: Seen) -> Iterator[Finding]:
    layer = seen.get("clip_skip")
    if seen.sdxl and seen.given("clip_skip"):
        # Files of the GUI always hold 1 or 2.
        level = Level.NOTE if layer in (1, 2) else Level.WARNING
        message = "`clip_skip` has no effect on SDXL."
        yield Finding(level, "clip-skip-sdxl", message, "Remove the line.", seen.where("clip_skip"))
    elif layer is not None and not seen.sdxl and not 1 <= layer <= _LAYERS:
        yield seen.error(
            "clip-skip", "clip_skip",
            f"`clip_skip = {layer}` names none of the text encoder's {_LAYERS} layers: the engine reads another, or fails.",
            "Write clip_skip = 1, or 2 where the base was trained so.",
        )  # fmt: skip
