"""Reading a configuration file, written as for JupyterHub: Python, or JSON.

traitlets itself goes on without any configuration where a file raises or is called otherwise than
`*.py`, and without its part where `load_subconfig` names a file that is not there.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from traceback import walk_tb
from types import TracebackType
from typing import Any

from traitlets.config import Config, JSONFileConfigLoader

from ..core.errors import BinderError, CannotStart


@dataclass
class ConfigFile:
    """What a configuration file says.

    Attributes:
        config: everything that was set, also by files it loads.
        paths: the file, and those it loads.
        names: what each file defined; classes in it live as long as this.
    """

    config: Config = field(default_factory=Config)
    paths: list[Path] = field(default_factory=list)
    names: list[dict[str, Any]] = field(default_factory=list)


def read(path: Path) -> ConfigFile:
    """Read a configuration file.

    Raises:
        CannotStart: names the file, the line and the reason.
    """
    file = ConfigFile()
    _check_readable(path)
    try:
        file.config = _run(path, file)
    except (Exception, SystemExit) as error:
        raise CannotStart(
            "{place}: {words}", place=_place(error, file.paths), words=_words(error)
        ) from error
    return file


def place_of(section: str, name: str, paths: list[Path]) -> str:
    """Where a setting is made, as `file, line 3`; empty if that cannot be seen in any file.

    Args:
        section: its class.
        name: the setting; empty for the first of the class.
        paths: the files to look into.
    """
    for matches in (_is_setting, _is_name):
        for path in paths:
            lines = [
                node.lineno  # type: ignore[attr-defined]
                for node in _nodes(path)
                if matches(node, section, name)
            ]
            if lines:
                return f"{path}, line {min(lines)}"
    return ""


def _run(path: Path, file: ConfigFile) -> Config:
    """Read one file, and what it loads."""
    file.paths.append(path)
    if path.suffix == ".json":
        return JSONFileConfigLoader(path.name, str(path.parent)).load_config()
    config = Config()

    def load_subconfig(fname: str, path: str | None = None, *, folder: Path = path.parent) -> None:
        inner = folder / (path or "") / Path(fname).expanduser()
        _check_readable(inner)
        config.merge(_run(inner, file))

    names = {
        "__file__": str(path),
        "c": config,
        "get_config": lambda: config,
        "load_subconfig": load_subconfig,
    }
    file.names.append(names)
    exec(compile(path.read_bytes(), path, "exec"), names)
    if names.get("c", config) is not config:
        # What is set on another object is lost without a word, by JupyterHub too.
        raise CannotStart(
            "`c` is made anew in this file, and what is set on it counts for nothing."
            " Leave that line out, or write `c = get_config()` without importing it."
        )
    return config


def _check_readable(path: Path) -> None:
    if path.is_dir():
        raise CannotStart("{path} is a folder, not a configuration file.", path=path)
    try:
        path.open("rb").close()
    except FileNotFoundError:
        raise CannotStart("There is no configuration file {path}.", path=path) from None
    except OSError as error:
        raise CannotStart(
            "The configuration file {path} cannot be read: {strerror}.",
            path=path,
            strerror=error.strerror,
        ) from error


def _place(error: BaseException, paths: list[Path]) -> str:
    """The innermost line of a configuration file that an error went through."""
    if isinstance(error, SyntaxError) and error.filename in [str(path) for path in paths]:
        return f"{error.filename}, line {error.lineno}"
    if isinstance(error, json.JSONDecodeError):
        return f"{paths[-1]}, line {error.lineno}"
    lines = list(_lines(error.__traceback__, paths))
    return lines[-1] if lines else str(paths[-1])


def _lines(trace: TracebackType | None, paths: list[Path]) -> Iterator[str]:
    files = set(map(str, paths))
    for frame, line in walk_tb(trace):
        if frame.f_code.co_filename in files:
            yield f"{frame.f_code.co_filename}, line {line}"


def _words(error: BaseException) -> str:
    if isinstance(error, BinderError):
        return error.message
    said = error.msg if isinstance(error, SyntaxError | json.JSONDecodeError) else str(error)
    name = type(error).__name__
    return f"{name}: {said}".rstrip(": .") + ". Without its configuration nothing is started."


def _nodes(path: Path) -> Iterator[ast.AST]:
    try:
        yield from (node for node in ast.walk(ast.parse(path.read_bytes())) if _word(node))
    except SyntaxError:
        # JSON that is no Python
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for word in line.split('"')[1::2]:
                yield ast.Name(word, lineno=number)


def _is_setting(node: ast.AST, section: str, name: str) -> bool:
    """Whether this is `c.Section.name` or `c["Section"]["name"]`."""
    if not name:
        return _word(node) == section
    inner = node.value if isinstance(node, ast.Attribute | ast.Subscript) else node
    return _word(node) == name and inner is not node and _word(inner) == (section or "c")


def _is_name(node: ast.AST, _section: str, name: str) -> bool:
    return _word(node) == name


def _word(node: ast.AST) -> str:
    """The name a node is about."""
    match node:
        case ast.Attribute(attr=word) | ast.Name(id=word) | ast.keyword(arg=str(word)):
            return word
        case ast.Subscript(slice=ast.Constant(value=str(word))) | ast.Constant(value=str(word)):
            return word
    return ""
