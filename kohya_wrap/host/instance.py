"""The machine this runs on as its provider knows it: which it is, and how it is stopped or terminated from inside."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kohya_wrap.errors import MachineError, UsageError
from kohya_wrap.host import provider_api, tool
from kohya_wrap.host.again import OnWait
from kohya_wrap.host.outer_variables import Variables
from kohya_wrap.host.provider_api import Call
from kohya_wrap.host.webhook import Webhook

STOP, TERMINATE = "stop", "terminate"

_CONTAINER_MARKS = (".dockerenv", "run/.containerenv")


@dataclass(frozen=True)
class Rented:
    """A container that its provider's API ends.

    Attributes:
        calls: method, address and body, by what shall be done.
        key_name: the variable that should hold the key.
        has_network_volume: a drive that outlives the instance.
        wiped_on_stop: what does not lie on a volume is lost when it is stopped, too.
        by_hand: where a person ends it.
    """

    title: str
    calls: Mapping[str, tuple[str, str, Mapping[str, Any] | None]]
    key: str = field(repr=False)
    key_name: str
    has_network_volume: bool
    wiped_on_stop: bool
    by_hand: str

    def require(self, what: str) -> None:
        """Raises MachineError: its key is not known."""
        if not self.key:
            raise MachineError(
                f"{self.title} cannot be asked to {what}: its API key is not known here.",
                why=f"{self.key_name} is neither in the environment nor in /etc/rp_environment, /etc/environment, /proc/1/environ; or what it holds is no key (a blank, a line break).",
                hint=f"Make a key in your account there, then: export {self.key_name}=...   and the same command",
            )

    def end(self, what: str, pauses: Sequence[float], on_wait: OnWait) -> None:
        """Raises MachineError: not accepted."""
        method, url, body = self.calls[what]
        by_hand = f"It goes on costing money. End it by hand: {self.by_hand}"
        provider_api.ask(Call(method, url, body, f"{self.title}, {what}", by_hand), self.key, pauses, on_wait)

    def outlives(self, folder: Path, what: str) -> bool:
        """Whether what lies in `folder` is there when it was stopped or terminated."""
        if what == STOP:
            return not self.wiped_on_stop or _on_a_volume(folder)
        return self.has_network_volume and _on_a_volume(folder)


@dataclass(frozen=True)
class Machine:
    """Any other: shut down, where it is one of its own and not a container on another's.

    Attributes:
        is_container: or it has no init that a shutdown could be asked of.
    """

    is_container: bool
    is_root: bool
    title: str = "this machine"

    def require(self, what: str) -> None:
        """Raises MachineError: nobody can know how."""
        if what == TERMINATE:
            raise MachineError(
                "Nobody can know how to terminate this machine: it is neither a RunPod pod nor a Vast.ai instance.",
                why="Neither RUNPOD_POD_ID nor CONTAINER_ID with VAST_CONTAINERLABEL was found, in the environment or of the first process.",
                hint="stop-instance (shuts it down), or a command of your provider's: --then 'their-cli delete my-machine'",
            )
        if self.is_container:
            raise MachineError(
                "A shutdown would not end what this machine costs: it is a container, or has no init.",
                why="Only whoever runs the container can end it, and its provider is not known.",
                hint="A command of your provider's instead: --then 'their-cli stop my-machine'",
            )
        if shutil.which("shutdown") is None or (not self.is_root and not _may_sudo()):
            raise MachineError(
                "This machine cannot be shut down from here.",
                why="There is no `shutdown`, or you are not root and `sudo -n` asks for a password.",
                hint="sudo -n shutdown --help   must work; or a command of your own: --then CMD",
            )

    def end(self, what: str, pauses: Sequence[float], on_wait: OnWait) -> None:
        """Raises MachineError: not accepted."""
        argv = [*([] if self.is_root else ["sudo", "-n"]), "shutdown", "-h", "now"]
        try:
            tool.run(argv, timeout=60)
        except tool.ToolFailed as failed:
            raise MachineError(
                f"{shlex.join(argv)} ended with {failed.outcome.returncode}: {failed.outcome.last_line}",
                why="The system does not let it.",
                hint="It goes on costing money. End it in your provider's console.",
            ) from None

    def outlives(self, folder: Path, what: str) -> bool:
        return what == STOP


Instance = Rented | Machine


def detect(env: Mapping[str, str], root: Path = Path("/")) -> Instance:
    """By the variables of `env`, else of those that the providers leave under `root`.

    Raises:
        UsageError: a variable that should hold the address of an API does not.
    """
    known = Variables(env, root)
    pod, container, label = known("RUNPOD_POD_ID"), known("CONTAINER_ID"), known("VAST_CONTAINERLABEL")
    if re.fullmatch(r"[A-Za-z0-9_-]+", pod):
        base = _address(env, "KOHYA_WRAP_RUNPOD_URL", "https://api.runpod.io")
        url = f"{base}/v2/pods/{pod}/action"
        return Rented(
            title=f"RunPod pod {pod}",
            calls={what: ("POST", url, {"action": what}) for what in (STOP, TERMINATE)},
            key=usable(known("RUNPOD_API_KEY")),
            key_name="RUNPOD_API_KEY",
            has_network_volume=bool(known("RUNPOD_VOLUME_ID")),
            wiped_on_stop=True,
            by_hand="the Pods page of RunPod's console",
        )
    if container.isdecimal() and (label == f"C.{container}" or known("VAST_TCP_PORT_22")):
        base = _address(env, "KOHYA_WRAP_VAST_URL", "https://console.vast.ai")
        url = f"{base}/api/v0/instances/{container}/"
        return Rented(
            title=f"Vast.ai instance {container}",
            calls={STOP: ("PUT", url, {"state": "stopped"}), TERMINATE: ("DELETE", url, {})},
            key=usable(known("CONTAINER_API_KEY")),
            key_name="CONTAINER_API_KEY",
            has_network_volume=True,
            wiped_on_stop=False,
            by_hand="the Instances page of Vast.ai's console",
        )
    marked = any((root / mark).exists() for mark in _CONTAINER_MARKS) or bool(known("container"))
    return Machine(marked or not (root / "run/systemd/system").is_dir(), os.geteuid() == 0)


def _address(env: Mapping[str, str], name: str, ours: str) -> str:
    base = (env.get(name) or ours).rstrip("/")
    try:
        Webhook.of(base)
    except ValueError as error:
        raise UsageError(
            f"{name} is no address: {error}.",
            why="It stands for the provider's own API, and the instance could not be ended after the training.",
            hint=f"unset {name}   and the same command",
        ) from None
    return base


def usable(key: str) -> str:
    """One that can stand in a header: another would be shown by the error that it causes."""
    key = key.strip()
    return key if re.fullmatch(r"[\x21-\x7e]+", key) else ""


def _on_a_volume(folder: Path) -> bool:
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return existing.stat().st_dev != Path("/").stat().st_dev


def _may_sudo() -> bool:
    try:
        tool.run(["sudo", "-n", "true"], timeout=20)
    except tool.ToolFailed:
        return False
    return True
