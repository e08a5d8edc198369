"""A script's text as statements with their lines: what goes on is joined, comments are left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kohya_wrap.config.importing import refusal

_NESTED = r"\$\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)"  # $(…), with brackets in it, two deep

BASH = re.compile(
    rf"""
      (?P<ragged>\\[ \t]+\r?(?=\n|\Z))
    | (?P<joined>\\\r?\n)
    | (?P<note>(?<![^\s;&|()])\#[^\n]*)
    | (?P<left_out><<-?[ \t]*(?P<quote>['"]?)(?P<word>\w+)(?P=quote)[^\n]*\n.*?^\t*(?P=word)[ \t\r]*$)
    | (?P<text>
        \\. | '[^']*' | "(?:[^"\\$]|\\.|{_NESTED}|\$(?!\())*"
      | \$\(\([^\n]*?\)\) | {_NESTED} | `[^`]*` | \$\{{[^}}\n]*\}}
      | \[\[[ \t][^\n]*?[ \t]\]\] | \(\([^\n]*?\)\) | [\w-]+[ \t]*\(\)
      | [<>]+(?:&[\d-]?)? | &>>? | [^\s\\'"`;&|()<>\#$]+ | \# | \$ | [ \t\r\f\v]+
      )
    | (?P<open>(?<==)\()
    | (?P<close>\))
    | (?P<end>\n|;;|;|&&|\|\||\|&?|&|\()
    | (?P<never_closed>.)
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
POWERSHELL = re.compile(
    rf"""
      (?P<ragged>`[ \t]+\r?(?=\n|\Z))
    | (?P<joined>`\r?\n|\n(?=\s*\{{))
    | (?P<note><\#.*?\#>|(?<![^\s;(){{}}|,])\#[^\n]*)
    | (?P<text>
        @"\r?\n.*?\n"@ | @'\r?\n.*?\n'@ | `. | '(?:[^']|'')*' | "(?:[^"`$]|`.|""|{_NESTED}|\$(?!\())*"
      | (?<==)\s*if\s*\([^\n{{}}]*\)\s*\{{[^{{}}]*\}}\s*else\s*\{{[^{{}}]*\}}
      | @\{{[^}}]*\}} | \$\{{[^}}\n]*\}} | \d?>+&\d? | [^\s`'"\#;(){{}}|&$@]+ | \# | & | [ \t\r\f\v]+ | [$@](?!\()
      )
    | (?P<open>[@$]?\()
    | (?P<close>\))
    | (?P<brace>[{{}}])
    | (?P<end>\n|;|\|\||\|)
    | (?P<never_closed>.)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Statement:
    """
    Attributes:
        after: what stands between it and the one before, as `&&`; empty for the end of a line.
    """

    text: str
    line: int
    after: str = ""


def statements(name: str, text: str, pieces: re.Pattern[str]) -> Iterator[Statement]:
    """The statements of the script `name`. Raises ConfigError: it cannot be split into such."""
    part, begins, after, opened = "", 0, "", [0]
    line, at = 1, 0
    while at < len(text):
        found = pieces.match(text, at)
        assert found is not None
        piece, kind, at = found[0], found.lastgroup, found.end()
        if kind == "ragged":
            raise refusal.broken_script(
                name,
                line,
                f"{piece[0]} with a space after it does not continue the line",
                "Remove the space at its end",
            )
        if kind == "never_closed":
            raise refusal.broken_script(name, line, f"the {piece} is never closed", "Close it, or remove it")
        inside = len(opened) > 1
        if kind == "open":
            opened.append(line)
        elif kind == "close" and inside:
            opened.pop()
        ends = kind in ("end", "close") and not inside
        if ends or (kind == "brace" and piece == "}" and not inside):
            yield Statement(part.strip(), begins or line, after)
            part, begins, after = "", 0, piece if kind == "end" and piece in ("&&", "||", "|") else ""
        elif kind not in ("note", "left_out"):
            begins = begins or (line if piece.strip() else 0)
            part += piece if kind != "joined" else "" if piece[0] == "\\" else " "
        if kind == "brace" and not inside:
            yield Statement(part.strip() if piece == "{" else "}", begins or line, after)
            part, begins, after = "", 0, ""
        line += piece.count("\n")
    if len(opened) > 1:
        raise refusal.broken_script(name, opened[-1], "the bracket is never closed", "Close it with )")
    yield Statement(part.strip(), begins or line, after)
