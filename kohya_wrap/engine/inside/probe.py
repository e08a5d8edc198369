"""Import what a training will import: `ENGINE_PYTHON -I probe.py SOURCE_DIR MODULE...`.

Runs in the engine's interpreter. Prints one JSON object, module -> null or the error; ends with 1 where one
failed.
"""

import contextlib
import importlib
import json
import os
import sys


def main() -> None:
    source, *modules = sys.argv[1:]
    sys.path.insert(0, source)
    os.environ["HF_HUB_OFFLINE"] = "1"
    with contextlib.redirect_stdout(sys.stderr):
        failures = {name: failure(name) for name in modules}
    print(json.dumps(failures))
    sys.exit(any(failures.values()))


def failure(name: str) -> str | None:
    try:
        importlib.import_module(name)
    except Exception as error:
        return f"{type(error).__name__}: {error}".splitlines()[0]
    return None


if __name__ == "__main__":
    main()
