"""Applications of Shiny: a repository's own at `shiny/` of its server, those of its folders below.

Jupyter reads this when a server of an environment with R starts, as the person.
"""

# ruff: noqa: PTH112, PTH113, PTH118, PTH120
# Part of a start, where pathlib may never be needed.
# mypy: ignore-errors

import os
import re

_MARKS = ("app.R", "server.R")
_MOST = 100
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")
"""Folders that are in an address as they are called: it becomes a regular expression."""


def is_application(folder):
    return any(os.path.isfile(os.path.join(folder, mark)) for mark in _MARKS)


def applications(root):
    """Names of the folders of a repository that are applications."""
    try:
        names = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
    except OSError:
        return []
    named = filter(_NAME.fullmatch, names[: 10 * _MOST])
    return [name for name in named if is_application(os.path.join(root, name))][:_MOST]


def shown(*words, title=""):
    """What starts a program when somebody opens it first."""
    script = os.path.join(os.path.dirname(__file__), "shiny.R")
    entry = {"enabled": bool(title), "title": title}
    return {
        "command": ["Rscript", script, "{port}", *words],
        "timeout": 60,
        "launcher_entry": entry,
    }


def servers(root):
    """By address; what is in a folder comes first, as `shiny/` is the beginning of both."""
    names = applications(root)
    found = {f"shiny/{name}": shown(os.path.join(root, name)) for name in names}
    if is_application(root):
        found["shiny"] = shown(root, title="Shiny")
    elif names:
        found["shiny"] = shown(root, *names, title="Shiny")
    return found


_libraries = filter(None, os.environ.get("R_LIBS_SITE", "").split(":"))
if any(os.path.isdir(os.path.join(library, "shiny")) for library in _libraries):
    get_config().ServerProxy.servers = servers(os.environ["REPO_DIR"])  # noqa: F821  Jupyter's
