"""To another machine by ssh: nothing is needed there but a shell and sha256sum."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kohya_wrap.errors import MachineError
from kohya_wrap.host import atomic, tool
from kohya_wrap.host.again import Unreachable
from kohya_wrap.host.upload.item import Item, beside, kept_beside

# A question would wait forever, and a connection that died silently too.
_OPTIONS = ("BatchMode=yes", "ConnectTimeout=15", "ServerAliveInterval=15", "ServerAliveCountMax=3")
_NOT_LET_IN = re.compile(r"Permission denied|Host key verification failed|REMOTE HOST IDENTIFICATION")
_CONNECTION = 255  # ssh's own exit code; others are the remote command's
_AT_ONCE = 100  # names on one command line
_SECONDS_FOR_HASHES = 900.0


@dataclass(frozen=True)
class Ssh:
    """Attributes:
    host: as ssh takes it, with the user.
    port: empty for the one that ssh chooses.
    path: absolute, or below the home there.
    """

    host: str
    port: str
    path: str

    @property
    def where(self) -> str:
        return f"{self.host}:{self.path}"

    def require(self) -> None:
        if shutil.which("ssh") is None:
            raise MachineError(
                f"{self.where} cannot be reached: there is no `ssh` here.",
                why="It is a program of its own.",
                hint="apt-get install openssh-client   and the same command",
            )
        path = shlex.quote(self.path)
        self._there(f"mkdir -p -- {path} && test -w {path} && command -v sha256sum", timeout=60)

    def differing(self, items: Sequence[Item]) -> list[Item]:
        there = self._hashes(items)
        return [item for item in items if there.get(item.name) != item.sha256]

    def keep_others(self, items: Sequence[Item], ours: Collection[str]) -> list[str]:
        kept = []
        for name, digest in self._hashes(items).items():
            if digest not in ours:
                path = shlex.quote(self.path)
                self._there(f"cd -- {path} && mv -f -- {shlex.join([name, beside(name, digest)])}", name)
                kept.append(kept_beside(name, digest))
        return kept

    def _hashes(self, items: Sequence[Item]) -> dict[str, str]:
        """By name, of those that are there."""
        there: dict[str, str] = {}
        for start in range(0, len(items), _AT_ONCE):
            names = shlex.join(item.name for item in items[start : start + _AT_ONCE])
            said = self._there(
                f"cd -- {shlex.quote(self.path)} && {{ sha256sum -- {names} 2>/dev/null || true; }}",
                timeout=_SECONDS_FOR_HASHES,
            )
            there |= {name: digest for digest, name in re.findall(r"^([0-9a-f]{64})  (.+)$", said, re.M)}
        return there

    def send(self, items: Sequence[Item]) -> None:
        for item in items:
            target = PurePosixPath(self.path, item.name)
            folder, name = shlex.quote(str(target.parent)), shlex.quote(str(target))
            part = shlex.quote(str(target.with_name(atomic.part_of(Path(item.name)).name)))
            self._there(
                f"if test -d {name}; then echo 'is a folder, where a file must be' >&2; exit 1; fi; "
                f"mkdir -p -- {folder} && cat > {part} && mv -f -- {part} {name} || {{ rm -f -- {part}; exit 1; }}",
                item.name,
                stdin=item.source,
            )

    def _there(
        self, command: str, about: str = "", *, timeout: float | None = None, stdin: Path | None = None
    ) -> str:
        """What the command says there. `about`: the file it is for."""
        options = [word for option in _OPTIONS for word in ("-o", option)]
        port = ["-p", self.port] if self.port else []
        try:
            return tool.run(
                ["ssh", *options, *port, "--", self.host, command], timeout=timeout, stdin=stdin
            ).output
        except tool.ToolFailed as failed:
            raise self._explained(failed.outcome, about) from None

    def _explained(self, outcome: tool.Outcome, about: str) -> MachineError:
        message = f"{self.where}{f'/{about}' if about else ''}: {outcome.last_line or f'ssh ended with {outcome.returncode}'}"
        by_hand = f"ssh {f'-p {self.port} ' if self.port else ''}{shlex.quote(self.host)}"
        if _NOT_LET_IN.search(outcome.output):
            return MachineError(
                message,
                why="ssh may ask no question here: it needs a key without a passphrase (or an agent), and to know that host.",
                hint=f"{by_hand}   must work without a question",
            )
        if outcome.returncode in (_CONNECTION, 124):
            return Unreachable(
                message,
                why="That machine or the network between is down, or its name is wrong.",
                hint=by_hand,
            )
        return MachineError(
            message,
            why="The folder cannot be written to there, it has no room, or there is no sha256sum.",
            hint=f"{by_hand}   and look: df -h, ls -ld {shlex.quote(self.path)}",
        )
