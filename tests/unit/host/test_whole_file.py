"""What is read whole, and what is not."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from kohya_wrap.host import whole_file


def test_what_never_ends_or_fits_no_memory_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to(os.devnull)
    with (tmp_path / "large").open("wb") as file:
        file.truncate(whole_file.LARGEST + 1)  # takes no room
    for name, number in (("pipe", errno.EINVAL), ("device", errno.EINVAL), ("large", errno.EFBIG)):
        with pytest.raises(OSError) as caught:
            whole_file.read(tmp_path / name)
        assert caught.value.errno == number
    (tmp_path / "small").write_bytes(b"x")
    assert whole_file.read(tmp_path / "small") == b"x"
