"""Odd and broken pictures: each accepted, or refused with a reason."""

from __future__ import annotations

from pathlib import Path

from tests.fixtures import odd_pictures
from tests.unit.dataset.building.conftest import Build


def test_nothing_crashes(tmp_path: Path, build: Build) -> None:
    odd_pictures.write(tmp_path / "in")
    built = build(skip_broken=True)
    refused = [finding.message for finding in built.findings]
    assert (built.images, len(refused)) == (odd_pictures.ACCEPTED, odd_pictures.REFUSED)
    assert all(" cannot be read: " in message for message in refused)
    assert built.saved == odd_pictures.ACCEPTED - 1  # all but plain.png
