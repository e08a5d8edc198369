"""What is done to captions, and whether the text encoders' outputs may be cached all the same."""

from __future__ import annotations

from collections.abc import Iterator

from kohya_wrap.config.check.seen import Seen
from kohya_wrap.domain.finding import Finding

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


def kept_tokens(seen: Seen) -> Iterator[Finding]:
    shuffles = ("shuffle_caption", "token_warmup_step", "caption_tag_dropout_rate")
    if seen.given("keep_tokens") and not any(seen.get(name) for name in shuffles):
        yield seen.warning(
            "keep-tokens-idle", "keep_tokens", "`keep_tokens` does nothing where tags are neither shuffled nor dropped.",
            "Write shuffle_caption = true, or remove the line.",
        )  # fmt: skip


def clip_skip(seen: Seen) -> Iterator[Finding]:
    if seen.sdxl and seen.given("clip_skip"):
        yield seen.warning(
            "clip-skip-sdxl", "clip_skip", "`clip_skip` has no effect on SDXL.", "Remove the line."
        )
