"""Into a model repository of the Hub: made private where there is none, one commit for all that is new."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from kohya_wrap.errors import KohyaWrapError, MachineError
from kohya_wrap.host import hub
from kohya_wrap.host.again import Unreachable
from kohya_wrap.host.in_time import Late, in_time
from kohya_wrap.host.upload.item import Item

T = TypeVar("T")
_SECONDS_TO_ANSWER = 120.0
_SLOWEST = 200_000  # bytes a second, of a line that is believed to move
_PASSING = (408, 409, 412, 429)  # 409, 412: somebody commits at the same time


@dataclass(frozen=True)
class Repository:
    """Attributes:
    repo: "user/name".
    path: a folder in it; empty for its root.
    """

    repo: str
    path: str

    @property
    def where(self) -> str:
        return f"hf://{self.repo}" + (f"/{self.path}" if self.path else "")

    def require(self) -> None:
        with self._explained():
            who = self._ask(lambda: self._api().whoami())
            if who.get("auth", {}).get("accessToken", {}).get("role") == "read":
                raise self._refused("its token may only read")
            self._ask(lambda: self._api().create_repo(self.repo, private=True, exist_ok=True))

    def differing(self, items: Sequence[Item]) -> list[Item]:
        there = self._there(items)
        return [item for item in items if not _is(there.get(self._name(item)), item)]

    def keep_others(self, items: Sequence[Item], ours: Collection[str]) -> list[str]:
        """A commit takes nothing away from those before it, so they need only be named; those that LFS knows by a sha256."""
        there = self._there(items)
        return [
            f"{name} was there already, and not from this project: it stays in the history of {self.repo}"
            for name in map(self._name, items)
            if (lfs := getattr(there.get(name), "lfs", None)) is not None and lfs.sha256 not in ours
        ]

    def _there(self, items: Sequence[Item]) -> dict[str, Any]:
        names = [self._name(item) for item in items]
        with self._explained():
            found = self._ask(lambda: self._api().get_paths_info(self.repo, names))
        return {file.path: file for file in found}

    def send(self, items: Sequence[Item]) -> None:
        from huggingface_hub import CommitOperationAdd

        api = self._api()
        more = f" and {len(items) - 1} more" if items[1:] else ""
        message = f"kohya-wrap: {Path(items[0].name).name}{more}"
        with self._explained():
            operations = [CommitOperationAdd(self._name(item), str(item.source)) for item in items]
            # One by one: of several, the library waits in threads that no signal reaches.
            for item, one in zip(items, operations, strict=True):
                self._ask(partial(api.preupload_lfs_files, self.repo, [one]), item.size)
            self._ask(lambda: api.create_commit(self.repo, operations=operations, commit_message=message))

    def _ask(self, call: Callable[[], T], size: int = 0) -> T:
        """The library itself waits without end. `size`: bytes that are sent."""
        seconds = _SECONDS_TO_ANSWER + size / _SLOWEST
        try:
            return in_time(call, seconds)
        except Late:
            raise self._unreachable(f"no answer within {seconds:.0f} s") from None

    def _name(self, item: Item) -> str:
        return f"{self.path}/{item.name}" if self.path else item.name

    def _api(self) -> Any:
        """HF_ENDPOINT and HF_TOKEN as they are now; else the token of `hf auth login`."""
        from huggingface_hub import HfApi

        return HfApi(
            endpoint=os.environ.get("HF_ENDPOINT", "").rstrip("/") or None,
            token=os.environ.get("HF_TOKEN") or None,
            library_name="kohya-wrap",
        )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Whatever the library raises: some of it is wrapped in errors of no kind, with the real one as their cause."""
        from huggingface_hub.errors import LocalTokenNotFoundError, OfflineModeIsEnabled

        hub.utils()
        try:
            yield
        except KohyaWrapError:
            raise
        except LocalTokenNotFoundError:
            raise self._refused("there is no token") from None
        except OfflineModeIsEnabled:
            raise self._refused("HF_HUB_OFFLINE forbids it") from None
        except Exception as error:
            status = _status(error)
            if status is None:
                text = (str(error) or type(error).__name__).splitlines()[0]
                raise self._unreachable(text.rstrip(".")) from None
            if status >= 500 or status in _PASSING:
                raise self._unreachable(f"the Hub answered {status}") from None
            raise self._refused(f"the Hub answered {status}") from None

    def _refused(self, why: str) -> MachineError:
        return MachineError(
            f"{self.where} cannot be written to: {why}.",
            why="The account of the token has no right to write there, or the name is misspelt.",
            hint="A token that may write: export HF_TOKEN=hf_...   or: hf auth login",
        )

    def _unreachable(self, why: str) -> Unreachable:
        return Unreachable(
            f"{self.where} cannot be reached: {why}.",
            why="The network is down, or the Hub is.",
            hint="Try by hand when it is back: hf upload " + self.repo,
        )


def _status(error: BaseException | None) -> int | None:
    """Of the answer that was the cause."""
    while error is not None:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status is not None:
            return int(status)
        error = error.__cause__
    return None


def _is(there: Any, item: Item) -> bool:
    """By the sha256 of a large file, by git's own hash of a small one."""
    if there is None or getattr(there, "size", None) != item.size:
        return False
    if there.lfs is not None:
        return bool(there.lfs.sha256 == item.sha256)
    content = item.source.read_bytes()
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    return bool(there.blob_id == blob)
