"""PowerShell: variables, lists, `.Add(…)`, `if`, functions where they are called; loops and what is computed are read but not followed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kohya_wrap.config.importing.scripts.conditions import both, compare, either
from kohya_wrap.config.importing.scripts.functions import Beginning, Function, Functions
from kohya_wrap.config.importing.scripts.marks import Marks, marked
from kohya_wrap.config.importing.scripts.powershell_words import value, words
from kohya_wrap.config.importing.scripts.scope import Command, Scope
from kohya_wrap.config.importing.scripts.statements import POWERSHELL, Statement, statements

_ASSIGNS = re.compile(
    r"(?:\[[\w.\[\]]+\]\s*)?\$(?:(?P<place>script|global|local):)?(?P<name>\w+)\s*(?P<more>\+?)=\s*(?P<value>.*)",
    re.DOTALL,
)
_ENVIRONMENT = re.compile(r"\$\{?env:\w+\}?\s*\+?=.*", re.DOTALL | re.IGNORECASE)
_ADDS = re.compile(
    r"(?:\[void\]\s*|\$null\s*=\s*)?\$(?P<name>\w+)\.Add(?:Range)?\s*\((?P<value>.*)\)",
    re.DOTALL | re.IGNORECASE,
)
_CHOICE = re.compile(r"if\s*\((.*?)\)\s*\{([^{}]*)\}\s*else\s*\{([^{}]*)\}", re.DOTALL | re.IGNORECASE)
_LOOP = re.compile(r"foreach\s*\(\s*\$(\w+)\s+in\b.*", re.DOTALL | re.IGNORECASE)
_FUNCTION = re.compile(r"function\s+(?:(?:global|script|local):)?([\w-]+)", re.IGNORECASE)
_TAKES = re.compile(r"(?:function\s+[\w:-]+|param)\s*(\(.*\))", re.DOTALL | re.IGNORECASE)
_HEAD = re.compile(r"(?P<word>[\w-]+)\s*(?P<rest>.*)", re.DOTALL)
_BRACKETS = r"\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)"
_IN_BRACKETS = re.compile(_BRACKETS)
# Of several, the last joins all that stands before it: `-and` and `-or` weigh the same.
_JOINED = re.compile(
    rf"((?:[^()]|{_BRACKETS})+)\s-(and|or)\s((?:[^()]|{_BRACKETS})+)", re.DOTALL | re.IGNORECASE
)
_COMPARES = re.compile(r"(.+?)\s+-[ic]?(eq|ne|gt|ge|lt|le|like|notlike)\s+(.+)", re.DOTALL | re.IGNORECASE)
_DENIES = re.compile(r"(?:!|-not\b)\s*(.+)", re.DOTALL | re.IGNORECASE)


def commands(name: str, text: str, marks: Marks) -> list[Command]:
    script = _PowerShell(Scope(marks))
    script.follow_all(statements(name, text, POWERSHELL))
    for function in script.functions.not_called():
        script.scope.open("function", function.line, None, "never")
        script.follow_all(function.body)
        script.scope.branches.pop()
    return script.started


def _begins(text: str) -> Beginning | None:
    found = _FUNCTION.match(text)
    return found and Beginning(found[1], text.endswith("{"))


def _parameters(head: str) -> list[str]:
    """The names in `function f($a, $b)` or `param($a, $b)`."""
    found = _TAKES.match(head)
    return [name.lower() for name in re.findall(r"(?:\(|,|\])\s*\$(\w+)", found[1])] if found else []


def _braces(text: str) -> int:
    """How many more are opened than closed."""
    return 1 if text.endswith("{") else -1 if text == "}" else 0


class _PowerShell:
    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.started: list[Command] = []
        self.numbers: set[str] = set()  # variables of which 0 is false; of a text "0" is true
        self.functions = Functions(_begins, _braces)
        self.shared: set[str] = set()  # what a function sets for all
        self.closed: bool | None = None  # whether the `if` just closed, or a part of it, was taken

    def follow_all(self, script: Iterable[Statement]) -> None:
        depth = len(self.scope.branches)
        for statement in self.functions.set_aside(script):
            self.follow(statement)
        del self.scope.branches[depth:]

    def follow(self, statement: Statement) -> None:
        text, line, scope = statement.text, statement.line, self.scope
        if text == "}":
            if scope.branches:
                self.closed = scope.branches.pop().was_taken
        elif text.endswith("{"):
            self._opens(text.removesuffix("{").strip(), line)
        elif not text or scope.reached() is False or _ENVIRONMENT.fullmatch(text):
            return
        elif found := _ADDS.fullmatch(text):
            items, _ = value(found["value"], scope, line)
            scope.extend(found["name"].lower(), items, line=line, maybe=scope.unfollowed())
        elif found := _ASSIGNS.fullmatch(text):
            if (found["place"] or "").lower() in ("script", "global"):
                self.shared.add(found["name"].lower())
            self._assign(found["name"].lower(), found["value"], line, more=bool(found["more"]))
        else:
            told = words(text, scope, line)
            if function := self.functions.called_by(told):
                self._call(function, told[1:], line)
            else:
                self.started.append(Command(told, line, scope.unfollowed()))

    def _call(self, function: Function, given: tuple[str, ...], line: int) -> None:
        """What it sets is gone after it, but for `$script:` and `$global:`."""
        scope, before, lists = self.scope, dict(self.scope.variables), set(self.scope.lists)
        with function.with_arguments(scope, given):
            heads = [function.head, *(one.text for one in function.body[:2])]
            names = [name for head in heads for name in _parameters(head)]
            plain = not any(word.startswith("-") for word in given)
            for place, name in enumerate(names):
                known = plain and place < len(given)
                mark = scope.unknown(f"${name}", line, "it is given to a function")
                scope.set(name, [given[place] if known else mark], line=line)
            self.follow_all(function.body)
        kept = {name: scope.variables[name] for name in self.shared & scope.variables.keys()}
        scope.lists = lists | (self.shared & scope.lists)
        scope.variables = before | kept

    def _opens(self, head: str, line: int) -> None:
        found = _HEAD.match(head)
        word = found["word"].lower() if found else ""
        if word == "if" and found:
            self.scope.open("if", line, self._holds(found["rest"]))
        elif word in ("elseif", "else") and found:
            self.scope.open("if", line, False)
            branch = self.scope.branches[-1]
            branch.was_taken = self.closed
            branch.other(self._holds(found["rest"]) if word == "elseif" else True)
        elif word in ("try", "finally", "catch"):
            self.scope.open(word, line, word != "catch")
        else:
            self.scope.open(word or "{", line, None)
            if loop := _LOOP.fullmatch(head):
                mark = self.scope.unknown(f"${loop[1]}", line, "it has one value after another, in a loop")
                self.scope.set(loop[1].lower(), [mark], line=line)

    def _assign(self, name: str, text: str, line: int, *, more: bool) -> None:
        scope, maybe = self.scope, self.scope.unfollowed()
        if choice := _CHOICE.fullmatch(text.strip()):
            holds = self._holds(choice[1])
            text = text if holds is None else choice[2] if holds else choice[3]
        items, is_list = value(text, scope, line)
        if more and (is_list or name in scope.lists):
            scope.extend(name, items, line=line, maybe=maybe)
            return
        if more:
            items = ["".join([*scope.variables.get(name, []), *items])]
        scope.set(name, items, line=line, maybe=maybe, is_list=is_list)
        is_number = re.fullmatch(r"\s*(-?[\d.]+|\$(true|false))\s*", text, re.IGNORECASE)
        (self.numbers.add if is_number else self.numbers.discard)(name)

    def _holds(self, condition: str) -> bool | None:
        text = condition.strip()
        while _IN_BRACKETS.fullmatch(text):
            text = text[1:-1].strip()
        if parts := _JOINED.fullmatch(text):
            join = both if parts[2].lower() == "and" else either
            return join(self._holds(parts[1]), self._holds(parts[3]))
        if denied := _DENIES.fullmatch(text):
            holds = self._holds(denied[1])
            return holds if holds is None else not holds
        if found := _COMPARES.fullmatch(text):
            left, right = (self._operand(found[place]) for place in (1, 3))
            if marked(left + right):
                return None
            return compare(left.lower(), f"-{found[2].lower()}", right.lower())
        return self._truth(text)

    def _operand(self, text: str) -> str:
        name = text.strip().removeprefix("$").lower()
        if text.strip().startswith("$") and name.isidentifier() and name not in self.scope.variables:
            return {"true": "True", "false": "False"}.get(name, "")  # what is not set is empty
        return " ".join(value(text, self.scope, 0)[0])

    def _truth(self, text: str) -> bool | None:
        told = self._operand(text)
        if marked(told):
            return None
        name = text.strip().removeprefix("$").lower()
        if name in self.numbers or name in ("true", "false"):
            return told not in ("False", "0", "") and float(told if told != "True" else 1) != 0
        return bool(told)
