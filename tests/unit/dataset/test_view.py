"""The training view on disk: laid out, encoded into by an engine that is played here, cleared, laid out again."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kohya_wrap.dataset import inventory
from kohya_wrap.dataset.view import kept, laid_out, manifest, store
from kohya_wrap.dataset.view.laid_out import CachedWith, Part, View
from kohya_wrap.dataset.view.store import Kind, Store
from kohya_wrap.domain import view
from kohya_wrap.domain.dataset import Inventory
from kohya_wrap.errors import DatasetError
from kohya_wrap.host import lock
from tests.unit.dataset.conftest import Picture


@dataclass
class Bench:
    """A dataset, the views of it, and a number that stands for what the engine does to an image."""

    root: Path
    cached: CachedWith = field(default_factory=lambda: CachedWith("as the config says", "a base"))
    runs: int = 0

    @property
    def views(self) -> Path:
        return self.root / "views"

    @property
    def store(self) -> Store:
        return Store(self.views / "store")

    def seen(self) -> Inventory:
        return inventory.take(self.root / "data", None)

    def lay_out(
        self, found: Inventory | None = None, *, alpha_mask: bool = False, **parts: Inventory
    ) -> View:
        self.runs += 1
        found = found or self.seen()
        folders = {
            name: view.of(part, alpha_mask=alpha_mask, every_line=False)
            for name, part in {"train": found, **parts}.items()
        }
        laid = [Part(name, of, found.caption_extension, self.cached) for name, of in folders.items()]
        return laid_out.lay_out(self.views / f"run-{self.runs}", laid, self.store)

    def encode(self, laid: View, value: float = 1.0) -> list[str]:
        """As the engine: what is there is taken as it is. The sources that were encoded."""
        fresh = []
        for line in manifest.read(laid.root):
            for cache in line.caches:
                if not (path := laid.root / cache.path).exists():
                    np.savez(path, latents=np.array([value]))
                    fresh.append(f"{Path(line.source).name} {cache.kind.lower()}")
        return fresh

    def run(self, **changes: Any) -> list[str]:
        laid = self.lay_out(**changes)
        fresh = self.encode(laid)
        kept.clear(laid.root, self.store)
        assert not laid.root.exists()
        return fresh


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def files(laid: View) -> set[str]:
    return {str(path.relative_to(laid.root)) for path in laid.root.rglob("*") if path.is_file()}


def test_links_and_captions(bench: Bench, picture: Picture) -> None:
    image = picture("data/10_a/b.jpg", caption="\ufeffa cat\nmore")
    picture("data/10_a/c.PNG")
    laid = bench.lay_out()
    assert files(laid) == {
        "view.json", "train/10_a/000001.jpg", "train/10_a/000001.txt", "train/10_a/000002.png", "train/10_a/000002.txt",
    }  # fmt: skip
    folder = laid.root / "train" / "10_a"
    assert (folder / "000001.jpg").samefile(image)
    assert (folder / "000001.txt").read_bytes() == b"a cat\n"
    assert (folder / "000002.txt").read_bytes() == b"a\n", "the class tokens of the folder's name"


def test_captions_have_the_ending_that_the_config_says(bench: Bench, picture: Picture) -> None:
    picture("data/10_a/b.jpg").with_suffix(".caption").write_text("a cat")
    assert "train/10_a/000001.caption" in files(bench.lay_out())


def test_a_misread_picture_is_a_copy_as_it_is_seen(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "data" / "10_a").mkdir(parents=True)
    Image.new("RGBA", (8, 4), (1, 2, 3, 0)).save(tmp_path / "data" / "10_a" / "a.png")
    laid = bench.lay_out()
    with Image.open(laid.root / "train" / "10_a" / "000001.png") as copy:
        assert (copy.mode, copy.getpixel((0, 0))) == ("RGB", (255, 255, 255))


def turned_and_clear(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGBA", (8, 4), (1, 2, 3, 0))
    image.getexif()[0x0112] = 6
    image.save(path, exif=image.getexif())


def test_a_copy_for_a_mask_is_another_one(bench: Bench, tmp_path: Path) -> None:
    turned_and_clear(tmp_path / "data" / "10_a" / "a.png")
    for alpha_mask, mode in ((False, "RGB"), (True, "RGBA")):
        with Image.open(bench.lay_out(alpha_mask=alpha_mask).root / "train/10_a/000001.png") as copy:
            assert (copy.mode, copy.size) == (mode, (4, 8))


def test_caches_are_named_as_the_engine_names_them(bench: Bench, picture: Picture, tmp_path: Path) -> None:
    picture("data/10_a/a.jpg", (12, 345))
    turned_and_clear(tmp_path / "data" / "10_a" / "b.png")
    bench.cached = CachedWith("x", "y", "_sdxl.npz")
    caches = [cache.path for line in bench.lay_out().lines for cache in line.caches]
    assert caches == [
        "train/10_a/000001_0012x0345_sdxl.npz", "train/10_a/000001_te_outputs.npz",
        "train/10_a/000002_0004x0008_sdxl.npz", "train/10_a/000002_te_outputs.npz",
    ]  # fmt: skip


def test_nothing_is_expected_of_an_engine_that_caches_nothing(bench: Bench, picture: Picture) -> None:
    picture("data/10_a/a.jpg")
    bench.cached = CachedWith()
    laid = bench.lay_out()
    assert (laid.lines[0].caches, dict(laid.lacking)) == ((), {})


ALL = ["a.png latents", "a.png texts", "b.png latents", "b.png texts"]


@pytest.fixture
def two(picture: Picture) -> tuple[Path, Path]:
    a = picture("data/10_a/a.png", (8, 8), "one")
    b = picture("data/10_a/b.png", (8, 9), "other")
    return a, b


@pytest.mark.usefixtures("two")
def test_nothing_changed_nothing_encoded(bench: Bench) -> None:
    assert bench.run() == ALL
    assert bench.run() == []
    assert dict(bench.lay_out().lacking) == {}


def test_one_edit_one_image(bench: Bench, two: tuple[Path, Path], picture: Picture) -> None:
    bench.run()
    Image.new("RGB", (8, 8), "green").save(two[0])
    assert dict(bench.lay_out().lacking) == {Kind.LATENTS: 1}
    assert bench.run() == ["a.png latents"]
    two[1].with_suffix(".txt").write_text("edited")
    assert bench.run() == ["b.png texts"]


def test_what_has_changed_is_counted_wherever_the_project_lies_now() -> None:
    def line(source: str, caption: str = "x", digest: str = "1") -> manifest.Line:
        return manifest.Line("train/000001.png", source, (), caption, digest, ())

    before = [line("/old/10_a/1.png"), line("/old/10_a/2.png"), line("/old/10_a/3.png")]
    moved = [line("/new/10_a/1.png"), line("/new/10_a/2.png"), line("/new/10_a/3.png")]
    assert manifest.changes(before, moved) == ""
    others = [
        line("/new/10_a/1.png", caption="y", digest="2"),
        line("/new/10_b/1.png"),
        line("/new/10_b/2.png"),
    ]
    assert (
        manifest.changes(before, others)
        == "2 images more, 2 images fewer, 1 image changed, 1 caption changed"
    )


def test_an_edit_that_is_taken_back_is_known(bench: Bench, two: tuple[Path, Path]) -> None:
    before = two[0].read_bytes()
    bench.run()
    Image.new("RGB", (8, 8), "green").save(two[0])
    bench.run()
    two[0].write_bytes(before)
    assert bench.run() == []


def test_names_and_order_are_no_content(bench: Bench, two: tuple[Path, Path]) -> None:
    bench.run()
    for suffix in (".png", ".txt"):
        two[0].with_suffix(suffix).rename(two[0].with_name(f"z{suffix}"))
    assert bench.run() == []


@pytest.mark.parametrize(
    ("cached", "fresh"),
    [
        (CachedWith("another resolution", "a base"), ["a.png latents", "b.png latents"]),
        (CachedWith("as the config says", "another base"), ["a.png texts", "b.png texts"]),
    ],
)
@pytest.mark.usefixtures("two")
def test_what_the_engine_never_checks(bench: Bench, cached: CachedWith, fresh: list[str]) -> None:
    bench.run()
    bench.cached = cached
    assert bench.run() == fresh


def test_a_mask_decides_what_a_copy_is(bench: Bench, tmp_path: Path) -> None:
    turned_and_clear(tmp_path / "data" / "10_a" / "a.png")
    bench.run()
    assert bench.run(alpha_mask=True) == ["a.png latents"]


def test_pictures_alike_have_one_cache(bench: Bench, tmp_path: Path) -> None:
    for name in ("a", "b"):
        turned_and_clear(tmp_path / "data" / "10_a" / f"{name}.png")
    bench.run()
    assert [len(list((bench.store.root / kind.value[0]).iterdir())) for kind in Kind] == [1, 1, 1]
    assert bench.run() == []


@pytest.mark.parametrize("left", [0, 30, -10])
@pytest.mark.usefixtures("two")
def test_half_a_cache_is_not_kept(bench: Bench, left: int) -> None:
    laid = bench.lay_out()
    bench.encode(laid)
    path = laid.root / laid.lines[0].caches[0].path
    path.write_bytes(path.read_bytes()[:left])
    kept.clear(laid.root, bench.store)
    assert bench.run() == ["a.png latents"]


@pytest.mark.usefixtures("two")
def test_numbers_that_are_none_are_not_kept(bench: Bench) -> None:
    laid = bench.lay_out()
    bench.encode(laid, np.nan)
    kept.clear(laid.root, bench.store)
    assert bench.run() == ALL


@pytest.mark.usefixtures("two")
def test_half_a_file_in_the_store_is_encoded_again(bench: Bench) -> None:
    bench.run()
    for path in (bench.store.root / "latents").iterdir():
        path.write_bytes(path.read_bytes()[:50])
    assert bench.run() == ["a.png latents", "b.png latents"]
    assert bench.run() == []


def test_a_picture_edited_while_the_engine_reads_it(bench: Bench, two: tuple[Path, Path]) -> None:
    """In place: the view's name is of the same file."""
    old, laid = two[0].read_bytes(), bench.lay_out()
    with two[0].open("r+b") as file:
        file.write(two[1].read_bytes())
    bench.encode(laid)
    kept.clear(laid.root, bench.store)
    two[0].write_bytes(old)
    assert bench.run() == ["a.png latents"]


