"""Write the reference pages that follow from the code: settings and error codes.

Run by `scripts/docs`; a test fails when the pages are not what this writes.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import sys
import warnings
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import Any

from ruamel.yaml import YAML
from traitlets import TraitType
from traitlets.config import Application, Configurable

import binderhub_ext
from binderhub_ext.core import errors
from binderhub_ext.service.failures import STATUSES
from binderhub_ext.traits import Bytes

REFERENCE = Path(__file__).parent / "reference"
CHART = Path(__file__).parents[1] / "helm" / "binder-at-home"
_WRITTEN = "<!-- Written by scripts/docs from the code. Change the code instead. -->"


def pages() -> dict[Path, str]:
    """Every generated page and its text."""
    return {
        REFERENCE / "configuration.md": configuration(),
        REFERENCE / "errors.md": error_codes(),
        REFERENCE / "chart.md": chart_values(),
    }


def configuration() -> str:
    """The page of settings."""
    lines = [
        "# Settings",
        "",
        _WRITTEN,
        "",
        "Every setting of ours, by class. Set them in a file given with `-f`, as in"
        " `c.Up.port = 9000`, or on the command line, as in `--Up.port=9000`. Everything of"
        " [JupyterHub](https://jupyterhub.readthedocs.io/) can be set in the same file.",
    ]
    for cls, settings in configurables():
        lines += ["", f"## {cls.__name__}", "", _first_sentences(cls)]
        for name, trait in sorted(settings.items()):
            lines += ["", *_setting(cls, name, trait)]
    return "\n".join(lines) + "\n"


def error_codes() -> str:
    """The page of error codes."""
    lines = [
        "# Error codes",
        "",
        _WRITTEN,
        "",
        "An error that people are meant to read has a code that does not change, a sentence and"
        " an HTTP status. The API and the event streams carry all three. A sentence that names"
        " something has what it was made of beside it, for other languages: `text`, with named"
        " places, and `fields`, with what stands in them.",
        "",
        "| code | status | when |",
        "| --- | --- | --- |",
    ]
    for code, classes in _by_code(error_classes()):
        when = " ".join(_first_sentences(cls) for cls in classes)
        lines.append(f"| `{code}` | {classes[0].status} | {when} |")
    lines += [
        "",
        "Besides there is what HTTP itself refuses, before anything of ours is asked:",
        "",
        "| code | status | what it says |",
        "| --- | --- | --- |",
        *(f"| `{code}` | {status} | {words} |" for status, (code, words) in STATUSES.items()),
    ]
    return "\n".join(lines) + "\n"


def chart_values() -> str:
    """The page of values of the chart, from its schema."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = YAML(typ="safe").load(CHART / "values.yaml")
    lines = [
        "# Values of the chart",
        "",
        _WRITTEN,
        "",
        "What can be set in `values.yaml` of `helm/binder-at-home`. A name that is not here is"
        " refused. How to use it: [Install it on Kubernetes](../how-to/install-on-kubernetes.md).",
    ]
    for part, inner in schema["properties"].items():
        if part in values:
            lines += ["", f"## {part}", "", *_values(part, inner, values[part])]
    return "\n".join(lines) + "\n"


def _values(path: str, schema: dict[str, Any], value: Any) -> Iterator[str]:
    """A sentence for a group of values, a line for each of its values."""
    inner = schema.get("properties")
    if not inner:
        yield f"{schema['description']} Default: {_as_json(value)}."
        return
    yield from (schema["description"], "", "| value | default | meaning |", "| --- | --- | --- |")
    yield from _rows(path, schema, value)


def _rows(path: str, schema: dict[str, Any], value: Any) -> Iterator[str]:
    for name, inner in schema["properties"].items():
        if "properties" in inner:
            yield f"| `{path}.{name}` | | {inner['description']} |"
            yield from _rows(f"{path}.{name}", inner, value[name])
        else:
            yield f"| `{path}.{name}` | {_as_json(value[name])} | {inner['description']} |"


