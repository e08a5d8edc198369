"""Write kohya_wrap/engine/lock.txt anew: `uv run scripts/lock.py [--upgrade]`.

The engine's requirements at the pin, and beside them what the wrapper needs, resolved for every platform and
every Python that the engine supports. Without --upgrade the present lock's versions are kept where they fit.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from kohya_wrap import resources
from kohya_wrap.engine import pin as pins
from kohya_wrap.host import environment, git

# One torch for compute capability 7.0 to 12.0; open_clip_torch carries the CLIP vocabulary; LyCORIS 4 fails
# with its default preset; wheel and setuptools build what has none (pin.toml). What the engine leaves open
# (numpy, bitsandbytes, tensorboard) the lock decides.
BESIDE = """
torch==2.8.0
torchvision==0.23.0
xformers==0.0.32.post2 ; sys_platform == 'linux' and platform_machine == 'x86_64'
open_clip_torch==3.3.0
lycoris-lora==3.4.0
wheel
"""


def main() -> None:
    pin, lock = pins.load(), resources.lock_file()
    oldest = min(pin.python, key=lambda version: int(version.split(".")[1]))
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "source"
        source.mkdir()
        git.fetch_commit(pin.url, pin.commit, source, leave_out=pin.leave_out)
        wanted = (source / "requirements.txt").read_text(encoding="utf-8").replace("\n-e .", "\n")
        listed = Path(scratch) / "requirements.in"
        listed.write_text(wanted + BESIDE, encoding="utf-8")
        resolved = Path(scratch) / "lock.txt"
        if lock.is_file() and "--upgrade" not in sys.argv:
            resolved.write_bytes(lock.read_bytes())
        subprocess.run(
            [environment.uv_program(), "pip", "compile", listed, "--output-file", resolved,
             "--universal", "--generate-hashes", *environment.build_only(pin.from_source),
             "--fork-strategy", "fewest", "--python-version", oldest,
             "--no-config", "--no-header", "--no-annotate", "--no-emit-index-url", "--quiet"],
            check=True,
        )  # fmt: skip
        head = f"# The environment of sd-scripts {pin.commit}\n# Written by scripts/lock.py, not by hand.\n"
        lock.write_text(head + resolved.read_text(encoding="utf-8"), encoding="utf-8", newline="\n")
    print(f"{lock}: {sum('==' in line for line in lock.read_text(encoding='utf-8').splitlines())} packages")


if __name__ == "__main__":
    main()
