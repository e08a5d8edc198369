"""The same shell as in tests/cli."""

from tests.cli.conftest import engine, photographs, places, shell, small

__all__ = ["engine", "photographs", "places", "shell", "small"]
