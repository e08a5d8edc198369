"""Files at each kind of destination: there with equal hashes, or an error that says why."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pytest

from kohya_wrap.errors import MachineError, UsageError
from kohya_wrap.host.again import Unreachable
from kohya_wrap.host.upload.folder import Folder
from kohya_wrap.host.upload.hub import Repository
from kohya_wrap.host.upload.item import Destination, Item, deliver
from kohya_wrap.host.upload.named import destination
from kohya_wrap.host.upload.ssh import Ssh
from tests.fixtures import small_ssh
from tests.fixtures.small_ssh import SmallSsh
from tests.fixtures.writable_hub import WritableHub

NAMES = ("my lora.safetensors", "絵's.safetensors", "20260101-120000/engine.log")


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    made = []
    for number, name in enumerate(NAMES):
        source = tmp_path / "output" / name
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_bytes(bytes([number]) * 70_000)
        made.append(Item.of(source, name))
    return made


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[WritableHub]:
    with WritableHub() as hub:
        for name, value in hub.env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
        yield hub


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallSsh:
    ssh = small_ssh.make(tmp_path / "other-machine")
    monkeypatch.setenv("PATH", f"{ssh.programs}{os.pathsep}{os.environ['PATH']}")
    return ssh


def to(place: Destination, items: Sequence[Item], attempts: int = 1, ours: Collection[str] = ()) -> list[str]:
    """What it says of others' files that stood there."""
    place.require()
    return deliver(items, place, ours, (0.0,) * (attempts - 1), lambda text: None)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_into_a_folder(tmp_path: Path, items: list[Item]) -> None:
    to(Folder(tmp_path / "there"), items)
    for item in items:
        assert digest((tmp_path / "there" / item.name).read_bytes()) == item.sha256
    assert len([path for path in (tmp_path / "there").rglob("*") if path.is_file()]) == len(items)


def test_what_differs_in_a_folder_is_seen_and_sent_again(tmp_path: Path, items: list[Item]) -> None:
    place = Folder(tmp_path)
    to(place, items)
    changed = tmp_path / items[1].name
    changed.write_bytes(b"x" + changed.read_bytes()[1:])
    before = (tmp_path / items[0].name).stat().st_ino
    assert place.differing(items) == [items[1]]
    to(place, items)
    assert place.differing(items) == []
    assert (tmp_path / items[0].name).stat().st_ino == before, "what is there is not sent again"


def test_a_link_to_the_source_is_no_copy(tmp_path: Path, items: list[Item]) -> None:
    there = tmp_path / "there" / items[0].name
    there.parent.mkdir()
    there.symlink_to(items[0].source)
    to(Folder(tmp_path / "there"), items[:1])
    assert not there.is_symlink() and digest(there.read_bytes()) == items[0].sha256


