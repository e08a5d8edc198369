"""Which encoding a text is in that is no UTF-8: a guess, for the command that converts it."""

from __future__ import annotations

import codecs
import re

# By iconv's names; the longer marks first, since UTF-32's begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"), (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"), (codecs.BOM_UTF16_BE, "UTF-16"),
)  # fmt: skip
_KANA = re.compile("[\u3041-\u30fe]")
_LETTERS_OF_THE_WEST = re.compile("[A-Za-z]")
_KANJI = re.compile("[\u4e00-\u9fff]")


def guess(content: bytes) -> str:
    """As iconv calls it, which then converts all of it; empty where no guess would."""
    named = next((name for mark, name in _MARKS if content.startswith(mark)), "")
    if named:
        return named if _decoded(content, named) is not None else ""
    japanese = _decoded(content, "shift_jis")
    if japanese is not None and _is_japanese(japanese):
        return "SHIFT_JIS"
    return "WINDOWS-1252" if _decoded(content, "windows-1252") is not None else ""


def _decoded(content: bytes, name: str) -> str | None:
    try:
        return content.decode(name)
    except UnicodeDecodeError:
        return None


def _is_japanese(text: str) -> bool:
    """Two bytes of `café` may be a kanji too, but a lonely one among other letters."""
    kanji, others = len(_KANJI.findall(text)), len(_LETTERS_OF_THE_WEST.findall(text))
    return bool(_KANA.search(text)) or kanji > others // 4
