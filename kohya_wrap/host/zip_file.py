"""Zip files, read without unpacking: the names as they were meant, and nothing that reaches out of the archive."""

from __future__ import annotations

import stat
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# What an honest archive of pictures stays under: they hardly pack at all, a bomb packs a thousandfold.
_MOST_BYTES = 1 << 30
_MOST_RATIO = 100

_HAS_PASSWORD = 0x1  # flag bits of a member
_IS_UTF8 = 0x800


class BadZip(Exception):
    """Not to be read, with the reason."""


@dataclass(frozen=True)
class Member:
    """One file in it.

    Attributes:
        name: with `/` between folders, NFC.
        stamp: (size in bytes, CRC-32) of what is unpacked.
    """

    name: str
    stamp: tuple[int, int]
    read: Callable[[], bytes]


def is_zip(path: Path) -> bool:
    return path.suffix.lower() == ".zip" or zipfile.is_zipfile(path)


def members(path: Path) -> list[Member]:
    """All files in it, in its order.

    Raises:
        BadZip: damaged, with a password, a bomb, or a member that would land outside.
    """
    try:
        archive = zipfile.ZipFile(path)  # open for as long as its members are: its list is read once
        infos = [info for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise BadZip(str(error) or "damaged") from error
    _refuse_bombs(path, infos)
    return [_member(archive, info) for info in infos]


def _refuse_bombs(path: Path, infos: list[zipfile.ZipInfo]) -> None:
    unpacked = sum(info.file_size for info in infos)
    if unpacked > max(_MOST_BYTES, _MOST_RATIO * path.stat().st_size):
        raise BadZip(
            f"it would unpack to {unpacked / 1e9:.1f} GB from {path.stat().st_size / 1e6:.1f} MB, as a bomb does"
        )


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    name = _name(info)
    if info.flag_bits & _HAS_PASSWORD:
        raise BadZip("it has a password")
    if name.startswith("/") or name[1:2] == ":" or ".." in name.split("/"):
        raise BadZip(f"{name} would land outside the folder it is unpacked in")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise BadZip(f"{name} is a link, which may point anywhere")

    # A size that lies is found out by the check sum, after as much was unpacked as one call gives; ZipFile.read unpacks
    # all of it before it looks. Only deflate's part can be limited by its result, that of others by what it is made of.
    deflated = info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    at_once = 1 << 20 if deflated else 1 << 12

    def read() -> bytes:
        try:
            with archive.open(info) as member:
                return b"".join(iter(lambda: member.read(at_once), b""))
        except Exception as error:  # each decompressor has its own
            raise BadZip(f"{name} in it is damaged ({error or type(error).__name__})") from error

    return Member(name, (info.file_size, info.CRC), read)


def _name(info: zipfile.ZipInfo) -> str:
    """Windows in Japan writes Shift_JIS, macOS UTF-8, both without saying so: Python then reads code page 437."""
    name = info.filename
    if not info.flag_bits & _IS_UTF8:
        raw = name.encode("cp437", "replace")
        for encoding in ("utf-8", "cp932"):
            try:
                name = raw.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    return unicodedata.normalize("NFC", name.replace("\\", "/"))
