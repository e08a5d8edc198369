"""What the engine misreads and never checks in a plain folder (engine contract, section 1), and does not through the view.

Latents are compared, not dates; what the VAE would draw at random is its mean here, so that they can be.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toml
from PIL import Image, ImageDraw
from safetensors import safe_open

from kohya_wrap.dataset import inventory
from kohya_wrap.dataset.view import manifest
from kohya_wrap.domain import fitting
from kohya_wrap.domain.config import Layer, Origin, settle
from kohya_wrap.domain.family import FAMILIES, FamilyName
from kohya_wrap.errors import DatasetError
from kohya_wrap.host.safetensors_file import read_header
from kohya_wrap.places import Project
from kohya_wrap.workflow import bucketing, cached_with, training_view
from tests.engine.conftest import RealEngine, kohya_wrap

Array = np.ndarray[Any, Any]
OPTIONS: dict[str, Any] = {
    "resolution": "128,128", "enable_bucket": True, "min_bucket_reso": 64, "max_bucket_reso": 256,
    "caption_extension": ".txt", "mixed_precision": "no", "cache_latents_to_disk": True,
}  # fmt: skip
SMALL = {"resolution": "64,64"}  # where the size is no matter: the VAE's work is most of the time


class Encoder:
    """The engine's own caching, in one process for all tests of this file."""

    def __init__(self, real: RealEngine) -> None:
        self.real = real
        script = Path(__file__).with_name("encoder_inside.py")
        self._child = subprocess.Popen(
            [real.python, script, real.checkout.source],
            env=os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONUTF8": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )

    def ask(self, request: dict[str, Any]) -> dict[str, str]:
        """The caption of every image that was taken."""
        assert self._child.stdin and self._child.stdout
        print(json.dumps(request), file=self._child.stdin, flush=True)
        line = self._child.stdout.readline()
        assert line, f"the engine ended with {self._child.wait()}"
        said: dict[str, str] = json.loads(line)
        return said

    def cache(self, folder: Path, **changes: Any) -> dict[str, str]:
        """As `ask`. Fails where the engine died."""
        said = self.died_or_took(folder, **changes)
        assert "died" not in said, said
        return said

    def died_or_took(self, folder: Path, **changes: Any) -> dict[str, str]:
        common = {
            "pretrained_model_name_or_path": str(self.real.base),
            "tokenizer_cache_dir": str(self.real.engine.tokenizers),
        }
        return self.ask(common | OPTIONS | {"train_data_dir": str(folder)} | changes)

    def close(self) -> None:
        assert self._child.stdin and self._child.stdout
        self._child.stdin.close()
        self._child.stdout.close()
        self._child.wait()


@pytest.fixture(scope="module")
def encoder(real_engine: RealEngine) -> Iterator[Encoder]:
    started = Encoder(real_engine)
    yield started
    started.close()


@dataclass
class Seen:
    """What the engine has of each image, by the name of the user's file."""

    captions: dict[str, str] = field(default_factory=dict)
    latents: dict[str, dict[str, Array]] = field(default_factory=dict)
    texts: dict[str, Array] = field(default_factory=dict)
    encoded: list[str] = field(default_factory=list)  # in this run, and not found encoded


@dataclass
class Bench:
    """One project, looked at by the engine in both ways."""

    encoder: Encoder
    root: Path
    runs: int = 0

    @property
    def folder(self) -> Path:
        return self.root / "data" / "1_thing"

    def picture(self, name: str, draw: Image.Image | str, caption: str | None = "thing") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.new("RGB", (128, 128), draw) if isinstance(draw, str) else draw
        image.save(path)
        if caption is not None:
            path.with_suffix(".txt").write_text(caption, encoding="utf-8")
        return path

    def once(self, image: Image.Image) -> str:
        """The name of the one picture that looks like this."""
        name = f"{hashlib.sha256(repr(image.size).encode() + image.tobytes()).hexdigest()[:9]}.png"
        self.picture(name, image)
        return name

    def plain(self, **changes: Any) -> Seen:
        """On the user's folder itself."""
        before = set(self.folder.iterdir())
        seen = Seen(
            {
                Path(path).name: text
                for path, text in self.encoder.cache(self.root / "data", **changes).items()
            }
        )
        for name in seen.captions:
            stem = self.folder / Path(name).stem
            caches = sorted(self.folder.glob(f"{stem.name}_[0-9]*_sd.npz"))
            if caches:
                seen.latents[name] = arrays(caches[0])
                seen.encoded += [name] if caches[0] not in before else []
            if (texts := Path(f"{stem}_te_outputs.npz")).exists():
                seen.texts[name] = arrays(texts)["hidden_state1"]
        return seen

    def through_view(self, **changes: Any) -> Seen:
        """As `run` does: the same options, on a view."""
        texts = changes.pop("texts", False)
        base = {"pretrained_model_name_or_path": str(self.encoder.real.base)}
        values = base | OPTIONS | {"cache_text_encoder_outputs_to_disk": texts} | changes
        config = settle([Layer(Origin.FILE, values)])
        found = {"train_data_dir": inventory.take(self.root / "data", ".txt")}
        cached = cached_with.of(config, FAMILIES[FamilyName.SD15], self.encoder.real.engine)
        self.runs += 1
        run = self.root / "runs" / str(self.runs)
        run.mkdir(parents=True)
        seen = Seen()
        parts, place = training_view.of_folders(found, config, cached)
        with training_view.standing(Project(self.root), run, config, parts, place) as on_view:
            given = Path(on_view.config.get("train_data_dir"))
            known = set(given.parent.rglob("*.npz"))
            captions = self.encoder.cache(given, **changes, texts=texts)
            for line in manifest.read(given.parent):
                name = Path(line.source).name
                seen.captions[name] = captions[str(given.parent / line.path)]
                for cache in line.caches:
                    path = given.parent / cache.path
                    if cache.kind == "TEXTS":
                        seen.texts[name] = arrays(path)["hidden_state1"]
                        continue
                    seen.latents[name] = arrays(path)
                    seen.encoded += [name] if path not in known else []
        return seen


def arrays(path: Path) -> dict[str, Array]:
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files}


