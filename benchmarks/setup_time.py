"""Set-up from nothing: the guide's way (venv, pip, requirements, xformers) against `init`'s engine and environment.

    uv run --group dev python -m benchmarks.setup_time [--rounds 2] [--reuse-torch]

Cold caches on both sides, alternated. `--reuse-torch` then builds once more on the torch that the guide's way has
just installed. The guide's cu121 index is not asked: both sides take torch 2.8.0 from the package index.

Nothing is deleted before the end (20 GB a round): ext4 looks past every inode freed in the last minutes when it makes
a new one, which doubled the system time of whatever came after a deletion. So let five minutes pass after one, too.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kohya_wrap.engine import checkout, install, pin
from kohya_wrap.places import Places


def guide(folder: Path, url: str, commit: str) -> float:
    """The guide's block 'set up the environment', with the versions that the lock has, into `folder`."""
    script = f"""
    set -e
    git clone -q --filter=blob:none --no-checkout {url} {folder}/sd-scripts
    cd {folder}/sd-scripts
    git sparse-checkout set --no-cone '/*' '!/bitsandbytes_windows/' '!/configs/qwen3_06b/' && git checkout -q {commit}
    {sys.executable} -m venv venv
    . venv/bin/activate
    pip install -q --cache-dir {folder}/pip-cache torch==2.8.0 torchvision==0.23.0
    pip install -q --cache-dir {folder}/pip-cache -r requirements.txt
    pip install -q --cache-dir {folder}/pip-cache xformers==0.0.32.post2
    """
    began = time.monotonic()
    subprocess.run(
        ["bash", "-c", script],
        check=True,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PIP_FIND_LINKS": ""},
    )
    return time.monotonic() - began


def ours(folder: Path, *, reuse_torch: bool = False) -> float:
    """`init`'s first two steps in a home of their own, uv's cache in it too."""
    os.environ["UV_CACHE_DIR"] = str(folder / "uv-cache")
    places, the_pin = Places(folder / "home"), pin.load()
    began = time.monotonic()
    source = checkout.ensure(the_pin, places, lambda text: None)
    install.ensure(the_pin, source, places, lambda text: None, reuse_torch=reuse_torch)
    return time.monotonic() - began


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rounds", type=int, default=2)
    asked.add_argument("--reuse-torch", action="store_true")
    options = asked.parse_args()
    the_pin = pin.load()
    with tempfile.TemporaryDirectory() as everything:
        for number in range(1, options.rounds + 1):
            folder = Path(everything, str(number))
            ours_first = number % 2 == 0
            seconds = {}
            for turn in ("ours", "guide") if ours_first else ("guide", "ours"):
                (folder / turn).mkdir(parents=True)
                seconds[turn] = (
                    guide(folder / turn, the_pin.url, the_pin.commit)
                    if turn == "guide"
                    else ours(folder / turn)
                )
            line = f"round {number}: guide {seconds['guide']:.0f} s, init {seconds['ours']:.0f} s ({seconds['guide'] / seconds['ours']:.1f} times)"
            if options.reuse_torch:
                (folder / "reuse").mkdir()
                path = os.environ["PATH"]
                os.environ["PATH"] = f"{folder}/guide/sd-scripts/venv/bin:{path}"
                reused = ours(folder / "reuse", reuse_torch=True)
                os.environ["PATH"] = path
                line += f", with --reuse-torch {reused:.1f} s ({seconds['guide'] / reused:.0f} times)"
            print(line, flush=True)


if __name__ == "__main__":
    main()
