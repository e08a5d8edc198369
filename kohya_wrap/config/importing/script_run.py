"""A training script followed as far as it is plain: what it sets, which of its branches it takes, what it starts.

Nothing is run. What a script computes stays unknown, and so does all that depends on it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from kohya_wrap.config.importing.script_text import filled, statements, uses_variables, words

# name=value, export name=value, $name = value (PowerShell), set name=value and set "name=value" (cmd), name+=(...)
_SETS = re.compile(
    r"""^(?:export\s+|set\s+"?|\$(?:env:)?)?(?P<name>[A-Za-z_]\w*)\s*(?P<more>\+?)=\s*(?P<value>.*)$""",
    re.IGNORECASE,
)
_LIST = re.compile(r"^\((.*)\)$")
_COMPUTED = re.compile(
    r"\[|[A-Za-z]+-[A-Za-z]+\s|.*(\$\(|`)|@\("
)  # by a type, a command, a list of PowerShell
_SEPARATORS = frozenset({"&&", "||", "|", "&", ">", ">>", "<", "2>&1", "2>"})
_OPENS = re.compile(
    r"^(if|elseif|else|switch|foreach|for|while)\b.*\{$|^\}\s*(else|elseif)\b.*\{$", re.IGNORECASE
)
_COMPARE: dict[str, Callable[[str, str], bool]] = {
    "==": fnmatchcase,
    "=": fnmatchcase,
    "!=": lambda left, right: not fnmatchcase(left, right),
    "-eq": lambda left, right: left == right,
    "-ne": lambda left, right: left != right,
}


@dataclass
class _Branch:
    """An `if` (or a loop): whether its present branch is taken, and whether one was; None where it is not known."""

    closes: str
    taken: bool | None
    was_taken: bool | None


def commands(text: str) -> Iterator[tuple[str, ...]]:
    """The words of every command that may be started; a variable that is not known stands as it was."""
    yield from _Script().follow(text)


class _Script:
    def __init__(self) -> None:
        self.variables: dict[str, str] = {}
        self.unknown: set[str] = set()
        self.branches: list[_Branch] = []

    def follow(self, text: str) -> Iterator[tuple[str, ...]]:
        for whole in statements(text):
            statement = self._branch(whole)
            if not statement or self._taken() is False:
                continue
            found = _SETS.match(statement)
            if found and not _is_command(statement):
                self._set(found["name"], found["value"], more=bool(found["more"]))
            else:
                yield from _between_separators(words(filled(statement, self.variables)))

    def _taken(self) -> bool | None:
        """Whether this place is reached."""
        taken = [branch.taken for branch in self.branches]
        if False in taken:
            return False
        return None if None in taken else True

    def _branch(self, statement: str) -> str:
        """Follow `if`, `else`, `fi` and loops; what is left to do of the statement."""
        word, _, rest = statement.partition(" ")
        if _OPENS.match(statement):  # PowerShell and cmd: not followed, so whatever stands in it is not known
            if statement.startswith("}") and self.branches:
                self.branches.pop()
            self.branches.append(_Branch("}", None, None))
            return ""
        if word == "if":
            holds = self._holds(rest)
            self.branches.append(_Branch("fi", holds, holds))
        elif word in ("for", "while", "until", "case"):
            self.branches.append(_Branch("esac" if word == "case" else "done", None, None))
        elif word in ("elif", "else") and self.branches:
            self._other(self.branches[-1], self._holds(rest) if word == "elif" else True)
            return rest if word == "else" else ""
        elif self.branches and word == self.branches[-1].closes:
            self.branches.pop()
        elif word in ("then", "do"):
            return rest
        else:
            return statement
        return ""

    @staticmethod
    def _other(branch: _Branch, holds: bool | None) -> None:
        if branch.was_taken is False:
            branch.taken = branch.was_taken = holds
        else:
            branch.taken = False if branch.was_taken else None

    def _holds(self, condition: str) -> bool | None:
        """Whether `[[ $x == 1 ]]` and its like hold; None for what is not as plain."""
        if (
            "$(" in condition
            or "`" in condition
            or any(re.search(rf"\$\{{?{name}\b", condition) for name in self.unknown)
        ):
            return None
        unset = re.sub(r"\$\{?\w+\}?", "", filled(condition, self.variables))
        told = list(words(unset))
        if not told or told[0] not in ("[", "[[") or told[-1] not in ("]", "]]"):
            return None
        told = told[1:-1]
        if told and told[0] in _COMPARE:  # of an empty variable
            told.insert(0, "")
        if len(told) == 3 and told[1] in _COMPARE:
            return _COMPARE[told[1]](told[0], told[2])
        if len(told) == 2 and told[0] in ("-n", "-z"):
            return bool(told[1]) is (told[0] == "-n")
        return bool(told and told[0]) if len(told) < 2 else None

    def _set(self, name: str, value: str, *, more: bool) -> None:
        text = filled(value.removesuffix('"') if value.count('"') == 1 else value, self.variables)
        listed = _LIST.match(text)
        # Of a list one open item is lost alone, where it is used; a text with one is not known at all.
        unknown = _COMPUTED.match(value) or self._taken() is None or (uses_variables(text) and not listed)
        if unknown or (name in self.unknown and more):
            self.variables.pop(name, None)
            self.unknown.add(name)
            return
        items = words(listed[1] if listed else text)
        for key, value in ((name, " ".join(items)), (f"{name}[@]", shlex.join(items))):
            self.variables[key] = f"{self.variables.get(key, '')} {value}".strip() if more else value
        self.unknown.discard(name)


def _is_command(statement: str) -> bool:
    """`HF_HUB_OFFLINE=1 accelerate launch …` sets a variable for a command."""
    return ".py" in statement and " --" in statement


def _between_separators(line: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """`cd sd-scripts && accelerate launch … > log` holds three; the last is no command, and does no harm."""
    part: list[str] = []
    for word in line:
        if word in _SEPARATORS:
            yield tuple(part)
            part = []
        else:
            part.append(word)
    yield tuple(part)
