from __future__ import annotations

import errno
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kohya_wrap.errors import EngineError, ExitCode, MachineError
from kohya_wrap.host import civitai, hub
from tests.fixtures.loopback_hub import LoopbackHub
from tests.fixtures.weight_files import SD15, safetensors

REPO, NAME = "owner/repo", "model.safetensors"
KEY = f"{REPO}/{NAME}"
# The library writes in blocks of 10 MiB, so that is what a cut leaves.
BLOCK = 10 * 2**20


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    with LoopbackHub() as server:
        server.use(monkeypatch)
        yield server


def download(target: Path) -> list[tuple[int, int]]:
    seen: list[tuple[int, int]] = []
    hub.fetch(hub.locate(REPO, NAME, "main"), target, lambda here, total: seen.append((here, total))).replace(
        target
    )
    return seen


def test_a_file_is_located_and_fetched(loopback: LoopbackHub, tmp_path: Path) -> None:
    content = safetensors(SD15, size=2 * BLOCK)
    sha256 = loopback.put(REPO, NAME, content)
    remote = hub.locate(REPO, NAME, "main")
    assert (remote.filename, remote.size, remote.sha256) == (NAME, len(content), sha256)
    seen = download(tmp_path / NAME)
    assert (tmp_path / NAME).read_bytes() == content
    assert seen[0] == (0, len(content)) and seen[-1] == (len(content), len(content))
    assert [here for here, _ in seen] == sorted(here for here, _ in seen) and len(seen) > 3
    assert loopback.served[KEY] == len(content)


def test_a_cut_connection_is_resumed_within_the_call(loopback: LoopbackHub, tmp_path: Path) -> None:
    content = safetensors(SD15, size=3 * BLOCK)
    loopback.put(REPO, NAME, content)
    loopback.cuts = [2 * BLOCK]
    download(tmp_path / NAME)
    assert (tmp_path / NAME).read_bytes() == content
    assert loopback.served[KEY] == len(content)


def test_a_download_goes_on_in_another_call(loopback: LoopbackHub, tmp_path: Path) -> None:
    content = safetensors(SD15, size=3 * BLOCK)
    sha256 = loopback.put(REPO, NAME, content)
    hub.part_of(tmp_path / NAME, sha256).write_bytes(content[: 2 * BLOCK])
    seen = download(tmp_path / NAME)
    assert (tmp_path / NAME).read_bytes() == content
    assert seen[0] == (2 * BLOCK, len(content))
    assert loopback.served[KEY] == len(content) - 2 * BLOCK


def test_what_is_there_whole_is_not_asked_for(loopback: LoopbackHub, tmp_path: Path) -> None:
    content = safetensors(SD15)
    sha256 = loopback.put(REPO, NAME, content)
    hub.part_of(tmp_path / NAME, sha256).write_bytes(content)
    download(tmp_path / NAME)
    assert [method for method, _, _ in loopback.asked] == ["HEAD"]


def test_the_token_goes_to_the_hub_and_not_to_its_storage(
    loopback: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    loopback.put(REPO, NAME, safetensors(SD15), token="hf_secret")
    download(tmp_path / NAME)
    sent = {path.split("/")[1] == "cdn": headers.get("authorization") for _, path, headers in loopback.asked}
    assert sent == {False: "Bearer hf_secret", True: None}


def test_a_gated_file_names_the_licence_and_the_token(loopback: LoopbackHub) -> None:
    loopback.put(REPO, NAME, safetensors(SD15), token="hf_secret")
    with pytest.raises(hub.NotGiven) as raised:
        hub.locate(REPO, NAME, "main")
    assert raised.value.code is ExitCode.ENGINE
    assert (
        "owner/repo" in raised.value.hint
        and "HF_TOKEN" in raised.value.hint
        and "licence" in raised.value.hint
    )


def test_a_file_that_is_not_there(loopback: LoopbackHub) -> None:
    with pytest.raises(hub.NotGiven, match=r"owner/repo/model\.safetensors on the Hub does not exist"):
        hub.locate(REPO, NAME, "main")


def test_a_server_under_repair(loopback: LoopbackHub) -> None:
    loopback.refusals[KEY] = 503
    with pytest.raises(EngineError, match="answered 503") as raised:
        hub.locate(REPO, NAME, "main")
    assert not isinstance(raised.value, hub.NotGiven)


def test_an_unreachable_hub_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: closed to others
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{taken.getsockname()[1]}")
        start = time.monotonic()
        with pytest.raises(EngineError, match="cannot be reached"):
            hub.locate(REPO, NAME, "main")
    assert time.monotonic() - start < 5


def test_a_full_disk_is_the_machines_fault(
    loopback: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loopback.put(REPO, NAME, safetensors(SD15))

    def full(self: object, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(hub._Counted, "write", full)
    with pytest.raises(MachineError, match="The disk is full"):
        download(tmp_path / NAME)


def test_civitai_names_the_model_file_and_its_hash(loopback: LoopbackHub, tmp_path: Path) -> None:
    content = safetensors(SD15)
    sha256 = loopback.put_civitai(290640, "pony.safetensors", content)
    remote = civitai.locate(290640)
    assert (remote.filename, remote.size, remote.sha256) == ("pony.safetensors", len(content), sha256)
    assert hub.fetch(remote, tmp_path / "pony.safetensors", lambda *_: None).read_bytes() == content


def test_civitai_without_its_token(
    loopback: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loopback.put_civitai(7, "a.safetensors", safetensors(SD15), token="key")
    with pytest.raises(hub.NotGiven) as raised:
        hub.fetch(civitai.locate(7), tmp_path / "a.safetensors", lambda *_: None)
    assert "CIVITAI_TOKEN" in raised.value.hint
    monkeypatch.setenv("CIVITAI_TOKEN", "key")
    assert hub.fetch(civitai.locate(7), tmp_path / "a.safetensors", lambda *_: None).is_file()


def test_civitai_does_not_know_the_version(loopback: LoopbackHub) -> None:
    with pytest.raises(hub.NotGiven, match="version 404 on Civitai does not exist"):
        civitai.locate(404)


def test_civitai_has_no_model_file_there(loopback: LoopbackHub) -> None:
    loopback.put_civitai(8, "a.safetensors", safetensors(SD15), kind="VAE")
    with pytest.raises(EngineError, match="names no model file for version 8"):
        civitai.locate(8)