def stand(path: Path, content: bytes) -> str:
    """A file that is there already; its hash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return digest(content)


def test_another_s_file_of_that_name_is_kept_beside_it_in_a_folder(tmp_path: Path, items: list[Item]) -> None:
    there = tmp_path / "there" / NAMES[0]
    other = stand(there, b"another's")
    (said,) = to(Folder(there.parent), items)
    beside = there.with_name(f"my lora.{other[:12]}.safetensors")
    assert (digest(there.read_bytes()), beside.read_bytes()) == (items[0].sha256, b"another's")
    assert NAMES[0] in said and beside.name in said


def test_one_s_own_earlier_file_is_replaced(tmp_path: Path, ssh: SmallSsh, items: list[Item]) -> None:
    for place, there in (
        (Folder(tmp_path / "there"), tmp_path / "there"),
        (Ssh("me@nas", "", "l"), ssh.home / "l"),
    ):
        mine = stand(there / NAMES[0], b"mine")
        assert to(place, items, ours={mine}) == []
        assert {path.name for path in there.iterdir()} == {Path(name).parts[0] for name in NAMES}


def test_another_s_file_is_kept_on_another_machine(ssh: SmallSsh, items: list[Item]) -> None:
    others = {name: stand(ssh.home / "l" / name, b"another's") for name in NAMES}
    assert len(to(Ssh("me@nas", "", "l"), items)) == 3
    for item in items:
        there = ssh.home / "l" / item.name
        beside = there.with_name(f"{there.stem}.{others[item.name][:12]}{there.suffix}")
        assert (digest(there.read_bytes()), beside.read_bytes()) == (item.sha256, b"another's")


def test_what_arrived_changed_is_not_kept_as_another_s(ssh: SmallSsh, items: list[Item]) -> None:
    ssh.turn("tampers")
    with pytest.raises(MachineError):
        to(Ssh("me@nas", "", "l"), items, attempts=3)
    assert len(list((ssh.home / "l").iterdir())) == len(NAMES)


def test_another_s_file_on_the_hub_is_in_its_history(hub: WritableHub, items: list[Item]) -> None:
    hub.files[f"cats/{NAMES[0]}"] = b"another's"
    (said,) = to(Repository("me/loras", "cats"), items)
    assert f"cats/{NAMES[0]}" in said and "history" in said
    mine = items[0].sha256
    items[0].source.write_bytes(b"trained anew")
    assert to(Repository("me/loras", "cats"), [Item.of(items[0].source, NAMES[0])], ours={mine}) == []


def test_a_folder_in_the_place_of_a_file_is_called_so(
    tmp_path: Path, ssh: SmallSsh, items: list[Item]
) -> None:
    (tmp_path / "there" / NAMES[0]).mkdir(parents=True)
    (ssh.home / "l" / NAMES[0]).mkdir(parents=True)
    for place in (Folder(tmp_path / "there"), Ssh("me@nas", "", "l")):
        with pytest.raises(MachineError, match=f"{NAMES[0]}:? is a folder, where a file must be") as raised:
            to(place, items)
        assert not isinstance(raised.value, Unreachable)
    assert not any((ssh.home / "l" / NAMES[0]).iterdir()) and not list(ssh.home.rglob("*.part"))


def test_a_full_folder_names_the_file_and_keeps_no_part_of_it(
    tmp_path: Path, items: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("shutil.copyfile", full)
    there = tmp_path / "there"
    with pytest.raises(MachineError) as raised:
        to(Folder(there), items)
    assert raised.value.message == f"{there / NAMES[0]} cannot be written to: No space left on device."
    assert not any(there.iterdir())


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MachineError, match="cannot be written to"):
        Folder(tmp_path / "file").require()


def test_to_another_machine(ssh: SmallSsh, items: list[Item]) -> None:
    to(Ssh("me@nas", "2222", "my loras"), items)
    for item in items:
        assert digest((ssh.home / "my loras" / item.name).read_bytes()) == item.sha256
    assert all("-p 2222" in line and "BatchMode=yes" in line for line in ssh.asked)


def test_another_machine_where_something_else_arrives(ssh: SmallSsh, items: list[Item]) -> None:
    ssh.turn("tampers")
    with pytest.raises(MachineError, match=r"2 of 3 files are not at me@nas:loras") as raised:
        to(Ssh("me@nas", "", "loras"), items, attempts=2)
    assert "hashes differ" in raised.value.why


def test_another_machine_that_is_down_is_worth_another_attempt(ssh: SmallSsh) -> None:
    ssh.turn("down")
    with pytest.raises(Unreachable, match="Connection timed out"):
        Ssh("me@nas", "", "loras").require()


def test_another_machine_where_the_folder_is_a_file(ssh: SmallSsh) -> None:
    (ssh.home / "loras").touch()
    with pytest.raises(MachineError) as raised:
        Ssh("me@nas", "", "loras").require()
    assert not isinstance(raised.value, Unreachable)


def test_into_a_repository_of_the_hub(hub: WritableHub, items: list[Item]) -> None:
    place = Repository("me/loras", "cats")
    to(place, items)
    assert {name: digest(content) for name, content in hub.files.items()} == {
        f"cats/{item.name}": item.sha256 for item in items
    }
    assert hub.commits == 1
    assert hub.created[0]["name"] == "loras" and "private" in (
        hub.created[0].get("visibility"),
        "private" if hub.created[0].get("private") else "",
    )
    to(place, items)
    assert hub.commits == 1, "what is there is not sent again"


def test_a_hub_that_stores_something_else(hub: WritableHub, items: list[Item]) -> None:
    hub.tampers = True
    with pytest.raises(MachineError, match=r"2 of 3 files are not at hf://me/loras"):
        to(Repository("me/loras", ""), items)


def test_a_small_file_that_is_another_on_the_hub(hub: WritableHub, items: list[Item]) -> None:
    to(Repository("me/loras", ""), items)
    hub.files[items[2].name] = b"x" * items[2].size
    assert Repository("me/loras", "").differing(items) == [items[2]]


def test_a_hub_that_refuses(hub: WritableHub, items: list[Item]) -> None:
    hub.answers = [403]
    with pytest.raises(MachineError, match="answered 403") as raised:
        to(Repository("me/loras", ""), items, attempts=3)
    assert not isinstance(raised.value, Unreachable)
    assert "HF_TOKEN" in raised.value.hint


def test_a_hub_that_hangs(hub: WritableHub, items: list[Item], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kohya_wrap.host.upload.hub._SECONDS_TO_ANSWER", 1.0)
    hub.hangs = True
    with pytest.raises(Unreachable, match="no answer within 1 s"):
        Repository("me/loras", "").send(items)
    assert hub.commits == 0


def test_a_token_that_may_only_read(hub: WritableHub) -> None:
    hub.role = "read"
    with pytest.raises(MachineError, match="may only read"):
        Repository("me/loras", "").require()
    assert hub.created == []


def test_no_token(hub: WritableHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(MachineError, match="there is no token"):
        Repository("me/loras", "").require()


def test_a_hub_that_is_gone(hub: WritableHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(Unreachable, match="cannot be reached"):
        Repository("me/loras", "").require()


@pytest.mark.parametrize(
    "word, place",
    [
        ("results", Folder(Path("/here/results"))),
        ("/workspace/results", Folder(Path("/workspace/results"))),
        ("./a:b", Folder(Path("/here/a:b"))),
        ("hf://me/loras", Repository("me/loras", "")),
        ("hf://me/loras/cats/", Repository("me/loras", "cats")),
        ("me@nas:loras", Ssh("me@nas", "", "loras")),
        ("nas:~/loras", Ssh("nas", "", "loras")),
        ("nas:", Ssh("nas", "", ".")),
        ("ssh://me@nas:2222/data/loras", Ssh("me@nas", "2222", "/data/loras")),
        ("ssh://nas/data", Ssh("nas", "", "/data")),
    ],
)
def test_named(word: str, place: Destination) -> None:
    assert destination(word, Path("/here")) == place


@pytest.mark.parametrize(
    "word",
    [
        "s3://bucket/x",
        "hf://me",
        "hf://datasets/me/x",
        "-oProxyCommand=touch:x",
        "ssh:///x",
        "ssh://nas:no/x",
    ],
)
def test_no_place(word: str) -> None:
    with pytest.raises(UsageError) as raised:
        destination(word, Path("/here"))
    assert "upload:" in raised.value.hint
