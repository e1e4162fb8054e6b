"""Which settings of a configuration nobody knows, and which values nobody takes.

A setting is judged by the classes that are loaded: ours, JupyterHub's, those that the
configuration names, and what its file defines. A class that nobody loaded may be another
program's, and is refused only where its name is nearly that of one we know.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from itertools import chain
from typing import Any

from traitlets import TraitError, TraitType
from traitlets.config import Config, Configurable
from traitlets.config.loader import DeferredConfig, LazyConfigValue

_Settings = dict[str, list[tuple[type[Configurable], TraitType[Any, Any]]]]
"""The settings of a section by name: whose they may be."""


@dataclass(frozen=True)
class Fault:
    """A setting that cannot be meant.

    Attributes:
        section: its class as it is written.
        name: the setting as it is written; empty where it is about the class.
        words: what is wrong, to be put after the place.
        refused: whether nothing may start with it; otherwise it is worth a warning.
    """

    section: str
    name: str
    words: str
    refused: bool = True


def faults(config: Config, *, steps: Iterable[None], strangers: bool = True) -> list[Fault]:
    """What is wrong with a configuration.

    Args:
        config: all that was set.
        steps: each loads more classes that may have settings, and is taken only if something is
            not known yet.
        strangers: whether classes that nobody knows are of interest.
    """

    found: list[Fault] = []
    for _ in chain([None], steps):
        judged = _judge(config, _known())
        found = [fault for fault in judged if strangers or fault.refused]
        if not found:
            break
    return found


def _known() -> dict[str, _Settings]:
    """The settings of every section that a loaded class reads."""
    known: dict[str, _Settings] = defaultdict(lambda: defaultdict(list))
    # the most general first: what a section is called is then the owner that is complained for
    classes = sorted(set(_subclasses(Configurable)), key=lambda cls: (len(cls.__mro__), str(cls)))
    for cls in classes:
        for section in cls.section_names():
            settings = known[section]
            for name, trait in cls.class_traits(config=True).items():
                settings[name].append((cls, trait))
    return known


def _subclasses(cls: type[Configurable]) -> Iterator[type[Configurable]]:
    for child in cls.__subclasses__():
        yield child
        yield from _subclasses(child)


def _judge(config: Config, known: dict[str, _Settings]) -> Iterator[Fault]:
    for section, settings in config.items():
        if not isinstance(settings, Config):
            yield Fault("", section, _no_class(section, known))
        elif section in known:
            yield from _judge_section(section, settings, known)
        elif _says_something(settings):
            yield _judge_stranger(section, known)


def _judge_section(section: str, settings: Config, known: dict[str, _Settings]) -> Iterator[Fault]:
    for name, value in settings.items():
        if isinstance(value, Config):
            # `c.Parent.Class.name` is for the objects of a class that belong to a parent
            yield from _judge(Config({name: value}), known)
        elif isinstance(value, LazyConfigValue) and not value.to_dict():
            continue  # it was only looked at
        elif name not in known[section]:
            near = get_close_matches(name, known[section], 1)
            meant = f" Did you mean c.{section}.{near[0]}?" if near else ""
            yield Fault(section, name, f"There is no setting c.{section}.{name}.{meant}")
        elif words := _complaint(value, known[section][name]):
            yield Fault(section, name, f"c.{section}.{name} has a wrong value: {words}")


def _no_class(name: str, known: dict[str, _Settings]) -> str:
    owners = sorted(
        {
            cls.__name__
            for settings in known.values()
            for cls, _ in settings.get(name, ())
            if name in cls.class_own_traits(config=True)
        }
    )
    meant = f" Did you mean c.{owners[0]}.{name}?" if owners else ""
    return f"A setting belongs to a class, and c.{name} to none.{meant}"


def _judge_stranger(section: str, known: Iterable[str]) -> Fault:
    near = [name for name in known if _is_slip(section, name)]
    if near:
        words = f"There is no class c.{section}. Did you mean c.{near[0]}?"
        return Fault(section, "", words)
    words = f"Nothing here is called c.{section}; what is set for it has no effect."
    return Fault(section, "", words, refused=False)


def _is_slip(written: str, known: str) -> bool:
    """Whether one name is the other with a slip of the fingers.

    A longer name with the known one at its end is a class derived from it, as people name them.
    """
    if written.lower() == known.lower():
        return True
    if written.endswith(known):
        return False
    matcher = SequenceMatcher(None, written.lower(), known.lower(), autojunk=False)
    length = len(written) + len(known)
    slips = round(length * (1 - matcher.ratio()))
    return slips <= (3 if length >= 16 else 2 if length >= 9 else 1)


def _says_something(settings: Config) -> bool:
    return any(
        _says_something(value) if isinstance(value, Config) else True for value in settings.values()
    )


def _complaint(value: Any, owners: list[tuple[type[Configurable], TraitType[Any, Any]]]) -> str:
    """Why no class takes a value; empty if one does."""
    first = ""
    for cls, trait in owners:
        words = _refusal(value, cls, trait)
        if not words:
            return ""
        first = first or words
    return first


def _refusal(value: Any, cls: type[Configurable], trait: TraitType[Any, Any]) -> str:
    owner = cls.__new__(cls)  # for the messages; it is not made, which may take a whole Hub
    try:
        if isinstance(value, LazyConfigValue):
            return _unused_change(value, trait.default(owner))
        if isinstance(value, DeferredConfig):
            value = value.get_value(trait)
        if not (value is None and trait.allow_none) and hasattr(trait, "validate"):
            trait.validate(owner, value)
    except TraitError as error:
        return str(error)
    except Exception:
        # It needs more than there is before a start, and will say so itself.
        return ""
    return ""


def _unused_change(change: LazyConfigValue, default: Any) -> str:
    """Why `append` and its like would do nothing, as traitlets lets them."""
    changed = set(change.to_dict())
    if isinstance(default, list):
        fits, words = changed <= {"extend", "prepend", "inserts"}, "it is a list: use append"
    elif isinstance(default, dict | set):
        kind, method = ("dict", "update") if isinstance(default, dict) else ("set", "add")
        fits, words = changed <= {"update"}, f"it is a {kind}: use {method}"
    else:
        fits, words = False, "nothing can be added to it"
    return "" if fits else f"{words}, or assign one."
