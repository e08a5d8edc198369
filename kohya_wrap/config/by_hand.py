"""What the user asks for beside the file: in variables of the environment, and in words of the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kohya_wrap.config import option_table, sections, spellings, wrapper_section
from kohya_wrap.config.user import OWN_SECTIONS, UserConfig, absolute, misplaced
from kohya_wrap.domain.config import Layer, Origin
from kohya_wrap.errors import UsageError

VARIABLE = "KOHYA_WRAP_SET_"
SET = "--set"


def from_environment(environment: Mapping[str, str], folder: Path) -> Layer:
    """KOHYA_WRAP_SET_NETWORK_DIM=16, respelled as in the file, paths too."""
    values, details = {}, {}
    for variable, text in environment.items():
        if variable.startswith(VARIABLE):
            name, value = read_word(variable.removeprefix(VARIABLE).lower(), text)
            values[name], details[name] = absolute(name, value, folder), variable
    return Layer(Origin.ENVIRONMENT, values, f"{VARIABLE}*", details)


def from_command_line(words: Iterable[str], folder: Path) -> Layer:
    """The words of `--set key=value` that are options of the engine.

    Raises:
        UsageError: a word without `=`.
    """
    values = {}
    for word in words:
        section, name, value = meant_by(word)
        if not section:
            values[name] = absolute(name, value, folder)
    return Layer(Origin.COMMAND_LINE, values, SET)


def with_words(user: UserConfig, words: Iterable[str]) -> UserConfig:
    """The file as if the words for kohya-wrap's own sections stood in it: `--set kohya_wrap.subject=style`.

    Raises:
        UsageError: a word without `=`.
    """
    own = [meant for meant in map(meant_by, words) if meant[0]]
    if not own:
        return user
    wrapper_values = {name: value for section, name, value in own if section == "kohya_wrap"}
    wrapper, wrong = wrapper_section.changed(user.wrapper, wrapper_values, lambda key: SET)
    gpu = {name: value for section, name, value in own if section == "gpu"}
    said = dict.fromkeys(gpu, SET)
    return replace(
        user,
        wrapper=wrapper,
        gpu={**user.gpu, **gpu},
        findings=(*user.findings, *wrong, *misplaced(gpu, said, user.lines)),
        gpu_lines={**user.gpu_lines, **said},
        wrapper_lines={**user.wrapper_lines, **dict.fromkeys(wrapper_values, SET)},
    )


def meant_by(word: str) -> tuple[str, str, Any]:
    """(own section or "", name, value) of `key=value`; before the key its section may stand: `gpu.preset=T4`.

    Raises:
        UsageError: a word without `=`.
    """
    key, text = split_word(word)
    prefix, _, inner = key.rpartition(".")
    section = prefix if prefix in OWN_SECTIONS else ""
    if section == "kohya_wrap":
        option = wrapper_section.KEYS.get(inner)
        return section, inner, _text_or_value(text, is_text=option is not None and option.type == "str")
    if section and inner == "preset":
        return section, inner, _text_or_value(text, is_text=True)
    return section, *read_word(inner if section or prefix in sections.SECTIONS else key, text)


def split_word(word: str) -> tuple[str, str]:
    """`key=value`. Raises UsageError: it is not."""
    key, equals, text = word.partition("=")
    if not equals or not key.strip():
        raise UsageError(
            f"{word!r} is not KEY=VALUE.",
            why="A value is set by the option's name, an equals sign and the value.",
            hint="learning_rate=1e-4   (texts may stand without quotes)",
        )
    return key.strip(), text.strip()


def read_word(key: str, text: str) -> tuple[str, Any]:
    """(option, value) of a word or a variable: a text as it stands where the option is one, else as TOML reads it."""
    name = spellings.engine_name(key)
    option = option_table.for_script("sdxl_train_network.py").get(name)  # has all that train_network.py has
    is_text = option is not None and option.type == "str"
    spelled = spellings.respell(key, _text_or_value(text, is_text=is_text))
    return spelled.name, spelled.value


def _text_or_value(text: str, *, is_text: bool) -> Any:
    return text if is_text and not text.startswith(('"', "'")) else toml_value(text)


def toml_value(text: str) -> Any:
    """The value that the text would be in a file, else the text."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        return tomlkit.parse(f"v = {text}").unwrap()["v"]
    except TOMLKitError:
        return text
