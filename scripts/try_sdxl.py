"""Train SDXL through the training view on the real engine, on a CPU: `uv run scripts/try_sdxl.py FOLDER`.

Two bases of random weights in the real architecture are made in FOLDER (14 GB, kept for the next time; delete them by hand),
then eight short trainings of four small pictures, outputs of both text encoders and latents cached on disk: five by
`kohya-wrap run`, three by the engine alone on the plain folder. What was encoded anew is told by a mark that is put into every
cache after each run, and not by dates; what a training really used, by the hash of the LoRA's tensors.

12 minutes on two cores, 22 GB of memory (the largest process, with the base's 7 GB that it maps). The engine must be
installed (`kohya-wrap init --full`).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import toml
from PIL import Image, ImageDraw
from safetensors import safe_open

from kohya_wrap import resources
from kohya_wrap.dataset.view import manifest
from kohya_wrap.dataset.view.store import Store
from kohya_wrap.engine.locate import Engine
from kohya_wrap.places import Places, Project
from kohya_wrap.training import command
from kohya_wrap.workflow.provision import Wanted, missing, provide

# In the engine's interpreter, from its own classes; OpenCLIP's bigG as its sdxl_model_util.py builds it.
MAKE = """
import sys
source, inside, file, seed = sys.argv[1:]
sys.path[:0] = [source, inside]
import torch
from diffusers import AutoencoderKL
from library import model_util, sdxl_model_util, sdxl_original_unet
from random_base import text_encoder
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection
torch.manual_seed(int(seed))
first = CLIPTextModel(text_encoder()).half()
second = CLIPTextModelWithProjection(CLIPTextConfig(
    vocab_size=49408, hidden_size=1280, intermediate_size=5120, num_hidden_layers=32, num_attention_heads=20,
    max_position_embeddings=77, hidden_act="gelu", projection_dim=1280,
)).half()
torch.set_default_dtype(torch.float16)
unet = sdxl_original_unet.SdxlUNet2DConditionModel()
vae = AutoencoderKL(**model_util.create_vae_diffusers_config())
sdxl_model_util.save_stable_diffusion_checkpoint(
    file, first, second, unet, 0, 0, None, vae, torch.tensor(4.6052), {"format": "pt"}
)
"""
OPTIONS = {
    "train_data_dir": "./training_data", "resolution": "128,128", "max_train_epochs": 1, "network_dim": 4,
    "network_train_unet_only": True, "cache_latents_to_disk": True, "cache_text_encoder_outputs_to_disk": True,
    "train_batch_size": 1, "gradient_accumulation_steps": 1, "save_state": False, "seed": 1, "output_name": "sdxl",
}  # fmt: skip
NAMES = ("a", "b", "c", "d")
KINDS = {"LATENTS": "*_sdxl.npz", "TEXTS": "*_te_outputs.npz"}
MARK = "seen_by_try_sdxl"

Which = tuple[str, str]  # (image, kind of cache)
ALL = {(name, kind) for name in NAMES for kind in KINDS}


@dataclass(frozen=True)
class Ran:
    """One training: the hash of the LoRA's tensors; every cache's content; which of them were encoded in it."""

    lora: str
    content: dict[Which, str]
    encoded: set[Which]


@dataclass
class Trial:
    root: Path
    engine: Engine
    wrong: list[str] = field(default_factory=list)

    def draw(self, name: str, colour: str) -> None:
        picture = Image.new("RGB", (128, 128), colour)
        ImageDraw.Draw(picture).ellipse((20, 20, 60 + 15 * NAMES.index(name), 100), fill="white")
        picture.save(self._folder / f"{name}.png")

    def caption(self, name: str, text: str) -> None:
        (self._folder / f"{name}.txt").write_text(text + "\n", encoding="utf-8")

    @property
    def _folder(self) -> Path:
        folder = self.root / "training_data" / "1_thing"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def run(self, what: str, base: Path) -> Ran:
        """By `kohya-wrap run`."""
        config = {"pretrained_model_name_or_path": str(base), **OPTIONS}
        sections = {"training": config, "kohya_wrap": {"engine": "real", "subject": "none"}}
        (self.root / "training_config.toml").write_text(toml.dumps(sections), encoding="utf-8")
        words = [sys.executable, "-m", "kohya_wrap", "run", "--gpu", "cpu", "--restart", "--json"]
        out = measured(f"view: {what}", words, self.root, dict(os.environ), self.root / "said.txt")
        data = json.loads(out)["data"]
        store = Store(Project(self.root).views / "store")
        paths = {
            (Path(line.source).stem, cache.kind): store.path(cache.of, cache.key)
            for line in manifest.read(Path(data["run"]))
            for cache in line.caches
        }
        self._given = Path(data["run"], "engine_config.toml")
        print(f"        {data['steps']} steps, {pace(Path(data['run'], 'engine.log'))}")
        return ran(Path(data["lora"]), paths)

    def plain(self, what: str) -> Ran:
        """By the engine alone, as the last `run` started it, but on the user's folder."""
        output, log = self.root / "plain", self.root / "plain.log"
        given = toml.load(self._given) | {
            "train_data_dir": str(self.root / "training_data"),
            "output_dir": str(output),
        }
        config, launcher = self.root / "plain.toml", self.root / "accelerate.json"
        config.write_text(toml.dumps(given), encoding="utf-8")
        launcher.write_text(command.launcher_config(1), encoding="utf-8")
        threads, script = os.cpu_count() or 1, "sdxl_train_network.py"
        words = command.argv(
            self.engine.launch, self.engine.source, script, config, launcher, cpu=True, threads=threads
        )
        env = command.environment(os.environ, threads=threads, gpus=())
        measured(f"plain folder: {what}", words, self.engine.source, env, log)
        print(f"        {pace(log)}")
        paths = {
            (path.name.partition("_")[0], kind): path
            for kind, pattern in KINDS.items()
            for path in self._folder.glob(pattern)
        }
        return ran(output / "sdxl.safetensors", paths)

    def expect(self, claim: str, holds: bool) -> None:
        print(f"  {'ok' if holds else 'WRONG':5} {claim}")
        self.wrong += [] if holds else [claim]


