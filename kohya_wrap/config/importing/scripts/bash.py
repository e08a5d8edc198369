"""Bash and sh: variables, lists, `if`, `[ … ] && …`, functions where they are called; loops and `case` are read but not followed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import reduce

from kohya_wrap.config.importing.scripts.bash_words import assigned, raw_words, words
from kohya_wrap.config.importing.scripts.conditions import both, compare, either
from kohya_wrap.config.importing.scripts.functions import Beginning, Functions
from kohya_wrap.config.importing.scripts.marks import Marks, marked
from kohya_wrap.config.importing.scripts.scope import Command, Scope
from kohya_wrap.config.importing.scripts.starts import starts_nothing
from kohya_wrap.config.importing.scripts.statements import BASH, Statement, statements

_LIST = re.compile(
    r"(?:(?:export|local|readonly|declare|typeset)\s+(?:-\w+\s+)*)?(\w+)(\+?)=\((.*)\)", re.DOTALL
)
_ASSIGNS = re.compile(r"(\w+)(\+?)=(.*)", re.DOTALL)
_DECLARES = ("export", "local", "readonly", "declare", "typeset")
_FUNCTION = re.compile(
    r"(?:function\s+(?P<named>[\w-]+)\s*(?:\(\))?|(?P<name>[\w-]+)\s*\(\))\s*(?:(?P<open>\{)\s*(?P<rest>.*))?",
    re.DOTALL,
)
_CHANGES = re.compile(r"(?:read|mapfile|readarray|let|unset|getopts)\s+(.*)", re.DOTALL)
_COUNTS = re.compile(r"(\w+)\s*(?:[-+*/%]?=(?!=)|\+\+|--)")
_TEST = re.compile(r"(!\s*)?(?:(\[\[?)\s+(.*)\s+\]\]?|test\s+(.*))", re.DOTALL)
_LOOPS = {"for": "done", "while": "done", "until": "done", "select": "done", "case": "esac"}
_SCRIPT = re.compile(r"\.py\s.*--", re.DOTALL)


def commands(name: str, text: str, marks: Marks) -> list[Command]:
    return list(_Bash(name, Scope(marks)).follow(text))


class _Bash:
    def __init__(self, name: str, scope: Scope) -> None:
        self.name, self.scope = name, scope
        self.status: bool | None = True  # of the statement before
        self.testing = False  # between `if` and `then`
        self.functions = Functions(_begins, _braces)
        self.ended = False  # by `exit`

    def follow(self, text: str) -> Iterator[Command]:
        yield from self._all(statements(self.name, text, BASH))
        for function in self.functions.not_called():
            self.ended = False
            self.scope.open("function", function.line, None, "never")
            yield from self._all(function.body)
            self.scope.branches.pop()

    def _all(self, script: Iterable[Statement]) -> Iterator[Command]:
        depth = len(self.scope.branches)
        for whole in self.functions.set_aside(script):
            statement = Statement(self._branch(whole), whole.line, whole.after)
            reached = self.scope.reached()
            if not statement.text or reached is False or self._is_passed_over(statement):
                continue
            if (word := statement.text.split()[0]) in ("exit", "return") and reached and not statement.after:
                self.ended = word == "exit"
                break
            yield from self._statement(statement)
            if self.ended:
                break
        del self.scope.branches[depth:]  # of a function that is left, or a script that is cut off

    def _is_passed_over(self, statement: Statement) -> bool:
        """`false && …`, `true || …`."""
        return (statement.after == "&&" and self.status is False) or (
            statement.after == "||" and self.status is True
        )

    def _branch(self, statement: Statement) -> str:
        """Follow `if`, `else`, `fi` and the rest; what is left to do of the statement."""
        text, branches = statement.text, self.scope.branches
        word, _, rest = text.partition(" ")
        if self.testing and word not in ("then", "do"):
            self._tested(statement)
        elif word == "if":
            self.scope.open("if", statement.line, self._holds(rest), "fi")
            self.testing = True
        elif word in _LOOPS:
            self._loop(word, rest, statement.line)
        elif word == "{":
            taken = None if statement.after in ("&&", "||") else True
            self.scope.open("{", statement.line, False if self._is_passed_over(statement) else taken, "}")
            return rest
        elif word in ("elif", "else") and branches:
            branches[-1].other(self._holds(rest) if word == "elif" else True)
            self.testing = word == "elif"
            return rest if word == "else" else ""
        elif branches and word == branches[-1].closes:
            branches.pop()
            self.status = None
        elif word in ("then", "do"):
            self.testing = False
            return rest
        else:
            return text
        return ""

    def _loop(self, word: str, rest: str, line: int) -> None:
        self.scope.open(word, line, None, _LOOPS[word])
        for name in rest.split()[:1] if word in ("for", "select") else _changed(rest):
            mark = self.scope.unknown(f"${name}", line, "it has one value after another, in a loop")
            self.scope.set(name, [mark], line=line)

    def _tested(self, statement: Statement) -> None:
        """More of the condition: `if [[ a ]] || [[ b ]]`."""
        branch, holds = self.scope.branches[-1], self._holds(statement.text)
        if statement.after == "||":
            holds = either(branch.condition, holds)
        elif statement.after == "&&":
            holds = both(branch.condition, holds)
        branch.decide(holds)

    def _statement(self, statement: Statement) -> Iterator[Command]:
        text, line, scope = statement.text, statement.line, self.scope
        maybe = scope.unfollowed()
        if not maybe and statement.after in ("&&", "||") and self.status is None:
            maybe = f"after a condition of line {line}"
        if _TEST.fullmatch(text) or text in ("true", "false"):
            self.status = self._holds(text)
        elif found := _LIST.fullmatch(text):
            self._list(found[1], words(found[3], scope, line), more=bool(found[2]), line=line, maybe=maybe)
        elif names := _changed(text):
            for name in names:
                scope.set(name, [scope.unknown(f"${name}", line, "the script computes it")], line=line)
        elif rest := self._assign(text, line, maybe):
            self.status = None
            told = words(rest, scope, line)
            if function := self.functions.called_by(told):
                with function.with_arguments(scope, told[1:]):
                    yield from self._all(function.body)
            else:
                for words_of in self._scripts_within(told, line):
                    yield Command(words_of, line, scope.unfollowed())

    def _scripts_within(self, told: tuple[str, ...], line: int) -> Iterator[tuple[str, ...]]:
        """The command, and what stands as a text in it: `bash -c "accelerate launch …"`, `eval "$cmd"`."""
        inner = [word for word in told if _SCRIPT.search(word) and not word.startswith("-")]
        inner = [] if starts_nothing(told) else inner
        if not inner:
            yield told
        for word in inner:
            for statement in statements(self.name, word, BASH):
                yield words(statement.text, self.scope, line)

    def _list(self, name: str, items: tuple[str, ...], *, more: bool, line: int, maybe: str) -> None:
        if more:
            self.scope.extend(name, items, line=line, maybe=maybe)
        else:
            self.scope.set(name, items, line=line, maybe=maybe, is_list=True)
        self.status = True if not maybe else None

    def _assign(self, text: str, line: int, maybe: str) -> str:
        """Set `a=1 b=2`; where a command follows, they are its own, and it is what is left."""
        raw = raw_words(text)
        declares = raw[0] in _DECLARES
        while raw and declares and (raw[0] in _DECLARES or raw[0].startswith("-")):
            raw.pop(0)
        found = [_ASSIGNS.fullmatch(word) for word in raw]
        if None in found:
            return "" if declares else " ".join(raw[found.index(None) :])
        for match in found:
            assert match is not None
            value = assigned(match[3], self.scope, line)
            if match[2]:
                value = "".join(self.scope.variables.get(match[1], [])) + value
            self.scope.set(match[1], [value], line=line, maybe=maybe)
        self.status = None if maybe else True
        return ""

    def _holds(self, condition: str) -> bool | None:
        """Whether `[[ $x == 1 ]]` and its like hold; None for what is not as plain."""
        if condition.strip() in ("true", "false"):
            return condition.strip() == "true"
        found = _TEST.fullmatch(condition.strip())
        if found is None:
            return None
        alternatives = [
            reduce(both, [self._atom(part) for part in _split(one, ("&&", "-a"))])  # which binds more closely
            for one in _split(raw_words(found[3] or found[4]), ("||", "-o"))
        ]
        return _turned(reduce(either, alternatives), denied=bool(found[1]))

    def _atom(self, raw: list[str]) -> bool | None:
        told = [assigned(word, self.scope, 0, testing=True) for word in raw]
        denied = told[:1] == ["!"]
        return _turned(self._told(told[1:] if denied else told), denied=denied)

    @staticmethod
    def _told(told: list[str]) -> bool | None:
        if any(marked(word) for word in told):
            return None
        if len(told) == 3:
            return compare(told[0], told[1], told[2])
        if len(told) == 2 and told[0] in ("-n", "-z"):
            return bool(told[1]) is (told[0] == "-n")
        return bool(told and told[0]) if len(told) < 2 else None


def _begins(text: str) -> Beginning | None:
    found = _FUNCTION.fullmatch(text)
    return found and Beginning(found["name"] or found["named"], bool(found["open"]), found["rest"] or "")


def _braces(text: str) -> int:
    """How many more are opened than closed."""
    word = text.partition(" ")[0]
    return 1 if word == "{" or ((begun := _begins(text)) and begun.opened) else -1 if word == "}" else 0


def _split(raw: list[str], signs: tuple[str, str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in raw:
        if word in signs:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def _turned(holds: bool | None, *, denied: bool) -> bool | None:
    return not holds if denied and holds is not None else holds


def _changed(text: str) -> list[str]:
    """The variables that `read`, `let`, `((…))` and their like set."""
    if text.startswith("(("):
        return _COUNTS.findall(text)
    found = _CHANGES.fullmatch(text)
    return (
        [word.partition("=")[0] for word in raw_words(found[1]) if word.partition("=")[0].isidentifier()]
        if found
        else []
    )
