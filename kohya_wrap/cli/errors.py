"""The one way out: results of every kind turned into words, an envelope and an exit code."""

from __future__ import annotations

import errno
import os
import shlex
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from typing import NoReturn

import click

from kohya_wrap.cli import streams
from kohya_wrap.errors import (
    DatasetError,
    ExitCode,
    Interrupted,
    KohyaWrapError,
    MachineError,
    Stopped,
    UsageError,
)

# What a disk may answer, and no code can mend.
_DISK = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.EIO,
)
_NO = ("", "0", "false", "no", "off")  # as click reads a flag's variable


def run_and_exit(command: click.Command, argv: list[str]) -> NoReturn:
    """Run, and leave with the promised exit code (PRODUCT: exit codes)."""
    as_json = "--json" in argv or os.environ.get("KOHYA_WRAP_JSON", "").lower() not in _NO
    streams.open_to_all()
    signal.signal(signal.SIGTERM, _terminated)
    # Not under nohup: there a lost terminal changes nothing; else it ends a set-up in good order.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _terminated)
    try:
        command.main(argv, prog_name="kohya-wrap", standalone_mode=False)
        code = ExitCode.DONE
    except click.exceptions.NoArgsIsHelpError as unsaid:  # a group alone shows what it has
        _print(f"{unsaid.format_message()}\n")
        code = ExitCode(unsaid.exit_code)
    except click.ClickException as usage:
        code = _say(_as_ours(usage, argv), argv, as_json)
    except KohyaWrapError as error:
        code = _say(error, argv, as_json)
    except (KeyboardInterrupt, click.Abort):
        interrupted = Interrupted(
            "Interrupted.", why="Ctrl-C.", hint="The same command again goes on where it was."
        )
        code = _say(interrupted, argv, as_json)
    except Exception as error:
        if isinstance(error, OSError) and (known := of_the_system(error)):
            sys.exit(_say(known, argv, as_json))
        _print(traceback.format_exc())
        bug = KohyaWrapError(
            f"{type(error).__name__}: {error}",
            why="This is a bug of kohya-wrap, not a mistake of yours.",
            hint=f"Report it, please, with the lines above and the command: {shlex.join(_shown(argv))}",
        )
        code = _say(bug, argv, as_json)
    sys.stdout.flush()
    sys.exit(code)


def _shown(argv: list[str]) -> list[str]:
    """Without what a webhook's address may hold."""
    return [
        "--notify=***" if word.startswith("--notify=") else "***" if before == "--notify" else word
        for before, word in zip(["", *argv], argv, strict=False)
    ]


def of_the_system(error: OSError) -> KohyaWrapError | None:
    """What the system refuses, and no code can mend; None: something else."""
    from kohya_wrap.host import atomic

    if error.errno == errno.ENAMETOOLONG:
        return _name_too_long(error)
    if error.errno == errno.EISDIR and error.filename:
        return _folder_in_the_way(Path(atomic.where(error)))
    if error.errno == errno.EACCES and error.filename and (closed := _closed(error)):
        return closed
    if error.errno == errno.EFBIG and error.strerror == os.strerror(
        errno.EFBIG
    ):  # not of what is too large to be read
        return _too_large(error)
    if error.errno == errno.ENOENT and not error.filename and _stands_nowhere():
        return MachineError(
            "The folder that this shell stands in is not there any more.",
            why="It was removed, or moved, or its disk is not mounted.",
            hint="cd ~   and the same command, with the project's whole path",
        )
    return _disk(error) if error.errno in _DISK or _no_folder(error) else None


def _too_large(error: OSError) -> MachineError:
    return MachineError(
        f"{error.filename2 or error.filename or 'A file'} cannot be written: {error.strerror}.",
        why="This shell has a limit for the size of a file (ulimit -f), or the file system has one.",
        hint="ulimit -f unlimited   and the same command again; of FAT: move the project to another disk",
    )


def _stands_nowhere() -> bool:
    try:
        os.getcwd()  # noqa: PTH109 - Path has no other way
    except FileNotFoundError:
        return True
    return False


def _no_folder(error: OSError) -> bool:
    """A folder that cannot be made where the system keeps its own (/proc): there it says that it is "not found"."""
    return error.errno == errno.ENOENT and traceback.extract_tb(error.__traceback__)[-1].name == "mkdir"


def _name_too_long(error: OSError) -> UsageError:
    name = Path(str(error.filename or "")).name
    return UsageError(
        f"{name[:40]}...: {error.strerror}.",
        why=f"It has {len(os.fsencode(name))} bytes; a file system takes 255 for a name, and 4096 for a whole path.",
        hint="A shorter name.",
    )


def _folder_in_the_way(folder: Path) -> MachineError:
    from kohya_wrap.domain.finding import typed

    return MachineError(
        f"{folder} is a folder, where a file must be.",
        why="Somebody made it, or a copy of the project did.",
        hint=f"mv {typed(folder)} {typed(folder.with_name(f'{folder.name}.old'))}   and the same command again",
    )