def test_a_picture_replaced_while_the_engine_reads_it(bench: Bench, two: tuple[Path, Path]) -> None:
    """The view keeps the old one, and what was made of it."""
    old = two[0].read_bytes()
    laid = bench.lay_out()
    two[0].unlink()
    Image.new("RGB", (8, 8), "green").save(two[0])
    bench.encode(laid)
    kept.clear(laid.root, bench.store)
    assert bench.run() == ["a.png latents"]
    two[0].write_bytes(old)
    assert bench.run() == []


def test_a_copy_of_a_picture_that_was_just_edited_is_refused(bench: Bench, tmp_path: Path) -> None:
    turned_and_clear(tmp_path / "data" / "10_a" / "a.png")
    found = bench.seen()
    Image.new("RGB", (8, 8)).save(tmp_path / "data" / "10_a" / "a.png")
    with pytest.raises(DatasetError, match="was changed while it was read"):
        bench.lay_out(found)
    assert list(bench.views.glob("*run*")) == []


@pytest.mark.usefixtures("two")
def test_regularisation_images_stand_beside(bench: Bench, picture: Picture) -> None:
    picture("reg/1_cat/x.png", (8, 10))
    laid = bench.lay_out(reg=inventory.take(bench.root / "reg", ".txt"))
    assert {"train/10_a/000001.png", "reg/1_cat/000001.png", "reg/1_cat/000001.txt"} <= files(laid)


