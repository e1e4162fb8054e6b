"""Finds the texts that people read, and keeps the catalogues of languages up to date with them.

In Python they are the fixed texts of sentences, found where sentences are made; in templates and
scripts what stands in `_()`, `ngettext()` or `{% trans %}`.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter
from typing import TypeVar

from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po
from jinja2.ext import babel_extract

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "binderhub_ext"
sys.path.append(str(ROOT / "docs"))

import generate  # noqa: E402

from binderhub_ext.languages.catalogue import (  # noqa: E402
    FOLDER,
    installed,
    is_translated,
    read,
)

MAKERS: Mapping[str, tuple[int, ...]] = {
    **{cls.__name__: (0,) for cls in generate.error_classes()},
    **dict.fromkeys(("Sentence", "fixed", "say", "_say", "_read_name"), (0,)),
    **dict.fromkeys(("SyncError", "plain", "decoded", "relative_path", "check_person"), (1,)),
    "_rule": (2,),
    "__init__": (0,),
    "counted": (0, 1),
}
"""What makes a sentence, and which of its arguments are texts; the others stand in it by name."""

ERRORS = "core/errors.py"
"""Where classes of errors tell their base a text of their own."""

COMMAND_LINE = ("admin", "commands", "config", "up", "app.py", "client.py", "options.py")
COMMAND_LINE += ("secrets.py", "storage/backup.py", "storage/importing.py")
"""What talks to administrators in a terminal, in English."""

_NEVER = datetime(2026, 1, 1, tzinfo=UTC)
"""Dates in a catalogue's head would be all that many a change changes."""

_KEYWORDS = ("_", "gettext", "ngettext")
_LITERAL = r'("(?:[^"\\]|\\.)*")'
_CALL = re.compile(rf"(?<![\w.$])(_|ngettext)\(\s*{_LITERAL}(?:,\s*{_LITERAL})?")

Function = ast.FunctionDef | ast.AsyncFunctionDef
Text = str | tuple[str, str]


class Scope:
    """A module or a function of ours, and what is assigned to names in it."""

    def __init__(self, file: str, node: ast.Module | Function, module: ast.Module) -> None:
        self.file, self.node = file, node
        inside = ast.walk(node) if isinstance(node, Function) else ()
        self.assigned = _assigned(module.body) | _assigned(inside)

    def calls(self, *names: str) -> Iterator[tuple[str, ast.Call]]:
        for node in ast.walk(self.node):
            if isinstance(node, ast.Call) and name_of(node.func) in names:
                yield f"{self.file}:{node.lineno}", node

    def texts(self, node: ast.expr, seen: tuple[str, ...] = ()) -> list[str] | None:
        """The fixed texts that an expression can be; `None` if none is known."""
        found: list[list[str] | None]
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.IfExp(body=one, orelse=other):
                found = [self.texts(each, seen) for each in (one, other)]
            case ast.BoolOp(values=values):
                found = [self.texts(each, seen) for each in values]
            case ast.Name(id=name) if name in self.assigned and name not in seen:
                found = [self.texts(each, (*seen, name)) for each in self.assigned[name]]
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                one, other = self.texts(left, seen), self.texts(right, seen)
                return None if one is None or other is None else [a + b for a in one for b in other]
            case ast.Call(func=func, args=[first, *_]) if name_of(func) == "fixed":
                return self.texts(first, seen)
            case _:
                return None
        known = [texts for texts in found if texts is not None]
        return [text for texts in known for text in texts] if known else None


S = TypeVar("S", bound=Scope)


def name_of(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def _assigned(nodes: Iterable[ast.AST]) -> dict[str, list[ast.expr]]:
    found: dict[str, list[ast.expr]] = {}
    for node in nodes:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.expr() as value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
                | ast.AugAssign(target=ast.Name(id=name), value=value)
            ):
                found.setdefault(name, []).append(value)
    return found


def scopes(kind: type[S]) -> Iterator[S]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield from scopes_of(str(path.relative_to(PACKAGE)), path.read_text(), kind)


def scopes_of(file: str, code: str, kind: type[S]) -> Iterator[S]:
    module = ast.parse(code)
    functions = (node for node in ast.walk(module) if isinstance(node, Function))
    return (kind(file, node, module) for node in (module, *functions))


