from __future__ import annotations

import errno
import json
import os
import shutil
import struct
from pathlib import Path

import pytest

from kohya_wrap.errors import EngineError
from kohya_wrap.host.safetensors_file import Tensor, copy_with_metadata, read_header
from tests.fixtures import weight_files


def test_names_shapes_types_and_metadata(tmp_path: Path) -> None:
    path = weight_files.write(tmp_path / "a.safetensors", {"x.weight": (2, 3)}, metadata={"ss_epoch": "4"})
    header = read_header(path)
    size = path.stat().st_size
    assert dict(header.tensors) == {"x.weight": Tensor("F16", (2, 3), size - 12, size)}
    assert dict(header.metadata) == {"ss_epoch": "4"}


def test_a_file_without_metadata_has_none(tmp_path: Path) -> None:
    assert read_header(weight_files.write(tmp_path / "a.safetensors", {"x": (1,)})).metadata == {}


@pytest.mark.parametrize("kept", [0, 5, 40, -1])
def test_a_truncated_file_is_named(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "cut.safetensors"
    path.write_bytes(weight_files.safetensors(weight_files.SD15)[:kept])
    with pytest.raises(EngineError, match=r"cut\.safetensors is not a whole") as raised:
        read_header(path)
    assert "cut short" in raised.value.why


def test_another_kind_of_file(tmp_path: Path) -> None:
    path = tmp_path / "page.safetensors"
    path.write_text("<html>please log in</html>")
    with pytest.raises(EngineError, match="not a whole"):
        read_header(path)


@pytest.mark.parametrize(
    "header",
    [
        [],
        {"x": 1},
        {"x": {}},
        {"x": {"dtype": "F16", "shape": [1], "data_offsets": [0]}},
        {"x": {"dtype": "F16", "shape": [1], "data_offsets": [0, 4]}},
        {"x": {"dtype": "F16", "shape": [1], "data_offsets": [2, 0]}},
        {"x": {"dtype": "F16", "shape": "?", "data_offsets": [0, 2]}},
        {
            "x": {"dtype": "F16", "shape": [1], "data_offsets": [0, 2]},
            "y": {"dtype": "F16", "shape": [1], "data_offsets": [2, 1]},
        },
    ],
)
def test_a_header_that_cannot_be(tmp_path: Path, header: object) -> None:
    text = json.dumps(header).encode()
    path = tmp_path / "odd.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"\0\0")
    with pytest.raises(EngineError, match="not a whole"):
        read_header(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="cannot be read"):
        read_header(tmp_path / "none.safetensors")


def test_a_copy_that_found_no_room_takes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    source = weight_files.write(tmp_path / "a.safetensors", {"x": (2, 2)})
    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(OSError, match="No space left"):
        copy_with_metadata(source, tmp_path / "b.safetensors", {"ss_steps": "5"})
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.safetensors"]