def measured(what: str, words: list[str] | tuple[str, ...], cwd: Path, env: dict[str, str], said: Path) -> str:  # fmt: skip
    """Its stdout, once it has ended well; time and memory are printed. Stderr goes to `said`."""
    began = time.monotonic()
    with (
        said.open("w", encoding="utf-8") as err,
        subprocess.Popen(words, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=err, text=True) as child,
    ):
        assert child.stdout is not None
        out = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    # The largest process of it; what of the base's file is mapped counts too, and could be given back.
    print(f"{what}: {time.monotonic() - began:.0f} s, {usage.ru_maxrss / 1e6:.1f} GB at most", flush=True)
    if child.returncode:
        raise SystemExit(f"ended with {child.returncode}: {said.read_text(encoding='utf-8')[-2000:]}{out[-2000:]}")  # fmt: skip
    return out


def pace(log: Path) -> str:
    """As the engine's last bar has it."""
    bars = re.findall(r"steps: 100%.*?([\d.]+ ?(?:s/it|it/s))", log.read_text(encoding="utf-8"))
    return str(bars[-1]) if bars else "no pace"


def ran(lora: Path, paths: dict[Which, Path]) -> Ran:
    read = {which: read_and_mark(path) for which, path in paths.items()}
    with safe_open(lora, "numpy") as file:
        tensors = file.metadata()["sshs_model_hash"]
    return Ran(
        tensors,
        {which: content for which, (content, _) in read.items()},
        {which for which, (_, marked) in read.items() if not marked},
    )


def read_and_mark(path: Path) -> tuple[str, bool]:
    """What the cache holds, and whether it had the mark: the engine looks at the names it knows, and leaves what it keeps."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    marked = arrays.pop(MARK, None) is not None
    hashed = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        hashed.update(f"{name} {array.shape} {array.dtype}".encode() + array.tobytes())
    np.savez(path, **arrays, **{MARK: np.ones(1)})
    return hashed.hexdigest(), marked


def made(base: Path, seed: int, engine: Engine) -> Path:
    if not base.exists():
        part = base.with_name(f".part.{base.name}")  # by the ending the engine chooses how to write it
        inside = resources.inside("random_base.py").parent
        words = [engine.launch[0], "-I", "-c", MAKE, str(engine.source), str(inside), str(part), str(seed)]
        measured(f"a base, seed {seed}", words, base.parent, dict(os.environ), base.with_suffix(".txt"))
        part.replace(base)
    return base


def changed(one: Ran, other: Ran) -> set[Which]:
    return {which for which in ALL if one.content[which] != other.content[which]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    root = parser.parse_args().folder.absolute()
    root.mkdir(parents=True, exist_ok=True)
    places, wanted = Places.from_environment(os.environ), Wanted(None, root)
    if missing(wanted, places):
        print("the engine is not installed: kohya-wrap init --full")
        return 1
    trial = Trial(root / "project", provide(wanted, places, lambda news: None).engine)
    if trial.root.exists():
        raise SystemExit(f"{trial.root} is there: remove it, so that no cache is found in it")
    base, other = made(root / "base.safetensors", 1, trial.engine), made(root / "other.safetensors", 2, trial.engine)  # fmt: skip
    for name, colour in zip(NAMES, ("red", "green", "blue", "black"), strict=True):
        trial.draw(name, colour)
        trial.caption(name, f"a thing, number {name}")

    first = trial.run("first", base)
    trial.expect("everything is encoded", first.encoded == ALL)
    again = trial.run("nothing changed", base)
    trial.expect("nothing is encoded, the contents are the same", not again.encoded and not changed(first, again))  # fmt: skip

    alone = trial.plain("first")
    trial.expect("everything is encoded, to the same as through the view", alone.encoded == ALL and not changed(first, alone))  # fmt: skip
    alone_again = trial.plain("nothing changed")
    trial.expect("it trains the same LoRA as through the view", alone_again.lora == again.lora)

    trial.caption("b", "quite another thing, at night")
    stale = trial.plain("b's caption edited")
    trial.expect("the stale output stays", not stale.encoded and not changed(alone, stale))
    trial.expect("and is trained on: the LoRA is that of the old caption", stale.lora == alone_again.lora)
    text = trial.run("b's caption edited", base)
    trial.expect("that one output is encoded, and is another", text.encoded == changed(again, text) == {("b", "TEXTS")})  # fmt: skip
    trial.expect("and is trained on: another LoRA", text.lora != again.lora)

    trial.draw("c", "yellow")
    picture = trial.run("c's picture edited", base)
    trial.expect("that one latent is encoded, and is another", picture.encoded == changed(text, picture) == {("c", "LATENTS")})  # fmt: skip
    rebased = trial.run("another base", other)
    trial.expect("everything is encoded, and is another", rebased.encoded == changed(picture, rebased) == ALL)
    print(f"{len(trial.wrong)} of what was expected did not happen" if trial.wrong else "all as expected")
    return 1 if trial.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
