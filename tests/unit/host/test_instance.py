"""Which machine this is, from its variables wherever they are, and what ends it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kohya_wrap.errors import MachineError, UsageError
from kohya_wrap.host import instance
from kohya_wrap.host.instance import STOP, TERMINATE, Machine, Rented, detect

POD = {"RUNPOD_POD_ID": "abc123", "RUNPOD_API_KEY": "secret"}
VAST = {"CONTAINER_ID": "4711", "VAST_CONTAINERLABEL": "C.4711", "CONTAINER_API_KEY": "secret"}


def lines(values: dict[str, str], form: str) -> str:
    return "".join(form.format(name=name, value=value) for name, value in values.items())


@pytest.mark.parametrize(
    "path, form",
    [
        ("etc/rp_environment", 'export {name}="{value}"\n'),
        ("etc/environment", "{name}={value}\n"),
        ("etc/environment", "{name}='{value}'\n"),
        ("proc/1/environ", "{name}={value}\0"),
    ],
)
@pytest.mark.parametrize("values, title", [(POD, "RunPod pod abc123"), (VAST, "Vast.ai instance 4711")])
def test_found_where_an_ssh_session_finds_it(
    tmp_path: Path, path: str, form: str, values: dict[str, str], title: str
) -> None:
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(f"# it's \"unbalanced\n{lines(values, form)}" if "\n" in form else lines(values, form))
    found = detect({}, tmp_path)
    assert isinstance(found, Rented)
    assert (found.title, found.key) == (title, "secret")
    assert "secret" not in repr(found)


def test_the_environment_comes_first(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/environment").write_text("RUNPOD_POD_ID=old\n")
    assert detect(POD, tmp_path).title == "RunPod pod abc123"


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"CONTAINER_ID": "4711"},
        {"CONTAINER_ID": "4711", "VAST_CONTAINERLABEL": "C.5"},
        {"CONTAINER_ID": "4711/../5", "VAST_TCP_PORT_22": "22"},
        {"RUNPOD_POD_ID": "../serverless/x", "RUNPOD_API_KEY": "secret"},
    ],
)
def test_neither(tmp_path: Path, env: dict[str, str]) -> None:
    assert isinstance(detect(env, tmp_path), Machine)


@pytest.mark.parametrize("address", ["nonsense", "http://[::1", "http://127.0.0.1:port", "ftp://x"])
@pytest.mark.parametrize("values, name", [(POD, "KOHYA_WRAP_RUNPOD_URL"), (VAST, "KOHYA_WRAP_VAST_URL")])
def test_an_address_that_is_none_is_said_before(
    tmp_path: Path, values: dict[str, str], name: str, address: str
) -> None:
    with pytest.raises(UsageError, match=f"{name} is no address"):
        detect({**values, name: address}, tmp_path)


def test_a_vast_instance_by_its_port(tmp_path: Path) -> None:
    found = detect({"CONTAINER_ID": "4711", "VAST_TCP_PORT_22": "40022"}, tmp_path)
    assert found.title == "Vast.ai instance 4711"
    with pytest.raises(MachineError, match="API key is not known"):
        found.require(STOP)


def test_a_key_that_no_header_can_hold_is_none(tmp_path: Path) -> None:
    found = detect({**POD, "RUNPOD_API_KEY": "se\ncret"}, tmp_path)
    with pytest.raises(MachineError) as raised:
        found.require(TERMINATE)
    assert "se\ncret" not in str(vars(raised.value))


@pytest.mark.parametrize("mark", [".dockerenv", "run/.containerenv", ""])
def test_a_container_of_an_unknown_provider(tmp_path: Path, mark: str) -> None:
    if mark:
        (tmp_path / "run/systemd/system").mkdir(parents=True)
        (tmp_path / mark).touch()
    with pytest.raises(MachineError, match="would not end what this machine costs"):
        detect({}, tmp_path).require(STOP)


@pytest.mark.parametrize("is_root, asked", [(True, "shutdown -h now"), (False, "sudo -n shutdown -h now")])
def test_a_machine_of_its_own_is_shut_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_root: bool, asked: str
) -> None:
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    for name in ("shutdown", "sudo"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho {name} "$@" >> {tmp_path}/asked\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(instance.os, "geteuid", lambda: 0 if is_root else 1000)
    machine = detect({}, tmp_path)
    machine.require(STOP)
    machine.end(STOP, (), lambda said: None)
    assert (tmp_path / "asked").read_text().splitlines()[-1] == asked


def test_nobody_knows_how_to_terminate_it(tmp_path: Path) -> None:
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    with pytest.raises(MachineError, match="Nobody can know"):
        detect({}, tmp_path).require(TERMINATE)


def test_what_outlives_what(tmp_path: Path) -> None:
    assert not detect(POD, tmp_path).outlives(tmp_path / "not" / "there", STOP)
    assert detect(VAST, tmp_path).outlives(tmp_path, STOP)
    assert not detect(VAST, Path("/nowhere")).outlives(Path("/etc"), TERMINATE)
