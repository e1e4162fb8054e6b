"""The commands of `binder-at-home`, one module each.

A command is a module here with a `main(argv)` that returns an exit status or `None`; the first
line of its docstring is its line in the help. A new command is a new file.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path


def names() -> list[str]:
    """Every command, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load(name: str) -> Callable[[list[str]], int | None]:
    """The entry of a command; imports only that one."""
    main: Callable[[list[str]], int | None] = importlib.import_module(f"{__name__}.{name}").main
    return main


def summary(name: str) -> str:
    """What a command does, in one line, without importing what it needs."""
    tree = ast.parse((Path(__path__[0]) / f"{name}.py").read_text())
    return (ast.get_docstring(tree) or "").partition("\n")[0]
