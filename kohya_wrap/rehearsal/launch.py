"""Plays `accelerate launch`: a parent that starts the trainer, waits, and passes no signal on."""

import argparse
import subprocess
import sys

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="accelerate launch", allow_abbrev=False)
    for flag in (
        "config_file",
        "num_cpu_threads_per_process",
        "num_processes",
        "num_machines",
        "mixed_precision",
    ):
        parser.add_argument(f"--{flag}")
    parser.add_argument("--dynamo_backend")
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("script")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    command = [sys.executable, args.script, *args.arguments]
    process = subprocess.Popen(command)
    if code := process.wait():
        raise subprocess.CalledProcessError(code, command)  # as accelerate's simple launcher does
