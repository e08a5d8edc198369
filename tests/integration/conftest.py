"""The same shell as in tests/cli."""

from tests.cli.conftest import engine, guide, photographs, places, shell, small

__all__ = ["engine", "guide", "photographs", "places", "shell", "small"]
