"""Build and check a dataset of odd pictures, and load it with the engine's own loader: `uv run scripts/try_images.py FOLDER`.

Made for the pictures that Pillow is tested with: `pip download --no-binary :all: --no-deps pillow`, Tests/images.
Each is accepted, or refused with a reason. What was accepted must come out of the engine's load_image with the size
and the colours of the source as a person sees it, and its get_image_size, by which it sorts into buckets, must agree.
So must those of the pictures themselves that `dataset check` finds nothing misread in. What a person sees is made by
Pillow alone, without the code that is tried. The exit code is 1 where anything differs, and without an installed
engine (`kohya-wrap init`), when the first half is done.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

from kohya_wrap.dataset import building
from kohya_wrap.dataset.building import record
from kohya_wrap.dataset.building.record import Choices
from kohya_wrap.engine import checkout, install, pin
from kohya_wrap.host import image_file
from kohya_wrap.places import Places

# In the engine's interpreter: {"path", "pixels"} a line in, what differs a line out.
LOAD = """
import json, sys
sys.path.insert(0, sys.argv[1])
out, sys.stdout = sys.stdout, sys.stderr
import numpy as np
from library import train_util
size_of = train_util.BaseDataset.get_image_size
for line in sys.stdin:
    asked = json.loads(line)
    try:
        loaded, wanted = train_util.load_image(asked["path"]), np.load(asked["pixels"])
        size = tuple(size_of(None, asked["path"]))
        if loaded.shape != wanted.shape:
            answer = f"loaded as {loaded.shape}, seen as {wanted.shape}"
        elif size != wanted.shape[1::-1]:
            answer = f"its size is taken for {size}, it is {wanted.shape[1::-1]}"
        else:
            apart = int(np.abs(loaded.astype(int) - wanted).max())
            answer = f"colours up to {apart} apart" if apart else ""
    except Exception as error:
        answer = f"{type(error).__name__}: {error}"
    print(json.dumps(answer), file=out, flush=True)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--each", action="store_true", help="Name every picture that is refused.")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = building.Place("odd", Path(name), None, Path(name) / "held_out", Path(name) / "odd.json")
        choices = Choices(sources=(str(words.folder.absolute()),))
        built = building.build(place, choices, lambda count: 1, skip_broken=True)
        refused = [found for found in built.findings if found.code == "unreadable"]
        reasons = Counter(found.message.partition("cannot be read: ")[2] for found in refused)
        print(
            f"{built.images} accepted, {len(refused)} refused, of {pictures(words.folder)} that are pictures by name"
        )
        for reason, count in reasons.most_common():
            print(f"  refused   {count:4} {reason}")
        for reason, count in built.why_saved.items():
            print(f"  saved     {count:4} {reason}")
        for found in refused if words.each else ():
            print(f"  {found.message}")
        found_record = record.read(place.record)
        assert found_record is not None
        loaded = {str(built.folder / entry.name): entry.origin for entry in found_record.entries}
        return differences(loaded, Path(name)) + differences(checked(words.folder), Path(name))


def pictures(folder: Path) -> int:
    return sum(image_file.looks_like_image(path) for path in folder.rglob("*") if path.is_file())


def checked(folder: Path) -> dict[str, str]:
    """What `dataset check` accepts of the folder, and the engine is given as it is; path -> path."""
    asked = [sys.executable, "-m", "kohya_wrap", "dataset", "check", str(folder), "--json"]
    said = json.loads(subprocess.run(asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)
    if said["data"] is None:
        raise SystemExit(f"dataset check: {said['error']}")
    images, refused = said["data"]["images"], [one for one in said["findings"] if one["level"] == "error"]
    cured = Counter(misread for image in images for misread in image["misread"])
    print(f"dataset check: {len(images)} accepted, {len(refused)} refused; cured by the view: {dict(cured)}")
    as_they_are = (image["path"] for image in images if not image["misread"])
    return {path: path for path in as_they_are if Path(path).suffix in image_file.ENGINE_EXTENSIONS}


def seen(image: Image.Image) -> Image.Image:
    """RGB: upright, deep levels scaled, colours by its profile where Pillow can read it, on white."""
    image = ImageOps.exif_transpose(image)
    profile = image.info.get("icc_profile")
    if image.mode[0] in "IF":
        levels = np.asarray(image).astype(float)
        deep = image.mode.startswith("I;16") or levels.max() > 255
        levels = levels / 65535 * 255 if deep else levels if levels.max() > 1 else levels * 255
        image = Image.fromarray((levels + 0.5).clip(0, 255).astype("uint8"))
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    plain = {"LA": "L", "1": "L", "P": "RGB", "PA": "RGB"}
    colours = image.convert("RGB" if alpha and image.mode != "LA" else plain.get(image.mode, image.mode))
    if profile:
        try:
            theirs = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            colours = ImageCms.profileToProfile(
                colours, theirs, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass
    if alpha is None:
        return colours.convert("RGB")
    layers = colours.convert("RGB").convert("RGBA")
    layers.putalpha(alpha)
    return Image.alpha_composite(Image.new("RGBA", layers.size, "white"), layers).convert("RGB")


def differences(loaded: Mapping[str, str], scratch: Path) -> int:
    """How many of the files (path -> where it comes from) the engine does not load as a person sees their origin."""
    env = os.environ
    pinned, places = pin.load(), Places.from_environment(env)
    source, environment = checkout.find(pinned, places), install.find(pinned, places)
    if source is None or environment is None:
        raise SystemExit("no engine is installed: not loaded with its loader")
    asked = []
    for number, (path, origin) in enumerate(loaded.items()):
        pixels = scratch / f"{number}.npy"
        with Image.open(origin) as image:
            np.save(pixels, np.asarray(seen(image)))
        asked.append({"path": path, "pixels": str(pixels)})
    answer = subprocess.run(
        [environment.python, "-c", LOAD, str(source.source)],
        input="".join(json.dumps(each) + "\n" for each in asked),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True,
        env={**env, "HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    wrong = [
        (origin, said)
        for origin, line in zip(loaded.values(), answer.stdout.splitlines(), strict=True)
        if (said := json.loads(line))
    ]
    for origin, said in wrong:
        print(f"  DIFFERS   {Path(origin).name}: {said}")
    print(f"{len(loaded)} loaded with the engine's loader, {len(wrong)} differences")
    return len(wrong)


if __name__ == "__main__":
    raise SystemExit(1 if main() else 0)
