"""Functions of a script: set aside where they are made, followed where they are called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from kohya_wrap.config.importing.scripts.scope import Scope
from kohya_wrap.config.importing.scripts.statements import Statement

_MOST_CALLS = 1000  # functions that call each other twice would be followed for ever


@dataclass(frozen=True)
class Beginning:
    """`name() { rest`; not `opened` where its bracket stands on the next line."""

    name: str
    opened: bool
    rest: str = ""


@dataclass
class Function:
    """Attributes: head: the statement that begins it."""

    head: str
    line: int
    body: list[Statement] = field(default_factory=list)
    is_called: bool = False
    runs: bool = False  # so that one that calls itself comes to an end

    @contextmanager
    def with_arguments(self, scope: Scope, words: Sequence[str]) -> Iterator[None]:
        """$1 and the rest are the words it is called with."""
        names = [str(number) for number in range(1, 10)]
        before = {name: scope.variables.pop(name) for name in (*names, "@", "*") if name in scope.variables}
        given = dict(zip(names, ([word] for word in words), strict=False))
        given |= {"@": list(words), "*": list(words)}
        scope.variables |= given
        self.is_called = self.runs = True
        try:
            yield
        finally:
            self.runs = False
            for name in given:
                scope.variables.pop(name, None)
            scope.variables |= before


class Functions:
    """
    Args:
        begins: what a statement begins, if it is a function.
        braces: how many brackets a statement opens, less those it closes.
    """

    def __init__(self, begins: Callable[[str], Beginning | None], braces: Callable[[str], int]) -> None:
        self._begins, self._braces = begins, braces
        self._all: list[Function] = []
        self._named: dict[str, Function] = {}
        self._calls = 0

    def set_aside(self, script: Iterable[Statement]) -> Iterator[Statement]:
        """The statements that stand in no function."""
        rest = iter(script)
        for statement in rest:
            begun = self._begins(statement.text)
            if begun is None:
                yield statement
                continue
            function = Function(statement.text, statement.line)
            self._all.append(function)
            self._named[begun.name.lower()] = function
            self._body(function, begun, statement, rest)

    def _body(self, function: Function, begun: Beginning, head: Statement, rest: Iterator[Statement]) -> None:
        depth = int(begun.opened)
        if begun.rest:
            function.body.append(Statement(begun.rest, head.line))
        for statement in rest:
            depth += self._braces(statement.text)
            if depth <= 0 and statement.text:
                return
            opens = depth == 1 and not function.body and statement.text.startswith("{")
            text = statement.text[1:].strip() if opens and not begun.opened else statement.text
            function.body.append(Statement(text, statement.line, statement.after))

    def called_by(self, words: Sequence[str]) -> Function | None:
        function = self._named.get(words[0].lower()) if words else None
        if function is None or function.runs or self._calls == _MOST_CALLS:
            return None
        self._calls += 1
        return function

    def not_called(self) -> Iterator[Function]:
        """Those that nothing has called so far, as they come; also such as one of them makes."""
        for function in self._all:
            if not function.is_called:
                function.runs = True
                yield function
                function.runs = False
