"""The Hugging Face Hub and plain HTTPS: one file at a time, resumed, its bytes counted."""

from __future__ import annotations

import errno
import importlib
import io
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kohya_wrap import __version__
from kohya_wrap.errors import EngineError, MachineError

Progress = Callable[[int, int], None]  # bytes here, bytes in all
_SECONDS_TO_ANSWER = 8.0


class NotGiven(EngineError):
    """The server was reached and does not give the file: not there, or not to us."""


@dataclass(frozen=True)
class Remote:
    """One file as its server describes it.

    Attributes:
        size: bytes; 0 where unknown, and a hint only: the hash decides.
        sha256: what the server says the content has; empty where it does not say.
        where: the file in a person's words, for messages.
        locked: what to do where the server wants to know who asks.
    """

    url: str
    filename: str
    size: int
    sha256: str
    where: str
    locked: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def locate(repo: str, filename: str, revision: str) -> Remote:
    """Ask the Hub (HF_ENDPOINT, HF_TOKEN) for a file's address, size and hash.

    Raises:
        NotGiven: no such file, or the repository is gated or private.
        EngineError: the Hub does not answer.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    # Handed over at each call: the library reads HF_ENDPOINT only once, at its import.
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    where = f"{repo}/{filename} on the Hub"
    locked = f"Accept its licence at {endpoint}/{repo}, then set HF_TOKEN to that account's token."
    headers = utils().build_hf_headers(library_name="kohya-wrap", library_version=__version__)
    with _explained(where, locked):
        url = hf_hub_url(repo, filename, revision=revision, endpoint=endpoint)
        found = get_hf_file_metadata(url, timeout=_SECONDS_TO_ANSWER, headers=headers, endpoint=endpoint)
    etag = found.etag or ""
    sha256 = etag if len(etag) == 64 else ""  # of LFS files; others have a git hash
    return Remote(url, Path(filename).name, found.size or 0, sha256, where, locked, headers)


def get_json(url: str, headers: Mapping[str, str], where: str, locked: str) -> Any:
    """The answer of an API, parsed."""
    with _explained(where, locked):
        response = utils().get_session().get(url, headers=dict(headers), timeout=_SECONDS_TO_ANSWER)
        utils().hf_raise_for_status(response)
        return response.json()


def part_of(target: Path, sha256: str) -> Path:
    """Where an unfinished download of `target` waits; another content under the same name waits elsewhere."""
    return target.with_name(f".{target.name}.{sha256[:12]}.part")


def bytes_here(target: Path, sha256: str) -> int:
    """How much of an unfinished download is kept."""
    part = part_of(target, sha256)
    return part.stat().st_size if part.is_file() else 0


def fetch(remote: Remote, target: Path, progress: Progress) -> Path:
    """Download into `part_of(target, remote.sha256)`, from where an earlier call stopped; return that file.

    `hf_hub_download` is not used: as of huggingface_hub 2.4 it deletes what it has not finished.

    Raises:
        NotGiven, EngineError: as `locate`, or cut off; what has come is kept.
        MachineError: the disk is full.
    """
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.file_download import http_get

    utils()
    part = part_of(target, remote.sha256)
    part.parent.mkdir(parents=True, exist_ok=True)
    with _explained(remote.where, remote.locked):
        while True:
            had = bytes_here(target, remote.sha256)
            progress(had, remote.size)
            if remote.size and had >= remote.size:
                return part
            try:
                with _Counted(part, lambda done: progress(done, remote.size)) as out:
                    http_get(remote.url, out, resume_size=had, headers=dict(remote.headers))
                return part
            except HfHubHTTPError as error:
                if had and error.response.status_code == 416:  # nothing is left to send
                    return part
                raise
            except _network_errors():
                if bytes_here(target, remote.sha256) == had:  # the library has tried five times
                    raise


class _Counted(io.BufferedWriter):
    """A file that is added to, and says how long it is."""

    def __init__(self, path: Path, grown: Callable[[int], None]) -> None:
        super().__init__(io.FileIO(path, "ab"))
        self._grown = grown

    def write(self, data: Any) -> int:
        written = super().write(data)
        self._grown(self.tell())
        return written


@contextmanager
def _explained(where: str, locked: str) -> Iterator[None]:
    """Whatever goes wrong between here and a server, in three lines."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        yield
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status in (401, 403):
            raise NotGiven(
                f"{where} is not given to this account ({status}).",
                why="Its licence has to be accepted first, or it is private, or it does not exist.",
                hint=locked,
            ) from None
        if status == 404:
            raise NotGiven(
                f"{where} does not exist (404).",
                why="It was renamed or removed, or the name is misspelt.",
                hint="Check the name and the revision on its page.",
            ) from None
        raise EngineError(
            f"The server of {where} answered {status}.",
            why="It is overloaded or under repair.",
            hint="Repeat the command in a few minutes; what has come is kept.",
        ) from None
    except OfflineModeIsEnabled:
        raise EngineError(
            f"{where} was not downloaded.",
            why="HF_HUB_OFFLINE forbids it.",
            hint="Unset HF_HUB_OFFLINE, then repeat.",
        ) from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise MachineError(
                f"The disk is full: {where} did not fit.",
                why="Something else took the room, or there is a quota.",
                hint="Make room and repeat the command; it goes on where it stopped.",
            ) from None
        raise _cut(where, error) from None
    except _network_errors() as error:
        raise _cut(where, error) from None


def _cut(where: str, error: Exception) -> EngineError:
    return EngineError(
        f"{where} cannot be reached: {(str(error) or type(error).__name__).splitlines()[0]}",
        why="No network, a firewall or a proxy; or the connection was cut.",
        hint="Repeat the command when the network is back; what has come is kept. A mirror: HF_ENDPOINT.",
    )


def _network_errors() -> tuple[type[Exception], ...]:
    """The HTTP client changes with huggingface_hub's major version; its base error is a base of theirs."""
    from huggingface_hub.errors import HfHubHTTPError

    bases: list[type[Any]] = list(HfHubHTTPError.__mro__)
    return tuple(base for base in bases if base.__name__ in ("HTTPError", "RequestException"))


def utils() -> Any:
    """The library's tools, with its own progress bars and warnings off: the caller shows one display."""
    utils: Any = importlib.import_module("huggingface_hub.utils")
    utils.disable_progress_bars()
    utils.logging.set_verbosity_error()
    return utils
