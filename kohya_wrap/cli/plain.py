"""Text as a terminal may be given it: nothing in it acts on the terminal, and nothing in it is secret."""

from __future__ import annotations

import math
import re
from typing import Any

from kohya_wrap.host.tool import redact

# Those that move the cursor, end the line or turn the direction of writing: a file may hold them, as may a word.
_ACTING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def lines(text: str) -> str:
    """Our own lines with what the user wrote in them: line ends and tabs stay."""
    return _ACTING.sub(lambda found: found[0] if found[0] in "\n\t" else _escaped(found), redact(text))


def one_line(text: str) -> str:
    """As `lines`, and it is one line whatever is in it."""
    return _ACTING.sub(_escaped, redact(text))


def data(value: Any) -> Any:
    """For JSON, which escapes by itself: every text without secrets, whatever it is nested in; NaN and infinity are None."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: data(inner) for key, inner in value.items()}
    return [data(inner) for inner in value] if isinstance(value, list | tuple) else value


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
