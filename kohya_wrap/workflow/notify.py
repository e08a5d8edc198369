"""Where a notice goes: an address that takes a POST, or a command that is started."""

from __future__ import annotations

import shlex
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from kohya_wrap.errors import UsageError
from kohya_wrap.host import tool
from kohya_wrap.host.webhook import NotTaken, Webhook

_TIMEOUT = 5.0  # seconds for an answer
_PAUSES = (1.0, 2.0)  # seconds before it is tried again
_COMMAND = 10.0  # seconds, after which it is killed
_LONGEST = 1900  # characters; Discord takes 2000


@dataclass(frozen=True)
class Notice:
    """Attributes:
    event: finished | failed | stopped | warning | queue | afterwards.
    run: the run's folder; empty before there is one.
    name: of the LoRA.
    loss: None where there is none, or it is no number.
    lora: the last checkpoint that was kept; of a finished run the LoRA.
    """

    event: str
    text: str
    run: str
    name: str
    step: int
    steps: int
    loss: float | None
    lora: str

    def as_data(self) -> dict[str, Any]:
        """`text` is what Slack shows, and `content` what Discord does."""
        text = self.text if len(self.text) <= _LONGEST else f"{self.text[: _LONGEST - 1]}…"
        return {"text": text, "content": text, **{k: v for k, v in asdict(self).items() if k != "text"}}

    def as_variables(self) -> dict[str, str]:
        return {
            f"KOHYA_WRAP_{key.upper()}": "" if value is None else str(value)
            for key, value in asdict(self).items()
        }


class Target(Protocol):
    @property
    def called(self) -> str:
        """As it may be printed: the host of an address, the program of a command."""

    def send(self, notice: Notice) -> None:
        """Raises NotTaken."""


@dataclass(frozen=True)
class Address:
    webhook: Webhook

    @property
    def called(self) -> str:
        return self.webhook.host

    def send(self, notice: Notice) -> None:
        for pause in (*_PAUSES, None):
            try:
                return self.webhook.post(notice.as_data(), _TIMEOUT)
            except NotTaken as error:
                if error.for_good or pause is None:
                    raise
                time.sleep(pause)


@dataclass(frozen=True)
class Command:
    argv: tuple[str, ...]
    env: Mapping[str, str]

    @property
    def called(self) -> str:
        return self.argv[0]

    def send(self, notice: Notice) -> None:
        try:
            tool.run(self.argv, env={**self.env, **notice.as_variables()}, timeout=_COMMAND)
        except tool.ToolFailed as error:
            code = error.outcome.returncode
            late = f"it took more than {_COMMAND:g} s"
            raise NotTaken(late if code == 124 else f"it ended with {code}", for_good=True) from None


def targets(words: Iterable[str], env: Mapping[str, str]) -> tuple[Target, ...]:
    """Each word of --notify, checked before anything is paid for.

    Raises:
        UsageError: an address or command that cannot work.
    """
    return tuple(_target(word, env) for word in dict.fromkeys(words))


def _target(word: str, env: Mapping[str, str]) -> Target:
    scheme, is_address, _ = word.partition("://")
    if is_address and scheme.lower() in ("http", "https"):
        try:
            return Address(Webhook.of(word))
        except ValueError as error:
            raise UsageError(
                "--notify: that is no address a notice can be sent to.",
                why=f"As it stands, {_reason(error)}.",
                hint="--notify https://hooks.example.com/path   (in quotes: the shell reads & and ? itself)",
            ) from None
    try:
        argv = tuple(shlex.split(word))
    except ValueError as error:
        raise _no_command(
            "the command cannot be split into words.", f"{error}, as a shell would say."
        ) from None
    if not argv:
        raise _no_command("it is empty.", "An address or a command is wanted.")
    if shutil.which(argv[0], path=env.get("PATH")) is None:
        # The rest may hold a secret; so may an address of another kind.
        named = f"{scheme}://…" if is_address else argv[0]
        raise _no_command(
            f"there is no command {named} here.",
            "What does not begin with http:// or https:// is a command, and must be on the PATH.",
        )
    return Command(argv, env)


def _no_command(what: str, why: str) -> UsageError:
    return UsageError(
        f"--notify: {what}", why=why, hint="--notify https://ntfy.sh/my-topic   or   --notify 'sh notify.sh'"
    )


def _reason(error: ValueError) -> str:
    """Its own words are of our own making, or of urllib, which may quote the address."""
    return str(error) if str(error).startswith("it ") else "its host or port is none"
