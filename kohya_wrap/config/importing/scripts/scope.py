"""What a script has set so far, and whether the place it has come to is reached."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kohya_wrap.config.importing.scripts.conditions import both, either
from kohya_wrap.config.importing.scripts.marks import Marks


@dataclass(frozen=True)
class Command:
    """A command that is started, its words with marks where they are not known.

    Attributes:
        unfollowed: where it stands, if it is not known whether that is reached; else empty.
    """

    words: tuple[str, ...]
    line: int
    unfollowed: str = ""


@dataclass
class Branch:
    """An `if`, a loop or a function.

    Attributes:
        what: "`if` of line 3".
        taken: whether its present branch is; None: it is not known.
        was_taken: whether one was so far, the present one among them; `before`: whether one before it was.
        condition: whether the present branch's condition holds, as far as it is read.
        closes: the word that closes it.
    """

    what: str
    taken: bool | None
    was_taken: bool | None
    condition: bool | None
    closes: str = ""
    before: bool | None = False

    def decide(self, holds: bool | None) -> None:
        """The condition of the present branch holds or not."""
        self.condition = holds
        self.taken = both(None if self.before is None else not self.before, holds)
        self.was_taken = either(self.before, holds)

    def other(self, holds: bool | None) -> None:
        """On to an `elif` or `else` whose condition holds or not."""
        self.before = self.was_taken
        self.decide(holds)


class Scope:
    """
    Attributes:
        variables: name -> its items; a text is a list of one.
        lists: the names that are lists.
    """

    def __init__(self, marks: Marks) -> None:
        self.marks = marks
        self.variables: dict[str, list[str]] = {}
        self.lists: set[str] = set()
        self.branches: list[Branch] = []

    def open(self, what: str, line: int, taken: bool | None, closes: str = "") -> None:
        self.branches.append(Branch(f"`{what}` of line {line}", taken, taken, taken, closes))

    def reached(self) -> bool | None:
        taken = [branch.taken for branch in self.branches]
        return False if False in taken else None if None in taken else True

    def unfollowed(self) -> str:
        """The branch that is not followed; empty where the place is reached for certain."""
        return next((f"in the {b.what}" for b in self.branches if b.taken is None), "")

    def unknown(self, stood: str, line: int, why: str, might: Iterable[str] = ()) -> str:
        return self.marks.put(stood, f"line {line}: {why}", might)

    def set(
        self,
        name: str,
        items: Iterable[str],
        *,
        line: int,
        maybe: str = "",
        is_list: bool = False,
        stood: str = "",
    ) -> None:
        """
        Args:
            maybe: where it is set, if it is not known whether that is reached.
            stood: how it is used, to be shown where it is not known.
        """
        new = list(items)
        before = self.variables.get(name, [])
        if maybe and new != self.variables.get(name):
            why = f"it is set {maybe}, which is not followed"
            new = [self.unknown(stood or f"${name}", line, why, might=(*before, *new))]
        self.variables[name] = new
        (self.lists.add if is_list else self.lists.discard)(name)

    def extend(self, name: str, items: Iterable[str], *, line: int, maybe: str = "") -> None:
        """More items of a list; each by itself is uncertain where it is not known whether they are added."""
        mark = self.unknown("", line, f"it is added {maybe}, which is not followed") if maybe else ""
        self.variables[name] = self.variables.get(name, []) + [item + mark for item in items]
        self.lists.add(name)
