"""Plays `accelerate launch`: a parent that starts the trainer, waits, and passes no signal on."""

from __future__ import annotations

import argparse
import subprocess
import sys


def main(arguments: list[str]) -> None:
    """Raises CalledProcessError, as accelerate's simple launcher does, when the trainer fails."""
    parser = argparse.ArgumentParser(prog="accelerate launch", allow_abbrev=False)
    for flag in ("--num_cpu_threads_per_process", "--num_processes", "--num_machines"):
        parser.add_argument(flag, type=int, default=1)
    parser.add_argument("--mixed_precision", choices=("no", "fp16", "bf16", "fp8"), default="no")
    parser.add_argument("--dynamo_backend", default="no")
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("--quiet", "-q", action="store_true")
    parser.add_argument("training_script")
    parser.add_argument("training_script_args", nargs=argparse.REMAINDER)
    args = parser.parse_args(arguments)

    command = [sys.executable, args.training_script, *args.training_script_args]
    process = subprocess.Popen(command)
    process.wait()
    if process.returncode != 0:
        if args.quiet:
            sys.exit(1)
        raise subprocess.CalledProcessError(returncode=process.returncode, cmd=command)


if __name__ == "__main__":
    main(sys.argv[1:])
