"""Whose caption it is: ours only as long as nobody has changed it."""

from __future__ import annotations

import shutil
from pathlib import Path

from kohya_wrap.dataset.captioned import Origin, Record

BY = Origin("wd14 x 0.35 0.85", "abc")


def test_ours_until_it_is_changed(tmp_path: Path) -> None:
    caption = tmp_path / "10_cat" / "a.txt"
    assert Record(tmp_path).origin(caption, "a\n") is None
    Record(tmp_path).add({caption: ("a\n", BY)})
    assert Record(tmp_path).origin(caption, "a\n") == BY
    assert Record(tmp_path).origin(caption, "a, mine\n") is None
    assert Record(tmp_path).origin(tmp_path / "10_dog" / "a.txt", "a\n") is None


def test_the_last_one_counts(tmp_path: Path) -> None:
    record, other = Record(tmp_path), Origin("none", "abc")
    record.add({tmp_path / "a.txt": ("a\n", BY)})
    record.add({tmp_path / "a.txt": ("b\n", other)})
    for known in (record, Record(tmp_path)):
        assert known.origin(tmp_path / "a.txt", "a\n") is None
        assert known.origin(tmp_path / "a.txt", "b\n") == other


def test_it_goes_along_when_the_project_is_moved(tmp_path: Path) -> None:
    Record(tmp_path / "here").add({tmp_path / "here" / "日本" / "a.txt": ("a\n", BY)})
    shutil.move(tmp_path / "here", tmp_path / "there")
    assert Record(tmp_path / "there").origin(tmp_path / "there" / "日本" / "a.txt", "a\n") == BY


def test_a_line_cut_off_by_a_kill_costs_only_itself(tmp_path: Path) -> None:
    Record(tmp_path).add({tmp_path / name: ("a\n", BY) for name in ("a.txt", "b.txt")})
    file = tmp_path / ".kohya-wrap" / "captions.jsonl"
    file.write_bytes(file.read_bytes()[:-20])
    Record(tmp_path).add({tmp_path / "c.txt": ("a\n", BY)})
    known = Record(tmp_path)
    assert [bool(known.origin(tmp_path / name, "a\n")) for name in ("a.txt", "b.txt", "c.txt")] == [
        True,
        False,
        True,
    ]


def test_another_trigger_in_front_or_another_number_of_the_folder_leaves_it_ours(tmp_path: Path) -> None:
    ours = Origin("wd14", "abc", "sks")
    Record(tmp_path).add({tmp_path / "10_cat" / "a.txt": ("sks, hair\n", ours)})
    known, caption = Record(tmp_path), tmp_path / "50_cat" / "a.txt"
    assert known.origin(caption, "sks, hair\n") == ours
    assert known.origin(caption, "zwx, hair\n", ("zwx",)) == ours
    assert known.origin(caption, "hair\n") == ours
    assert known.origin(caption, "zwx, hair, mine\n", ("zwx",)) is None
