"""How many CLIP tokens a caption has, by the tokenizer that was prepared for the engine."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# As transformers' CLIPTokenizer splits.
_WORDS = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def capacity(max_token_length: int | None) -> int:
    """Tokens that the engine reads of a caption: 75, 150 or 225; start and end not counted."""
    return max_token_length or 75


class TokenCounter:
    """Counts; both text encoders of SDXL have the same vocabulary (engine contract, section 7)."""

    def __init__(self, folder: Path) -> None:
        """`folder` holds vocab.json and merges.txt."""
        self._tokenizer = _load(folder)

    def counts(self, texts: Sequence[str]) -> list[int]:
        encoded = self._tokenizer.encode_batch([_fixed(text) for text in texts], add_special_tokens=False)
        return [len(encoding.ids) for encoding in encoded]


def _load(folder: Path) -> Tokenizer:
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    tokenizer = Tokenizer(
        models.BPE.from_file(
            str(folder / "vocab.json"),
            str(folder / "merges.txt"),
            end_of_word_suffix="</w>",
            unk_token="<|endoftext|>",
        )
    )
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(_WORDS), behavior="removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False),
    ])  # fmt: skip
    return tokenizer


# What the engine's tokenizer mends first (the ftfy package): curly quotes, letters of the other width, ligatures, entities.
_QUOTES = str.maketrans("‘’‚‛ʼ“”„‟", "'''''\"\"\"\"")
_OTHER_WIDTH = re.compile("[\uff01-\uffef\u3000\ufb00-\ufb06]")


def _fixed(text: str) -> str:
    if "<" not in text:  # where there is markup, entities are part of it
        text = html.unescape(text)
    text = _OTHER_WIDTH.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text.translate(_QUOTES))
    return unicodedata.normalize("NFC", text)