def _as_json(value: Any) -> str:
    return f"`{json.dumps(value)}`"


def _by_code(
    classes: set[type[errors.BinderError]],
) -> Iterator[tuple[str, list[type[errors.BinderError]]]]:
    """Codes in order, each with its classes, the most general first."""
    ordered = sorted(classes, key=lambda cls: (cls.code, len(cls.__mro__), cls.__name__))
    for code, group in groupby(ordered, key=lambda cls: cls.code):
        yield code, list(group)


def configurables() -> list[tuple[type[Configurable], dict[str, TraitType]]]:
    """Our classes that have settings, each with its own, by name."""
    found: dict[type[Configurable], dict[str, TraitType]] = {}
    for module in list(modules()):
        for member in vars(module).values():
            if (
                inspect.isclass(member)
                and issubclass(member, Configurable)
                and member.__module__.startswith("binderhub_ext.")
            ):
                found.setdefault(_shown_as(member), {}).update(_own_settings(member))
    return sorted(
        ((cls, settings) for cls, settings in found.items() if settings),
        key=lambda item: (item[0].__name__, item[0].__module__),
    )


def _shown_as(cls: type[Configurable]) -> type[Configurable]:
    """The class people configure: a part that only one class is made of counts as that one."""
    children = cls.__subclasses__()
    is_part = len(children) == 1 and _package(children[0]) == _package(cls)
    if is_part and not issubclass(cls, Application):
        return _shown_as(children[0])
    return cls


def _package(cls: type) -> str:
    return cls.__module__.rpartition(".")[0]


def error_classes() -> set[type[errors.BinderError]]:
    """Every error people may read, wherever it is defined."""
    list(modules())
    found, more = set(), [errors.BinderError]
    while more:
        cls = more.pop()
        if cls.__module__.startswith("binderhub_ext."):
            found.add(cls)
        more += cls.__subclasses__()
    return found


def modules() -> Iterator[ModuleType]:
    """All our modules; those of an engine whose libraries are not installed are left out."""
    for info in pkgutil.walk_packages(binderhub_ext.__path__, "binderhub_ext."):
        if info.name.endswith(("__main__", ".env")):
            continue
        try:
            with warnings.catch_warnings():
                # Those of other people's packages are not what this is about.
                warnings.simplefilter("ignore")
                module = importlib.import_module(info.name)
            yield module
        except ImportError as error:
            if (error.name or "").startswith("binderhub_ext"):
                raise
            print(f"left out: {info.name} ({error})", file=sys.stderr)


def _own_settings(cls: type[Configurable]) -> dict[str, TraitType]:
    return {
        name: trait
        for name, trait in cls.class_traits(config=True).items()
        if name in vars(cls) and trait is vars(cls)[name]
    }


def _setting(cls: type[Configurable], name: str, trait: TraitType) -> list[str]:
    help_text = inspect.cleandoc(trait.help or "")
    return [
        f"### {cls.__name__}.{name}",
        "",
        f"{type(trait).__name__}; default {_default(cls, name, trait)}.",
        "",
        help_text,
    ]


def _default(cls: type[Configurable], name: str, trait: TraitType) -> str:
    if name in cls._trait_default_generators:
        return "worked out"
    if isinstance(trait, Bytes):
        return f"`{trait.default_value_repr()}`"
    value = trait.default()
    if isinstance(value, set | frozenset):
        return f"`{sorted(value)}`"
    return f"`{value!r}`"


def _first_sentences(cls: type) -> str:
    paragraph = inspect.cleandoc(cls.__doc__ or "").split("\n\n", 1)[0]
    return " ".join(paragraph.split())


def main() -> None:
    REFERENCE.mkdir(exist_ok=True)
    for path, text in pages().items():
        path.write_text(text)


if __name__ == "__main__":
    main()
