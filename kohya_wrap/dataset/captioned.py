"""Which captions kohya-wrap wrote, so that it may write them anew and never one that a person wrote or has changed since."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kohya_wrap.dataset import folders


@dataclass(frozen=True)
class Origin:
    """What a caption was made with.

    Attributes:
        by: the captioner with its model and thresholds, as one word.
        image: digest of the picture it describes.
        trigger: what was put in front; a later build may exchange it.
    """

    by: str
    image: str
    trigger: str = field(default="", compare=False)


class Record:
    """`.kohya-wrap/captions.jsonl` below `root`: a line for each caption written, the last one of a path counts.

    It is added to before the caption itself is written: after a kill between the two, the text does not match.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._file = self._root / ".kohya-wrap" / "captions.jsonl"
        text = self._file.read_text(encoding="utf-8", errors="replace") if self._file.is_file() else ""
        self._written = _read(text)
        self._cut_off = bool(text) and not text.endswith("\n")

    def origin(self, caption: Path, text: str, triggers: Sequence[str] = ()) -> Origin | None:
        """How we came to write `text` there, but for one of the `triggers` in front; None: we did not."""
        known = self._written.get(self._name(caption))
        if known is None:
            return None
        digest, origin = known
        texts = (text, *_as_with(origin.trigger, text, triggers))
        return origin if digest in map(_digest, texts) else None

    def add(self, texts: Mapping[Path, tuple[str, Origin]]) -> None:
        lines = [(self._name(path), _digest(text), origin) for path, (text, origin) in texts.items()]
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a", encoding="utf-8") as out:
            out.write("\n" if self._cut_off else "")
            for name, digest, origin in lines:
                entry = {
                    "caption": name,
                    "text": digest,
                    "by": origin.by,
                    "image": origin.image,
                    "trigger": origin.trigger,
                }
                out.write(json.dumps(entry, ensure_ascii=False) + "\n")
            out.flush()
            os.fsync(out.fileno())
        self._cut_off = False
        self._written |= {name: (digest, origin) for name, digest, origin in lines}

    def _name(self, caption: Path) -> str:
        """Relative, so that the project may be carried to the rented machine."""
        return folders.unnumbered(Path(os.path.relpath(caption.absolute(), self._root))).as_posix()


def _as_with(trigger: str, text: str, others: Sequence[str]) -> Iterator[str]:
    """The text with this trigger in front where another one is, or none is known."""
    for other in others or ("",):
        in_front = f"{other}, " if other else ""
        if text.startswith(in_front):
            yield (f"{trigger}, " if trigger else "") + text.removeprefix(in_front)


def _read(text: str) -> dict[str, tuple[str, Origin]]:
    found = {}
    for line in text.split("\n"):
        try:
            entry = json.loads(line)
            origin = Origin(entry["by"], entry["image"], entry.get("trigger", ""))
            found[folders.unnumbered(Path(entry["caption"])).as_posix()] = (entry["text"], origin)
        except (ValueError, KeyError, TypeError):  # the last line of a process that was killed
            continue
    return found


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