def made(kind: type[S]) -> Iterator[tuple[S, str, ast.Call, list[ast.expr]]]:
    """Where sentences are made: each with what its texts are."""
    for scope in scopes(kind):
        for where, call in scope.calls(*MAKERS):
            places = MAKERS[name_of(call.func)]
            given = [call.args[place] for place in places if place < len(call.args)]
            if name_of(call.func) == "__init__" and scope.file != ERRORS:
                continue
            if given and not any(isinstance(text, ast.Starred) for text in given):
                yield scope, where, call, given


def sentences() -> Iterator[tuple[Text, str]]:
    """The fixed texts of sentences that people are shown, each with the file it is in."""
    for scope, _, call, given in made(Scope):
        if scope.file.startswith(COMMAND_LINE) or _ends_the_start(scope, call):
            continue
        found = [scope.texts(text) or [] for text in given]
        file = f"binderhub_ext/{scope.file}"
        if len(given) == 2 and all(found):
            yield (found[0][0], found[1][0]), file
        else:
            yield from ((text, file) for texts in found for text in texts if has_words(text))


def _ends_the_start(scope: Scope, call: ast.Call) -> bool:
    """Whether a terminal alone shows it; what Docker lacks is on a page, too."""
    return name_of(call.func) == "CannotStart" and not scope.file.startswith("engines/docker/")


def has_words(text: str) -> bool:
    """Whether there is more in a text than places."""
    return any(letter.isalpha() for part, *_ in Formatter().parse(text) for letter in part)


def in_templates() -> Iterator[tuple[Text, str]]:
    """The texts of templates."""
    options = {"trimmed": "true", "silent": "false"}
    for path in sorted((ROOT / "templates").rglob("*.html")):
        with path.open("rb") as file:
            for _, _, said, _ in babel_extract(file, _KEYWORDS, [], options):
                yield _text(said), str(path.relative_to(ROOT))


def in_scripts() -> Iterator[tuple[Text, str]]:
    """The texts of the browser's scripts; Babel's own reader of JavaScript misses some."""
    for path in sorted((ROOT / "static" / "js").glob("*.js")):
        for name, *said in _CALL.findall(path.read_text()):
            texts = [json.loads(text) for text in said if text]
            yield _text(texts[: 1 if name == "_" else 2]), str(path.relative_to(ROOT))


def _text(said: object) -> Text:
    if isinstance(said, str):
        return said
    texts = [text for text in said if isinstance(text, str)]  # type: ignore[attr-defined]
    return (texts[0], texts[1]) if len(texts) > 1 else texts[0]


def everything() -> Catalog:
    """All of them, with the files each is in and without translations."""
    catalog = Catalog(project="Binder@home", charset="utf-8", fuzzy=False)
    files: dict[Text, set[str]] = {}
    for text, file in (*sentences(), *in_templates(), *in_scripts()):
        files.setdefault(text, set()).add(file)
    pairs = {text[0]: text for text in files if isinstance(text, tuple)}
    for text in sorted(files, key=lambda text: (min(files[text]), str(text))):
        if text not in pairs:
            catalog.add(text, locations=[(file, 0) for file in sorted(files[text])])
    return catalog


def write(path: Path, catalog: Catalog) -> None:
    """Write a `.po` file so that a change of one text changes little of it."""
    with path.open("wb") as file:
        write_po(file, catalog, width=100, omit_header=False, include_lineno=False)


def update(tag: str) -> tuple[int, int]:
    """Bring a language's catalogue up to date, or begin it.

    Returns:
        How many texts there are, and how many of them have no translation.
    """
    path = FOLDER / f"{tag}.po"
    catalog = read(path) if path.exists() else Catalog(locale=tag.replace("-", "_"))
    catalog.update(everything(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    catalog.header_comment = f"# What people read, in the language {catalog.locale_identifier}."
    catalog.project, catalog.version, catalog.fuzzy = "Binder@home", "", False
    catalog.creation_date = catalog.revision_date = _NEVER
    write(path, catalog)
    texts = [message for message in catalog if message.id]
    return len(texts), sum(not is_translated(message) for message in texts)


def main(tags: Sequence[str]) -> None:
    for tag in tags or installed():
        texts, missing = update(tag)
        print(f"{tag}: {texts} texts, {missing} without a translation")


if __name__ == "__main__":
    main(sys.argv[1:])
