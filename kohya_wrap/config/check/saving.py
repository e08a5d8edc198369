"""Checkpoints, states and resuming."""

from __future__ import annotations

from collections.abc import Iterator

from kohya_wrap.config.check.seen import Seen
from kohya_wrap.domain.finding import Finding

_LONGEST_NAME = 255 - len("-step00000000.safetensors")  # bytes, on the file systems people have


def names(seen: Seen) -> Iterator[Finding]:
    """The engine finds out at the first save, or saves under a name that nobody finds again."""
    name = seen.get("output_name")
    if name is not None and (why := _no_name(name)):
        yield seen.error(
            "output-name", "output_name", f"`output_name = {name!r}` {why}.",
            "Put the folder into output_dir." if "slash" in why else 'Write e.g. output_name = "my-lora".',
        )  # fmt: skip
    if seen.get("output_dir") == "":
        yield seen.error(
            "output-dir", "output_dir", "`output_dir` is empty: the engine fails at the first save.",
            'Write output_dir = "./output", or remove the line.',
        )  # fmt: skip


def _no_name(name: str) -> str:
    """Why no LoRA can be saved under this name; empty where one can."""
    if "/" in name or "\\" in name:
        return "holds a slash: the engine fails at the first save"
    if name.strip(" .") == "":
        return "is no name: the LoRA would be saved where nobody finds it"
    if not name.isprintable():
        return "holds a character that no file name should have"
    if len(name.encode()) > _LONGEST_NAME:
        return f"is longer than the {_LONGEST_NAME} bytes that a file name has room for"
    return ""


def ending(seen: Seen) -> Iterator[Finding]:
    name = str(seen.get("output_name", ""))
    stem, kind = name.removesuffix(".safetensors"), str(seen.get("save_model_as", "safetensors"))
    if stem.strip(" .") and stem != name:
        yield seen.warning(
            "output-name-ending", "output_name", f"`output_name = {name!r}`: the LoRA would be called {name}.{kind}.",
            f'Write output_name = "{stem}".',
        )  # fmt: skip


def never(seen: Seen) -> Iterator[Finding]:
    """Where epochs or steps stand in the config; else `check_plan` says it, when they are counted."""
    epochs = seen.get("max_train_epochs")
    yield from never_saved(seen, epochs, None if epochs else seen.get("max_train_steps"))


def never_saved(seen: Seen, epochs: int | None, steps: int | None) -> Iterator[Finding]:
    for name, unit, last in (
        ("save_every_n_epochs", "epochs", epochs),
        ("save_every_n_steps", "steps", steps),
    ):
        every = seen.get(name)
        if (
            seen.given(name)
            and last
            and every > last
            and not (unit == "epochs" and seen.get("save_n_epoch_ratio"))
        ):
            yield seen.warning(
                "never-saved", name, f"`{name} = {every}`, and there are {last} {unit}: only the last is saved.",
                f"Write {name} = {max(1, last // 5)}, or remove the line.",
            )  # fmt: skip


def format(seen: Seen) -> Iterator[Finding]:
    kind = seen.get("save_model_as", "safetensors")
    if kind != "safetensors":
        yield seen.warning(
            "pickle", "save_model_as",
            f"a .{kind} file is a pickle: it holds no metadata, and others are right not to open it.",
            'Write save_model_as = "safetensors".',
        )  # fmt: skip


def resume(seen: Seen) -> Iterator[Finding]:
    """Section 4 of the engine contract."""
    if seen.get("skip_until_initial_step"):
        accumulates = seen.get("gradient_accumulation_steps", 1) > 1
        say = seen.error if accumulates else seen.warning
        yield say(
            "skip-steps", "skip_until_initial_step",
            "`skip_until_initial_step` "
            + ("skips too far where gradients are accumulated." if accumulates else "does not bring back the order of "
               "the images, so it only costs time."),
            "Remove the line; resume from the state of an epoch's end.",
        )  # fmt: skip
    begins = [name for name in ("initial_step", "initial_epoch") if seen.get(name)]
    if len(begins) > 1:
        yield seen.warning(
            "two-beginnings", "initial_epoch", "`initial_epoch` has no effect beside `initial_step`.",
            "Remove one of the two.",
        )  # fmt: skip
    if begins and not seen.get("resume") and not seen.get("network_weights"):
        yield seen.warning(
            "begin-without-state", begins[0],
            f"`{begins[0]}` without `resume` begins with a new LoRA and trains fewer epochs.",
            "Write resume = \"output/NAME-000005-state\", or remove the line.",
        )  # fmt: skip
