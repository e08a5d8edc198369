"""The words and values of a statement of PowerShell: quotes, escapes, variables, lists."""

from __future__ import annotations

import re

from kohya_wrap.config.importing.scripts.scope import Scope

_NESTED = r"\$\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)"
_DOUBLE = rf'"(?P<double>(?:[^"`$]|`.|""|{_NESTED}|\$(?!\())*)"'
_SINGLE = r"'(?P<single>(?:[^']|'')*)'"
_NAME = r"\$(?:\{(?P<braced>[^}]*)\}|(?P<plain>(?:\w+:)?\w+))"
_PIECE = re.compile(
    rf"""
      (?P<gap>\s+)
    | (?P<redirect>[\d*]?>+(?:&\d)?)
    | {_DOUBLE} | {_SINGLE}
    | (?P<computed>{_NESTED}|\((?:[^()]|\([^()]*\))*\)|\$\w+(?:\.\w+|\[[^\]]*\])+)
    | {_NAME}
    | `(?P<escaped>.)
    | (?P<bare>[^\s"'`$(>]+|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_IN_QUOTES = re.compile(
    rf"""(?P<computed>{_NESTED})|{_NAME}|`(?P<escaped>.)|(?P<twice>"")|(?P<bare>[^$`"]+|.)""", re.DOTALL
)
_ITEM = re.compile(
    rf"""
      {_DOUBLE} | {_SINGLE}
    | (?P<computed>\$\w+(?:\.\w+|\[[^\]]*\]|\())
    | {_NAME}
    | (?P<number>-?\d[\w.]*(?:(?<=[eE])[-+]\d+)?(?![^\s,+;)]))
    | (?P<plus>\s*\+\s*) | (?P<between>\s*[,;\n]\s*) | (?P<gap>[ \t\r]+)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_NEW_LIST = re.compile(
    r"\[[\w.\[\]]*(?:ArrayList|List)[\w.\[\]]*\]::new\(\)|New-Object\s+[\w.\[\]]*(?:ArrayList|List)[\w.\[\]]*(?:\(\))?|@\(\s*\)",
    re.IGNORECASE,
)
_CAST = re.compile(
    r"\[(?:int|string|float|double|string\[\]|System\.Collections\.ArrayList)\]\s*", re.IGNORECASE
)
_CONSTANTS = {"true": "True", "false": "False", "null": ""}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": ""}


def words(text: str, scope: Scope, line: int) -> tuple[str, ...]:
    """As a program is given them: each item of a list is a word, a text is never split."""
    made: list[str | None] = [None]
    files = set()
    text = re.sub(r"^&\s*", "", text)  # the call operator
    pieces = list(_PIECE.finditer(re.sub(r"(?<!\S)@(?=\w)", "$", text)))  # @list is splatted as $list is
    for place, found in enumerate(pieces):
        if found["gap"] or found["redirect"]:
            if made[-1] is not None:
                made.append(None)
            if found["redirect"] and "&" not in found["redirect"]:
                files.add(len(made) - 1)
            continue
        alone = made[-1] is None and (place + 1 == len(pieces) or bool(pieces[place + 1]["gap"]))
        items = _items(found, scope, line)
        if not alone:
            items = [" ".join(items)]
        for position, item in enumerate(items):
            if position:
                made.append(item)
            else:
                made[-1] = (made[-1] or "") + item
    return tuple(word for place, word in enumerate(made) if word is not None and place not in files)


def value(text: str, scope: Scope, line: int) -> tuple[list[str], bool]:
    """The items of an expression, and whether it is a list; what is not a plain one is one mark."""
    stripped = _CAST.sub("", text.strip(), count=1)
    if _NEW_LIST.fullmatch(text.strip()) or _NEW_LIST.fullmatch(stripped):
        return [], True
    listed = re.fullmatch(r"@\((.*)\)", stripped, re.DOTALL)
    items, is_list, adds = [""], bool(listed), False
    begun = False
    for found in _ITEM.finditer(listed[1].strip() if listed else stripped):
        if found["other"] or found["computed"]:
            return [_computed(text, scope, line)], bool(listed)
        if found["between"]:
            is_list, begun = True, False
        elif found["plus"]:
            adds = True
        elif not found["gap"]:
            parts = _items(found, scope, line)
            is_list = is_list or _name(found) in scope.lists
            if begun and adds and parts:
                items[-1] += parts[0]
                items += parts[1:]
            elif begun:  # two values with nothing between: no expression that we know
                return [_computed(text, scope, line)], bool(listed)
            else:
                items += parts
            begun, adds = True, False
    return items[1:] if len(items) > 1 or is_list else [""], is_list


def _computed(text: str, scope: Scope, line: int) -> str:
    """A mark for the expression, which may hold what stands in it and in the variables that it uses."""
    used = (item for name in re.findall(r"\$(\w+)", text) for item in scope.variables.get(name.lower(), []))
    return scope.unknown(_short(text), line, "the script computes it", might=(text, *used))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:57]}..."


def _name(found: re.Match[str]) -> str:
    return (found["braced"] or found["plain"] or "").lower()


def expanded(text: str, scope: Scope, line: int) -> str:
    """What stands between double quotes."""
    return "".join(" ".join(_items(found, scope, line)) for found in _IN_QUOTES.finditer(text))


def _items(found: re.Match[str], scope: Scope, line: int) -> list[str]:
    told = found.groupdict()
    if told.get("double") is not None:
        return [expanded(told["double"], scope, line)]
    if told.get("single") is not None:
        return [told["single"].replace("''", "'")]
    if told.get("computed") is not None:
        return [scope.unknown(found[0], line, "the script computes it")]
    if told.get("escaped") is not None:
        return [_ESCAPES.get(told["escaped"], told["escaped"])]
    if told.get("twice"):
        return ['"']
    if not (name := _name(found)):
        return [found[0]]
    if name in scope.variables:
        return scope.variables[name]
    if name in _CONSTANTS:
        return [_CONSTANTS[name]]
    return [scope.unknown(found[0], line, f"the script does not set {found[0]}")]