def same(one: dict[str, Array], other: dict[str, Array]) -> bool:
    return np.array_equal(one["latents"], other["latents"])


@pytest.fixture
def bench(encoder: Encoder, tmp_path: Path) -> Bench:
    return Bench(encoder, tmp_path)


@pytest.fixture
def fresh(encoder: Encoder, tmp_path: Path) -> Callable[..., dict[str, Array]]:
    """fresh(image, resolution=...): the latents of a picture that was never seen before, in the engine's plain way."""
    made = 0

    def encode(image: Image.Image | str, **changes: Any) -> dict[str, Array]:
        nonlocal made
        made += 1
        alone = Bench(encoder, tmp_path / f"fresh-{made}")
        alone.picture("x.png", image)
        return alone.plain(**changes).latents["x.png"]

    return encode


def halves(left: str, right: str, size: tuple[int, int] = (128, 128)) -> Image.Image:
    image = Image.new("RGB", size, left)
    ImageDraw.Draw(image).rectangle([size[0] // 2, 0, *size], fill=right)
    return image


def turned() -> Image.Image:
    """Lies on its side, to be shown upright: 128 x 256."""
    image = halves("red", "blue", (256, 128))
    image.getexif()[0x0112] = 6
    return image


def test_the_whole_way(real_engine: RealEngine, tmp_path: Path) -> None:
    """A training, as `run` does it: what the LoRA says of its dataset, and what is kept for the next one."""
    folder = tmp_path / "training_data" / "2_sks thing"
    folder.mkdir(parents=True)
    turned().save(folder / "b.jpg", exif=turned().getexif())
    halves("red", "blue").save(folder / "a.png")
    (folder / "a.txt").write_text("\ufeffsks, red\n", encoding="utf-8")
    (tmp_path / "reg" / "1_thing").mkdir(parents=True)
    Image.new("RGB", (64, 64), "grey").save(tmp_path / "reg" / "1_thing" / "x.png")
    config = tmp_path / "training_config.toml"
    config.write_text(
        toml.dumps(OPTIONS | {
            "pretrained_model_name_or_path": str(real_engine.base), "max_train_epochs": 1, "train_batch_size": 2,
            "network_train_unet_only": True, "seed": 1, "reg_data_dir": "reg", "save_state": False,
        })
    )  # fmt: skip
    first = kohya_wrap(real_engine, "run", config, "--gpu", "cpu", cwd=tmp_path)
    assert first.code == 0, first.words
    assert "the engine made it" not in first.words, (
        "its steps are those of the plan, regularisation images counted"
    )
    with safe_open(first.data["lora"], "numpy") as file:
        said = file.metadata()
    assert json.loads(said["ss_dataset_dirs"]) == {"2_sks thing": {"n_repeats": 2, "img_count": 2}}
    tags = json.loads(said["ss_tag_frequency"])["2_sks thing"]
    assert tags == {"sks": 1, "red": 1, "sks thing": 1}
    buckets = json.loads(said["ss_bucket_info"])["buckets"].values()
    assert sorted((*bucket["resolution"], bucket["count"]) for bucket in buckets) == [
        (64, 192, 2),
        (128, 128, 2 + 4),
    ]
    assert json.loads(said["ss_reg_dataset_dirs"]) == {"1_thing": {"n_repeats": 1, "img_count": 1}}
    kept = tmp_path / ".kohya-wrap" / "views" / "store" / "latents"
    assert len(list(kept.iterdir())) == 3
    assert sorted(path.name for path in folder.iterdir()) == ["a.png", "a.txt", "b.jpg"]


def test_an_edited_picture(bench: Bench, fresh: Callable[..., dict[str, Array]]) -> None:
    bench.picture("a.png", "red")
    bench.picture("b.png", "blue")
    first = bench.through_view()
    bench.plain()
    assert first.encoded == ["a.png", "b.png"]

    bench.picture("a.png", "green")
    now = fresh("green")
    stale, seen = bench.plain(), bench.through_view()

    assert same(stale.latents["a.png"], first.latents["a.png"]) and not same(stale.latents["a.png"], now)
    assert same(seen.latents["a.png"], now)
    assert seen.encoded == ["a.png"], "one edit re-encodes one image"
    assert same(seen.latents["b.png"], first.latents["b.png"])
    assert bench.through_view().encoded == [], "and a run with nothing changed none"


def test_another_resolution(bench: Bench, fresh: Callable[..., dict[str, Array]]) -> None:
    bench.picture("a.png", halves("red", "blue"))
    bench.plain()
    bench.through_view()
    stale, seen = bench.plain(resolution="192,192"), bench.through_view(resolution="192,192")
    assert stale.latents["a.png"]["latents"].shape == (4, 16, 16)
    assert seen.latents["a.png"]["latents"].shape == (4, 24, 24)
    assert same(seen.latents["a.png"], fresh(halves("red", "blue"), resolution="192,192"))
    assert bench.through_view().encoded == [], "the first resolution's are still there"


def test_other_buckets(bench: Bench) -> None:
    bench.picture("a.png", halves("red", "blue", (384, 128)))
    bench.plain()
    bench.through_view()
    square = {"enable_bucket": False}
    stale, seen = bench.plain(**square), bench.through_view(**square)
    assert stale.latents["a.png"]["latents"].shape == (4, 8, 24)
    assert seen.latents["a.png"]["latents"].shape == (4, 16, 16)


def test_another_vae(bench: Bench, fresh: Callable[..., dict[str, Array]]) -> None:
    bench.picture("a.png", "red")
    first = bench.plain()
    bench.through_view()
    other = {"vae": str(bench.root / "vae")}
    bench.encoder.ask({"make_vae": other["vae"]})
    now = fresh("red", **other)
    stale, seen = bench.plain(**other), bench.through_view(**other)
    assert same(stale.latents["a.png"], first.latents["a.png"]) and not same(first.latents["a.png"], now)
    assert same(seen.latents["a.png"], now)


def test_another_base(bench: Bench, fresh: Callable[..., dict[str, Array]]) -> None:
    """With no VAE of its own named, it is the base's."""
    bench.picture("a.png", "red")
    first = bench.plain()
    bench.through_view()
    base = bench.root / "other.safetensors"
    shutil.copyfile(bench.encoder.real.base, base)
    with base.open("r+b") as file:
        for name, tensor in read_header(base).tensors.items():
            if name.startswith("first_stage_model."):
                values = np.memmap(file, np.float16, "r+", tensor.begin, (tensor.end - tensor.begin) // 2)
                values *= np.float16(0.5)
    other = {"pretrained_model_name_or_path": str(base)}
    now = fresh("red", **other)
    stale, seen = bench.plain(**other), bench.through_view(**other)
    assert same(stale.latents["a.png"], first.latents["a.png"]) and not same(first.latents["a.png"], now)
    assert same(seen.latents["a.png"], now)


def test_an_edited_mask(bench: Bench) -> None:
    def picture(seen: int) -> Image.Image:
        image = Image.new("RGBA", (128, 128), (200, 30, 90, 255))
        image.paste((200, 30, 90, 0), (seen, 0, 128, 128))
        return image

    bench.picture("a.png", picture(32))
    bench.plain(alpha_mask=True)
    bench.through_view(alpha_mask=True)
    bench.picture("a.png", picture(96))
    stale, seen = bench.plain(alpha_mask=True), bench.through_view(alpha_mask=True)
    assert stale.latents["a.png"]["alpha_mask"].mean() == pytest.approx(32 / 128)
    assert seen.latents["a.png"]["alpha_mask"].mean() == pytest.approx(96 / 128)


def test_a_cache_that_wins_by_its_name(bench: Bench, fresh: Callable[..., dict[str, Array]]) -> None:
    """`a.npz` is taken before a cache that has the picture's size in its name, whatever made it."""
    bench.picture("a.png", "red")
    foreign = fresh("blue")
    np.savez(bench.folder / "a.npz", **foreign)
    misled, seen = bench.plain(), bench.through_view()
    assert misled.encoded == [] and set(misled.captions) == {"a.png"}, (
        "it is not encoded: a.npz stands for it"
    )
    assert seen.encoded == ["a.png"] and same(seen.latents["a.png"], fresh("red"))


def test_a_mask_that_is_turned_off(bench: Bench) -> None:
    image = Image.new("RGBA", (128, 128), (200, 30, 90, 255))
    image.paste((10, 200, 30, 0), (64, 0, 128, 128))
    bench.picture("a.png", image)
    bench.plain(alpha_mask=True)
    masked = bench.through_view(alpha_mask=True)
    assert masked.latents["a.png"]["alpha_mask"].min() == 0, "kept where it is asked for"
    stale, seen = bench.plain(), bench.through_view()
    assert "alpha_mask" in stale.latents["a.png"]
    assert "alpha_mask" not in seen.latents["a.png"]


def test_a_cache_that_is_not_checked(bench: Bench) -> None:
    """With skip_cache_check the engine takes one without what the options ask for, and dies of it at its batch."""
    bench.picture("a.png", halves("red", "blue"))
    bench.plain(**SMALL)
    bench.through_view(**SMALL)
    asked = SMALL | {"flip_aug": True, "skip_cache_check": True}
    stale, seen = bench.plain(**asked), bench.through_view(**asked)
    assert stale.encoded == [] and "latents_flipped" not in stale.latents["a.png"]
    assert seen.encoded == ["a.png"] and "latents_flipped" in seen.latents["a.png"]


def test_latents_that_are_no_numbers(bench: Bench) -> None:
    """The engine keeps them for good; the view for the run that made them."""
    bench.picture("a.png", "red")
    broken = SMALL | {"vae": str(bench.root / "vae")}
    bench.encoder.ask({"make_vae": broken["vae"], "times": float("nan")})
    for seen in (bench.plain(**broken), bench.through_view(**broken)):
        assert np.isnan(seen.latents["a.png"]["latents"]).all()
    plain, seen = bench.plain(**broken), bench.through_view(**broken)
    assert (plain.encoded, seen.encoded) == ([], ["a.png"])


def test_a_name_that_begins_like_another_s(bench: Bench) -> None:
    """The size of `10.png`'s cache is taken for `1.png`'s."""
    bench.picture("10.png", halves("red", "blue", (384, 128)))
    bench.plain()
    bench.through_view()
    bench.picture("1.png", halves("red", "blue"))
    misled, seen = bench.plain(), bench.through_view()
    assert misled.latents["1.png"]["latents"].shape == (4, 8, 24)
    assert seen.latents["1.png"]["latents"].shape == (4, 16, 16)


def test_two_pictures_of_one_name(bench: Bench) -> None:
    """They share one caption, as in the user's folder, but not one cache."""
    bench.picture("a.png", "red")
    bench.picture("a.jpg", "blue", caption="thing of both")
    shared, seen = bench.plain(), bench.through_view()
    assert same(shared.latents["a.png"], shared.latents["a.jpg"])
    assert not same(seen.latents["a.png"], seen.latents["a.jpg"])
    assert set(seen.captions.values()) == {"thing of both"}


def hidden() -> Image.Image:
    return Image.new("RGBA", (128, 128), (10, 200, 30, 0))


def hidden_grey() -> Image.Image:
    return Image.new("LA", (128, 128), (100, 0))


def hidden_of_a_palette() -> Image.Image:
    image = Image.new("P", (128, 128), 1)
    image.putpalette([0, 0, 0, 10, 200, 30])
    image.info["transparency"] = 1
    return image


def deep() -> Image.Image:
    """16 bits of grey: half the way to white."""
    return Image.fromarray(np.full((128, 128), 32768, np.uint16))


def coloured(colour: str | tuple[int, int, int]) -> Image.Image:
    return Image.new("RGB", (128, 128), colour)


# name -> the picture, what the engine makes of it, what a person sees.
ODD = {
    "turned.png": (turned(), halves("red", "blue", (256, 128)), halves("red", "blue", (256, 128)).rotate(-90, expand=True)),
    "hidden.png": (hidden(), coloured((10, 200, 30)), coloured("white")),
    "grey.png": (hidden_grey(), coloured((100,) * 3), coloured("white")),
    "palette.png": (hidden_of_a_palette(), coloured((10, 200, 30)), coloured("white")),
    "deep.png": (deep(), coloured("white"), coloured((128,) * 3)),
    "printed.jpg": (Image.new("CMYK", (128, 128), (0, 255, 255, 0)), None, None),
    "listed.png": (coloured("red").convert("P"), coloured("red"), coloured("red")),
}  # fmt: skip


def test_pictures_that_are_misread(bench: Bench, tmp_path: Path) -> None:
    """By their EXIF, their transparency, their 16 bits; CMYK without a profile and a palette without a hole are not."""
    expected = Bench(bench.encoder, tmp_path / "expected")
    wanted: dict[str, list[str]] = {}
    for name, (image, *twins) in ODD.items():
        path = bench.picture(name, "red")
        image.save(path, exif=image.getexif())
        with Image.open(path) as saved:
            as_stored = saved.convert("RGB")
        wanted[name] = [expected.once(twin or as_stored) for twin in twins]
    misread, seen = bench.plain(**SMALL).latents, bench.through_view(**SMALL).latents
    right = expected.plain(**SMALL).latents
    assert misread.keys() == seen.keys() == ODD.keys()
    for name, (as_engine, as_seen) in wanted.items():
        assert same(misread[name], right[as_engine]), name
        assert same(seen[name], right[as_seen]), name
        assert same(right[as_engine], right[as_seen]) == (name in ("printed.jpg", "listed.png")), name


def test_endings_that_the_engine_does_not_list(bench: Bench) -> None:
    bench.picture("a.Png", "red")
    bench.picture("b.gif", "blue")
    bench.picture("c.png", "green")
    plain, seen = bench.plain(), bench.through_view()
    assert set(plain.captions) == {"c.png"}
    assert set(seen.captions) == {"a.Png", "b.gif", "c.png"}


def test_captions(bench: Bench) -> None:
    """A byte order mark, a blank first line, none at all, several lines, the stem less four parts: as texts and outputs."""
    written = {"a.png": "\ufefftag, b\n", "b.png": "\nsecond", "c.png": None, "d.png": "first\n\n second \n"}
    for name, text in written.items():
        bench.picture(name, "red", text)
    bench.picture("e_1_2_3_4.png", "red", None)
    (bench.folder / "e.txt").write_text("a face\n")
    plain, seen = bench.plain(), bench.through_view()
    assert plain.captions["a.png"] == "\ufefftag, b" and seen.captions["a.png"] == "tag, b"
    assert seen.captions == plain.captions | {"a.png": "tag, b"}
    assert seen.captions["c.png"] == "thing"
    wild = {"enable_wildcard": True}
    lines = bench.through_view(**wild).captions
    assert lines == bench.plain(**wild).captions | {"a.png": "tag, b"}
    assert lines["d.png"] == "first\nsecond"


def spoil_image(folder: Path, keep: int) -> None:
    path = folder / "a.png"
    Image.effect_noise((128, 128), 90).convert("RGB").save(path)
    path.write_bytes(path.read_bytes()[:keep])


@pytest.mark.parametrize(
    ("spoil", "died", "said"),
    [
        (lambda folder: spoil_image(folder, 0), "ZeroDivisionError", "a.png cannot be read"),
        (lambda folder: spoil_image(folder, 9000), "OSError: image file is truncated", "a.png cannot be read"),
        (lambda folder: (folder / "a.txt").write_bytes(b""), "AssertionError: caption file is empty", "a.txt is empty"),
        (lambda folder: (folder / "a.txt").write_bytes("猫".encode("shift-jis")), "UnicodeDecodeError", "a.txt is not UTF-8"),
    ],
    ids=["no byte", "truncated", "empty caption", "no UTF-8"],
)  # fmt: skip
def test_what_the_engine_dies_of_is_refused(
    bench: Bench, spoil: Callable[[Path], object], died: str, said: str
) -> None:
    bench.picture("a.png", "red")
    bench.picture("b.png", "blue")
    spoil(bench.folder)
    assert bench.encoder.died_or_took(bench.root / "data")["died"].startswith(died)
    with pytest.raises(DatasetError, match=said):
        bench.through_view()


@pytest.mark.parametrize("cut", [False, True])
def test_a_size_that_does_not_go_with_the_values(bench: Bench, cut: bool) -> None:
    """Without buckets and cached latents, at its batch."""
    sizes = [(128, 96), (96, 128), (129, 96), (128, 95), (300, 200), (64, 64), (300, 90), (127, 200)]
    of = {bench.picture(f"{w}x{h}.png", Image.new("RGB", (w, h))): (w, h) for w, h in sizes}
    values = {"resolution": "128,96", "enable_bucket": False, "random_crop": cut}
    not_cached = {"cache_latents": False, "cache_latents_to_disk": False, "train_batch_size": 1}
    died = bench.encoder.cache(bench.root / "data", fetch=True, **values, **not_cached)
    config = settle([Layer(Origin.FILE, values | not_cached)])
    for path, size in of.items():
        ours = fitting.unfit(bucketing.rule(config), size, config)
        assert bool(ours) == bool(died[str(path)]), (size, died[str(path)])
    assert sum(map(bool, died.values())) == (5 if cut else 7)


def test_text_encoder_outputs(bench: Bench) -> None:
    """An edited caption, and more tokens."""
    bench.picture("a.png", "red", "one")
    bench.picture("b.png", "red", "other")
    plain, seen = bench.plain(texts=True), bench.through_view(texts=True)
    assert np.array_equal(plain.texts["a.png"], seen.texts["a.png"])
    bench.picture("a.png", "red", "another")
    stale, now = bench.plain(texts=True), bench.through_view(texts=True)
    assert np.array_equal(stale.texts["a.png"], plain.texts["a.png"])
    assert not np.array_equal(now.texts["a.png"], plain.texts["a.png"])
    assert np.array_equal(now.texts["b.png"], plain.texts["b.png"])
    assert bench.plain(texts=True, max_token_length=150).texts["a.png"].shape[0] == 77
    assert bench.through_view(texts=True, max_token_length=150).texts["a.png"].shape[0] == 2 * 77


def test_a_killed_engine_s_half_file_does_not_stop_the_next_run(bench: Bench) -> None:
    bench.picture("a.png", "red")
    bench.through_view()
    (kept,) = (bench.root / ".kohya-wrap" / "views" / "store" / "latents").iterdir()
    kept.write_bytes(kept.read_bytes()[:-40])
    assert bench.through_view().encoded == ["a.png"]
    assert bench.through_view().encoded == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can lay a read-only disk over a folder")
def test_a_folder_that_cannot_be_written(bench: Bench) -> None:
    bench.picture("a.png", "red")
    laid_over = subprocess.run(
        ["mount", "--bind", "-o", "ro", bench.folder, bench.folder], capture_output=True, check=False
    )
    if laid_over.returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        assert bench.through_view().encoded == ["a.png"]
    finally:
        subprocess.run(["umount", bench.folder], check=True)


def test_the_user_s_folder_stays_as_it_is(bench: Bench) -> None:
    bench.picture("a.png", "red")
    before = {path: path.read_bytes() for path in bench.folder.iterdir()}
    bench.through_view()
    assert {path: path.read_bytes() for path in bench.folder.iterdir()} == before