def test_names_of_any_characters_and_linked_folders(bench: Bench, picture: Picture, tmp_path: Path) -> None:
    picture("elsewhere/猫 [1]*'\".png", caption="猫")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "10_猫 [x]").symlink_to(tmp_path / "elsewhere")
    folder = bench.lay_out().root / "train" / "10_猫 [x]"
    assert (folder / "000001.txt").read_text(encoding="utf-8") == "猫\n"
    assert (folder / "000001.png").is_file()


@pytest.mark.usefixtures("two")
def test_without_hard_links(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert bench.run() == ALL
    assert bench.run() == []


# --- what killed runs leave


@pytest.mark.usefixtures("two")
def test_a_killed_run_s_caches_are_kept_by_the_next(bench: Bench) -> None:
    laid = bench.lay_out()
    bench.encode(laid)
    kept.sweep(bench.views, bench.store, frozenset())
    assert not laid.root.exists()
    assert bench.run() == []


def test_half_a_view_is_removed(bench: Bench) -> None:
    (bench.views / ".run-9.part-abc").mkdir(parents=True)
    (bench.views / ".run-8.lock").touch()
    kept.sweep(bench.views, bench.store, frozenset())
    assert list(bench.views.iterdir()) == []


@pytest.mark.usefixtures("two")
def test_views_at_work_are_left_alone(bench: Bench) -> None:
    """Those of a living kohya-wrap, which holds its lock; those of a trainer that outlived its own."""
    watched, orphan = bench.lay_out(), bench.lay_out()
    with lock.hold(watched.root, wait=False):
        kept.sweep(bench.views, bench.store, frozenset({orphan.root.name}))
        assert "train/10_a/000001.png" in files(watched) & files(orphan)
    kept.sweep(bench.views, bench.store, frozenset())
    assert list(bench.views.iterdir()) == []


@pytest.mark.usefixtures("two")
def test_a_view_whose_record_is_gone_is_removed_all_the_same(bench: Bench) -> None:
    laid = bench.lay_out()
    (laid.root / manifest.NAME).write_text("[{")
    kept.clear(laid.root, bench.store)
    assert not laid.root.exists()


# --- a bound


def fill(at: Store, key: str, size: int, when: int) -> Path:
    path = at.path(Kind.LATENTS, key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (when, when))
    return path


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    at = Store(tmp_path)
    old, used, new = fill(at, "old", 40, 1), fill(at, "used", 40, 0), fill(at, "new", 40, 2)
    at.prune(frozenset({used}), bound=80)
    assert (old.exists(), used.exists(), new.exists()) == (False, True, True)
    newer = fill(at, "newer", 40, 3)
    at.prune(frozenset(), bound=80)
    assert (used.exists(), new.exists(), newer.exists()) == (True, False, True), "used just now"


def test_what_is_in_use_stays_however_much_it_is(tmp_path: Path) -> None:
    at = Store(tmp_path)
    used = {fill(at, str(n), 40, n) for n in range(5)}
    at.prune(used, bound=80)
    assert all(path.exists() for path in used)


def test_another_conversion_makes_other_copies(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turned_and_clear(tmp_path / "data" / "10_a" / "a.png")
    bench.run()
    monkeypatch.setattr(store, "_CONVERSION", 2)
    assert bench.run() == ["a.png latents"]