def _closed(error: OSError) -> DatasetError | None:
    """A picture, a caption or a folder of them that may not be read; None: it was to be written, or is our own."""
    from kohya_wrap.domain.finding import typed

    path = Path(error.filename).absolute()
    if path.is_relative_to(_home()):
        return None
    above = next((f for f in reversed(path.parents) if f.exists() and not os.access(f, os.X_OK)), None)
    if above is None and (not path.exists() or os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0))):
        return None
    closed = above or path
    return DatasetError(
        f"{closed} cannot be looked into: {error.strerror}.",
        why="Its rights do not allow it.",
        hint=f"chmod -R u+rX {typed(closed)}   (or ask its owner)",
    )


def _home() -> Path:
    from kohya_wrap.places import Places

    return Places.from_environment(os.environ).home


def _disk(error: OSError) -> MachineError:
    from kohya_wrap.domain.finding import typed
    from kohya_wrap.host import atomic

    # A full disk often does not say of which file; a folder that cannot be made may be one above the home.
    where, home = Path(atomic.where(error)), _home()
    if error.errno in (errno.ENOTDIR, errno.EEXIST) and (taken := _file_among(where)):
        return _file_for_folder(taken)
    full, named = error.errno in (errno.ENOSPC, errno.EDQUOT), where != Path()
    where = where if named else _fullest()
    ways = ["make room there" if full else "give yourself the right to write"]
    is_home = where.is_relative_to(home) or (named and home.is_relative_to(where))
    ways.append(
        "set KOHYA_WRAP_HOME to a folder of another disk" if is_home else "move the project to another disk"
    )
    return MachineError(
        f"{'' if named else 'The disk of '}{where}: {error.strerror}.",
        why="The disk is full, or your share of it."
        if full
        else "The disk is read-only or damaged, or the folder is not yours to write.",
        hint=f"df -h {typed(atomic.nearest(where.absolute()))}   then {', or '.join(ways)}; and the same command again",
    )


def _fullest() -> Path:
    """The folder with the least room of those that the command is about: one was full a moment ago."""
    from kohya_wrap.host import atomic

    words = (word.partition("=")[2] if word.startswith("-") else word for word in sys.argv[1:])
    named = (Path(word).absolute() for word in words if word)
    about = (*named, Path.cwd(), _home(), Path(tempfile.gettempdir()))
    return min(map(atomic.nearest, about), key=atomic.free_bytes)


def _file_among(path: Path) -> Path | None:
    """What is a file on the way to it, and stands where a folder must be."""
    return next((p for p in (path, *path.parents) if path.parts and os.path.isfile(p)), None)  # noqa: PTH113 - never raises


def _file_for_folder(taken: Path) -> MachineError:
    from kohya_wrap.domain.finding import typed

    ours = ", or set KOHYA_WRAP_HOME to another folder" if _home().is_relative_to(taken) else ""
    return MachineError(
        f"{taken} is a file, where a folder must be.",
        why="It stands on the way to what was to be written.",
        hint=f"mv {typed(taken)} {typed(f'{taken}.old')}   and the same command again{ours}",
    )


def _terminated(number: int, frame: object) -> NoReturn:
    raise Stopped(
        f"Stopped by {signal.Signals(number).name}.",
        why="The terminal is gone."
        if number == signal.SIGHUP
        else "Somebody, or the machine going away, asked for it.",
        hint="The same command again goes on where it was.",
    )


def _print(text: str) -> None:
    from kohya_wrap.cli import plain

    print(plain.lines(text), end="", file=sys.stderr)


def _say(error: KohyaWrapError, argv: list[str], as_json: bool) -> ExitCode:
    from kohya_wrap.cli.console import Console

    console = Console(as_json=as_json)
    console.findings(finding for finding in error.findings if finding.message not in error.message)
    console.error(error)
    if as_json:
        _envelope(error, argv)
    return error.code


def _envelope(error: KohyaWrapError, argv: list[str]) -> None:
    from kohya_wrap.cli.console import Console

    Console(as_json=True).envelope(_command(argv), error.data, findings=error.findings, error=error)


def _command(argv: list[str]) -> str:
    """As far as can be told from the words alone."""
    words = [word for word in argv if not word.startswith("-")]
    is_in_chapter = words[:1] in (["config"], ["dataset"]) or words[:2] == ["plan", "calibrate"]
    return " ".join(words[:2]) if is_in_chapter else "".join(words[:1])


def _as_ours(usage: click.ClickException, argv: list[str]) -> UsageError:
    context = getattr(usage, "ctx", None)  # click gives none where an option's own value is the mistake
    path = context.command_path if context else f"kohya-wrap {_command(argv)}".rstrip()
    return UsageError(
        usage.format_message(), why="The command line is not understood.", hint=f"{path} --help"
    )
