"""Batch files of Windows: `set`, `%NAME%`, `if "%A%"=="1"`; loops and other conditions are read but not followed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kohya_wrap.config.importing import refusal
from kohya_wrap.config.importing.scripts.marks import Marks
from kohya_wrap.config.importing.scripts.scope import Command, Scope

_NAME = r"[A-Za-z_]\w*"
_USE = re.compile(rf"%({_NAME})%|!({_NAME})!|%~?\w*?\d|%%~?\w+|%{_NAME}:[^%]*%")
_SET = re.compile(rf'set\s+(?:"({_NAME})=(.*)"|({_NAME})=(.*))', re.IGNORECASE)
_COMPUTED_SET = re.compile(rf'set\s+/[ap]\s+"?({_NAME})\s*\+?=.*', re.IGNORECASE)
_IF = re.compile(r"(?:else\s+)?if\s+(?P<case>/i\s+)?(?P<denied>not\s+)?(?P<rest>.*)", re.IGNORECASE)
_EQUALS = re.compile(r'(?P<left>"[^"]*"|\S+?)\s*==\s*(?P<right>"[^"]*"|[^\s(]+)\s*(?P<then>.*)')
_OTHER = re.compile(
    r'(?:exist\s+(?:"[^"]*"|\S+)|defined\s+\S+|errorlevel\s+\S+|(?:"[^"]*"|\S+)\s+(?:equ|neq|lss|leq|gtr|geq)\s+(?:"[^"]*"|\S+))\s*(?P<then>.*)',
    re.IGNORECASE,
)
_LEFT_OUT = re.compile(r"(?:rem\b|::|:\w|@?echo\b|title\b|color\b)", re.IGNORECASE)
_JOINED = re.compile(r"\^[ \t]*\r?$")
_PARTS = re.compile(r'((?:"[^"]*"|\^.|[^"&|])+)')
_PIECE = re.compile(
    r'(?P<gap>\s+)|(?P<redirect>\d?>+(?:&\d)?)|"(?P<quoted>[^"]*)"|\^(?P<escaped>.)|(?P<bare>[^\s"^>]+|.)'
)


def commands(name: str, text: str, marks: Marks) -> list[Command]:
    script = _Batch(Scope(marks))
    for line, statement in _lines(name, text):
        script.follow(statement, line)
    return script.started


def _lines(name: str, text: str) -> Iterator[tuple[int, str]]:
    joined, begins = "", 0
    for number, line in enumerate(text.split("\n"), start=1):
        begins = begins or number
        if end := _JOINED.search(line):
            if len(end[0].rstrip("\r")) > 1:
                raise refusal.broken_script(
                    name,
                    number,
                    "^ with a space after it does not continue the line",
                    "Remove the space at its end",
                )
            joined += line[: end.start()]
            continue
        whole, joined, line_of, begins = (joined + line).strip().removeprefix("@"), "", begins, 0
        if whole and not _LEFT_OUT.match(whole):
            if whole.count('"') % 2:
                raise refusal.broken_script(name, line_of, 'the " is never closed', "Close it, or remove it")
            yield line_of, whole


class _Batch:
    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.started: list[Command] = []

    def follow(self, text: str, line: int) -> None:
        text, branches = text.strip().removeprefix("@"), self.scope.branches
        if text.startswith(")"):
            closed = branches.pop() if branches else None
            rest = text[1:].strip()
            if closed and rest.lower().startswith("else"):
                self.scope.open("if", line, False)
                branches[-1].was_taken = closed.was_taken
                found = _IF.fullmatch(rest)
                branches[-1].other(self._holds(found)[0] if found else True)
                self._body((self._holds(found)[1] if found else rest[4:]).strip(), line)
            return
        if found := _IF.fullmatch(text):
            holds, then = self._holds(found)
            self.scope.open("if", line, holds)
            self._body(then, line)
        elif text.lower().startswith("for "):
            self.scope.open("for", line, None)
            self._body(text.partition(" do ")[2].strip() or "(", line)
        elif self.scope.reached() is not False:
            self._statement(text, line)

    def _body(self, then: str, line: int) -> None:
        """What follows the condition: a bracket that stays open, one that is closed on the line, or one command."""
        if then.startswith("(") and not then.endswith(")"):
            if inner := then[1:].strip():
                self.follow(inner, line)
            return
        if inner := then.removeprefix("(").removesuffix(")").strip():
            self.follow(inner, line)
        self.scope.branches.pop()

    def _holds(self, found: re.Match[str]) -> tuple[bool | None, str]:
        """Whether the condition holds, and what follows it."""
        if equals := _EQUALS.fullmatch(found["rest"]):
            left, right = (self._filled(equals[side], 0, testing=True) for side in ("left", "right"))
            if self.scope.marks.why(left + right):
                return None, equals["then"]
            same = left.lower() == right.lower() if found["case"] else left == right
            return same is not bool(found["denied"]), equals["then"]
        other = _OTHER.fullmatch(found["rest"])
        return None, other["then"] if other else "("

    def _statement(self, text: str, line: int) -> None:
        scope, maybe = self.scope, self.scope.unfollowed()
        if computed := _COMPUTED_SET.fullmatch(text):
            name = computed[1].lower()
            scope.set(name, [scope.unknown(f"%{computed[1]}%", line, "the script computes it")], line=line)
        elif found := _SET.fullmatch(text):
            value = self._filled(found[2] if found[1] else found[4], line)
            name = found[1] or found[3]
            scope.set(name.lower(), [value], line=line, maybe=maybe, stood=f"%{name}%")
        else:
            for part in _PARTS.findall(self._filled(text, line)):
                self.started.append(
                    Command(_words(re.sub(r"^(call|start)\s+", "", part.strip())), line, maybe)
                )

    def _filled(self, text: str, line: int, *, testing: bool = False) -> str:
        """With the variables filled in as texts, before anything else is read, as cmd does it."""

        def value(found: re.Match[str]) -> str:
            name = found[1] or found[2]
            if name and name.lower() in self.scope.variables:
                return self.scope.variables[name.lower()][0]
            if name and testing and not name.isupper():
                return ""
            return self.scope.unknown(found[0], line, f"the script does not set {found[0]}")

        return _USE.sub(value, text)


def _words(text: str) -> tuple[str, ...]:
    made: list[str | None] = [None]
    files = set()
    for found in _PIECE.finditer(text):
        if found["gap"] or found["redirect"]:
            if made[-1] is not None:
                made.append(None)
            if found["redirect"] and "&" not in found["redirect"]:
                files.add(len(made) - 1)
        else:
            told = next(found[kind] for kind in ("quoted", "escaped", "bare") if found[kind] is not None)
            made[-1] = (made[-1] or "") + told
    return tuple(word for place, word in enumerate(made) if word is not None and place not in files)
