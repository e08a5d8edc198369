"""The one way out: results of every kind turned into words, an envelope and an exit code."""

from __future__ import annotations

import signal
import sys
import traceback
from typing import NoReturn

import click

from kohya_wrap.errors import ExitCode, Interrupted, KohyaWrapError, Stopped


def run_and_exit(command: click.Command, argv: list[str]) -> NoReturn:
    """Run, and leave with the promised exit code (PRODUCT: exit codes)."""
    as_json = "--json" in argv
    signal.signal(signal.SIGTERM, _terminated)
    try:
        command.main(argv, prog_name="kohya-wrap", standalone_mode=False)
        code = ExitCode.DONE
    except click.exceptions.Exit as leave:  # --help and --version
        sys.exit(leave.exit_code)
    except click.ClickException as usage:
        usage.show()
        sys.exit(usage.exit_code)
    except KohyaWrapError as error:
        code = _say(error, argv, as_json)
    except (KeyboardInterrupt, click.Abort):
        interrupted = Interrupted(
            "Interrupted.", why="Ctrl-C.", hint="The same command again goes on where it was."
        )
        code = _say(interrupted, argv, as_json)
    except BrokenPipeError:  # `kohya-wrap ... | head`: nobody reads on
        sys.stderr.close()
        code = ExitCode.DONE
    except Exception:
        traceback.print_exc()
        print(
            f"\nThis is a bug of kohya-wrap, not of yours. Please report it with the lines above and: {' '.join(argv)}",
            file=sys.stderr,
        )
        code = ExitCode.BUG
    sys.stdout.flush()
    sys.exit(code)


def _terminated(number: int, frame: object) -> NoReturn:
    raise Stopped(
        "Stopped by SIGTERM.",
        why="Somebody, or the machine going away, asked for it.",
        hint="The same command again goes on where it was.",
    )


def _say(error: KohyaWrapError, argv: list[str], as_json: bool) -> ExitCode:
    from kohya_wrap.cli.console import Console

    console = Console(as_json=as_json)
    if as_json:
        console.envelope(argv[0] if argv else "", None, findings=error.findings, error=error)
    else:
        console.findings(error.findings)
        console.error(error)
    return error.code
