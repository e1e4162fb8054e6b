"""Configurable classes that others complete."""

from __future__ import annotations

from typing import Any

from traitlets import MetaHasTraits


class Abstract(MetaHasTraits):
    """Metaclass that lets nobody make an object of a class that lacks an `abstractmethod`.

    traitlets' own knows nothing of them: an incomplete class would fail when what it lacks is
    called for the first time, or never. Not `ABCMeta`, which refuses `__new__` too, by which the
    check of a configuration asks a class for its words without making anything.

    Attributes:
        lacking: the names of what is abstract in a class.
    """

    lacking: tuple[str, ...]

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> None:
        super().__init__(name, bases, namespace)
        members = ((each, getattr(cls, each, None)) for each in dir(cls))
        cls.lacking = tuple(n for n, value in members if _is_abstract(value))

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls.lacking:
            raise TypeError(f"{cls.__name__} cannot be used: it lacks {', '.join(cls.lacking)}")
        return super().__call__(*args, **kwargs)


def _is_abstract(value: object) -> bool:
    return getattr(value, "__isabstractmethod__", False) is True
