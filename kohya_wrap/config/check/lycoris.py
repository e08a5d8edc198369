"""Keys of LyCORIS that undo one another, and its preset files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from kohya_wrap.config import option_table
from kohya_wrap.config.check import arguments
from kohya_wrap.config.check.seen import Seen
from kohya_wrap.domain.finding import Finding

MODULE = "lycoris.kohya"
# Names of one switch; of several that are given, the first in this order decides, whatever the others say.
_TUCKER = ("use_conv_cp", "use_cp", "use_tucker")


def same_switch(seen: Seen) -> Iterator[Finding]:
    if seen.get("network_module") != MODULE:
        return
    given = arguments.given(seen, "network_args")
    named = [key for key in _TUCKER if key in given]
    # Taken for the same switch too, and not turned round.
    if named == ["use_tucker"] and "disable_conv_cp" in given:
        named.insert(0, "disable_conv_cp")
    if "constrain" in given and "constraint" in given:
        yield from _undone(seen, given, "constrain", ["constraint"])
    if named:
        yield from _undone(seen, given, named[0], named[1:])


def _undone(seen: Seen, given: Mapping[str, str], taken: str, others: Iterable[str]) -> Iterator[Finding]:
    for lost in others:
        if given[lost].lower() != given[taken].lower():
            # The GUI writes out what is off, too.
            say = seen.warning if given[lost].lower() == "false" else seen.error
            yield say(
                "argument-twice", "network_args",
                f"`network_args`: beside `{taken}={given[taken]}` LyCORIS ignores `{lost}={given[lost]}`.",
                f"Remove `{taken}`, or `{lost}`.",
            )  # fmt: skip


def dylora(seen: Seen) -> Iterator[Finding]:
    """LyCORIS' DyLoRA trains blocks of `block_size` dimensions, 4 where it is not given."""
    given = arguments.given(seen, "network_args")
    if seen.get("network_module") != MODULE or given.get("algo", "").lower() != "dylora":
        return
    size, dim = arguments.number(given.get("block_size", "4")) or 4, seen.get("network_dim", 4)
    for title, wanted in (
        ("network_dim", dim),
        ("conv_dim", arguments.number(given.get("conv_dim", "0")) or dim),
    ):
        if wanted % size:
            yield seen.error(
                "dylora", "network_args",
                f"`network_args`: block_size={size:g} does not divide {title} {wanted:g}: algo=dylora refuses it.",
                f"Write `block_size={next(n for n in (4, 2, 1) if dim % n == 0 and wanted % n == 0)}`.",
            )  # fmt: skip
            return


def preset_file(seen: Seen) -> Iterator[Finding]:
    file = preset(seen)
    if file and not Path(file).is_absolute():
        yield seen.error(
            "preset-path", "network_args",
            f"`network_args`: the file {file} would be looked for in the engine's own folder.",
            f"Write the whole path: preset=/…/{Path(file).name}",
        )  # fmt: skip


def preset(seen: Seen) -> str:
    """The file that a LyCORIS network takes its preset from; empty where it is none of its own, or another network."""
    known = option_table.network_args(MODULE)
    named = arguments.given(seen, "network_args").get("preset", "")
    if seen.get("network_module") != MODULE or known is None or known["preset"].refuses(named):
        return ""  # a misspelled preset is no file
    return "" if named in known["preset"].choices else named
