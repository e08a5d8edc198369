"""The destination that a word names."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from urllib.parse import urlsplit

from kohya_wrap.errors import UsageError
from kohya_wrap.host.upload.folder import Folder
from kohya_wrap.host.upload.hub import Repository
from kohya_wrap.host.upload.item import Destination
from kohya_wrap.host.upload.ssh import Ssh

_REPO = re.compile(r"hf://([\w.-]+/[\w.-]+)(?:/(.*))?")
_NO_MODELS = ("datasets/", "spaces/", "buckets/")
_SCP = re.compile(r"([^/:]+):(.*)")


def destination(word: str, base: Path) -> Destination:
    """A folder (from `base`), hf://user/repo[/path], user@host:path or ssh://user@host:port/path.

    Raises:
        UsageError: none of these.
    """
    if word.startswith("hf://"):
        found = _REPO.fullmatch(word.rstrip("/"))
        if found is None or found[1].startswith(_NO_MODELS):
            raise _unclear(word, "A model repository of the Hub is hf://user/repo, or hf://user/repo/folder.")
        return Repository(found[1], (found[2] or "").strip("/"))
    if word.startswith("ssh://"):
        try:
            parts = urlsplit(word)
            port = parts.port
        except ValueError as error:
            raise _unclear(word, f"{error}.") from None
        host = parts.netloc.rpartition("@")[0] + "@" if "@" in parts.netloc else ""
        return _ssh(word, host + (parts.hostname or ""), str(port or ""), parts.path)
    if "://" in word:
        raise _unclear(word, f"{word.partition('://')[0]}:// is none that can be verified here.")
    if found := _SCP.fullmatch(word):
        return _ssh(word, found[1], "", found[2])
    return Folder(base / Path(word).expanduser())


def _ssh(word: str, host: str, port: str, path: str) -> Ssh:
    path = path.removeprefix("~/") if path != "~" else "."
    if not host or host.endswith("@") or host.startswith(("-", "@")) or ":" in host:
        raise _unclear(word, "It names no machine.")
    return Ssh(host, port, path or ".")


def _unclear(word: str, why: str) -> UsageError:
    return UsageError(
        f"upload:{shlex.quote(word)} names no place that is known.",
        why=why,
        hint="upload:/a/folder, upload:hf://user/repo, upload:user@host:path, upload:ssh://user@host:port/path; or a command of yours: --then CMD",
    )
