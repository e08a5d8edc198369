"""Pictures laid out for a captioner of another's: what it sees is what a person sees, and it writes into no user's folder."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from kohya_wrap.dataset.tagging import staged
from kohya_wrap.host import image_file


def test_links_and_copies_of_what_would_be_misread_or_not_listed(tmp_path: Path) -> None:
    Image.new("RGB", (4, 2)).save(tmp_path / "a b.JPG")
    Image.new("RGBA", (4, 2), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    Image.new("P", (4, 2)).save(tmp_path / "moving.gif")
    names = ("a b.JPG", "clear.png", "moving.gif")
    pictures = [(tmp_path / name, image_file.facts(tmp_path / name)) for name in names]
    folder = tmp_path / "staged"
    folder.mkdir()
    laid_out = staged.lay_out(pictures, folder)
    assert sorted(path.name for path in folder.iterdir()) == ["000000.JPG", "000001.png", "000002.png"]
    assert (folder / "000000.JPG").resolve() == tmp_path / "a b.JPG"
    assert Image.open(folder / "000001.png").getpixel((0, 0)) == (255, 255, 255)
    assert list(laid_out.captions()) == []
    (folder / "000001.txt").write_text(" a white field \n", encoding="utf-8")
    (folder / "000000.txt").write_text("\n", encoding="utf-8")  # said nothing
    assert list(laid_out.captions()) == [(tmp_path / "clear.png", "a white field")]
