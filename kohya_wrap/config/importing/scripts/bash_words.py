"""The words of a statement of bash: quotes, escapes, variables, redirections."""

from __future__ import annotations

import re

from kohya_wrap.config.importing.scripts.scope import Scope

_NESTED = r"\$\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)"
_USE = rf"(?P<computed>\$\(\(.*?\)\)|{_NESTED}|`[^`]*`)|\$\{{(?P<braced>[^}}]*)\}}|\$(?P<plain>\w+|[@*#?!$-])"
_PIECE = re.compile(
    rf"""
      (?P<gap>\s+)
    | (?P<redirect>(?<!\S)\d?(?:&>>?|[<>]+)(?P<stream>&[\d-]?)?|[<>]+(?P<other>&[\d-]?)?)
    | '(?P<single>[^']*)'
    | "(?P<double>(?:[^"\\$]|\\.|{_NESTED}|\$(?!\())*)"
    | {_USE}
    | \\(?P<escaped>.)
    | (?P<bare>[^\s'"`\\$<>]+|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_IN_QUOTES = re.compile(rf"""{_USE}|\\(?P<escaped>["\\$`])|(?P<bare>[^\\$`]+|.)""", re.DOTALL)
_BRACED = re.compile(r"(?P<name>\w+|[@*])(?P<all>\[[@*]\])?(?:(?P<how>:?[-=])(?P<otherwise>.*))?", re.DOTALL)


def raw_words(text: str) -> list[str]:
    """As they stand there."""
    raw, word = [], ""
    for found in _PIECE.finditer(text):
        if found["gap"]:
            raw.append(word)
            word = ""
        else:
            word += found[0]
    return [word for word in (*raw, word) if word]


def words(text: str, scope: Scope, line: int) -> tuple[str, ...]:
    """As the shell makes them: what is open is split at spaces, redirections are gone."""
    made: list[str | None] = [None]
    files = set()  # places of what follows a redirection
    for found in _PIECE.finditer(text):
        if found["gap"] or found["redirect"]:
            if made[-1] is not None:
                made.append(None)
            if found["redirect"] and not (found["stream"] or found["other"]):
                files.add(len(made) - 1)
        elif found["double"] is not None:
            _join(made, _quoted(found["double"], scope, line))
        elif (items := _expanded(found, scope, line)) is not None:
            _join(made, [part for item in items for part in item.split()])
        else:
            _join(made, [_literal(found)])
    return tuple(word for place, word in enumerate(made) if word is not None and place not in files)


def assigned(text: str, scope: Scope, line: int, *, testing: bool = False) -> str:
    """One word, in which nothing is split: the right side of `=`. Where it is tested, what is not set is empty."""
    return "".join(
        " ".join(_quoted(found["double"], scope, line, testing))
        if found["double"] is not None
        else " ".join(items)
        if (items := _expanded(found, scope, line, testing)) is not None
        else _literal(found)
        for found in _PIECE.finditer(text)
    )


def _literal(found: re.Match[str]) -> str:
    for kind in ("single", "escaped"):
        if found[kind] is not None:
            return str(found[kind])
    return found[0]


def _join(made: list[str | None], parts: list[str]) -> None:
    """The first part belongs to the word that is being made."""
    for position, part in enumerate(parts):
        if position:
            made.append(part)
        else:
            made[-1] = (made[-1] or "") + part


def _quoted(text: str, scope: Scope, line: int, testing: bool = False) -> list[str]:
    """Several words only for "${list[@]}" (or "$@"), none where that is empty."""
    whole = re.fullmatch(r"\$\{(\w+)\[@\]\}", text)
    name = whole[1] if whole else "@" if text in ("$@", "${@}") else ""
    if name in scope.variables:
        return list(scope.variables[name])
    parts = []
    for found in _IN_QUOTES.finditer(text):
        expanded = _expanded(found, scope, line, testing)
        parts.append(found["escaped"] or found[0] if expanded is None else " ".join(expanded))
    return ["".join(parts)]


def _expanded(found: re.Match[str], scope: Scope, line: int, testing: bool = False) -> list[str] | None:
    """The items that a use of a variable stands for; None for what is none."""
    if found["computed"] is not None:
        return [scope.unknown(found[0], line, "the script computes it")]
    if found["plain"] is not None:
        items = _items(found["plain"], found[0], scope, line, testing)
        return items if found["plain"] in ("@", "*") else items[:1]
    if found["braced"] is None:
        return None
    use = _BRACED.fullmatch(found["braced"])
    if use is None:
        return [scope.unknown(found[0], line, "the script computes it")]
    held = scope.variables.get(use["name"])
    if use["how"] and (held is None or (use["how"][0] == ":" and held == [""])):
        return [assigned(use["otherwise"].strip("\"'"), scope, line)]
    items = _items(use["name"], found[0], scope, line, testing)
    return items if use["all"] else items[:1]


def _items(name: str, stood: str, scope: Scope, line: int, testing: bool) -> list[str]:
    if name in scope.variables:
        return scope.variables[name]
    if testing and name.isidentifier() and not name.isupper():  # in capitals is what comes from outside
        return [""]
    return [scope.unknown(stood, line, f"the script does not set {stood}")]
