"""Types of settings: a size, a network, a pattern, a colour, a table.

Each has one notation everywhere and refuses, by the setting's name, what it cannot be.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

from traitlets import Dict, TraitError, TraitType, Undefined

from .core.colors import read_color
from .core.errors import BinderError
from .core.quantities import read_bytes, write_bytes


def read_size(value: object) -> int:
    """Bytes of a number, or of text such as `20G`; 0 for none, empty or "0".

    Raises:
        BadLink, TypeError: it is none.
    """
    if isinstance(value, str):
        return read_bytes(value) if value.strip(" 0") else 0
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return int(value)
    raise TypeError(value)


def read_names(value: object) -> tuple[str, ...]:
    """A list of names.

    Raises:
        TypeError: it is none.
    """
    if isinstance(value, list | tuple) and all(isinstance(name, str) for name in value):
        return tuple(value)
    raise TypeError(f"{value!r} is no list of names")


class Bytes(TraitType[int, int | float | str]):
    """An amount of memory or disk: a number of bytes, or text such as `20G`; a K is 1024."""

    info_text = 'a number of bytes, or text such as "512M" or "20G"'

    def __init__(self, default_value: int | str = 0, **options: Any) -> None:
        super().__init__(read_size(default_value), **options)

    def validate(self, obj: Any, value: Any) -> int:
        try:
            return read_size(value)
        except (BinderError, TypeError, OverflowError):
            return self.error(obj, value)

    def from_string(self, s: str) -> int:
        return self.validate(None, s)

    def default_value_repr(self) -> str:
        return repr(write_bytes(self.default_value) if self.default_value else 0)


class Cidr(TraitType[str, str]):
    """A network such as `10.0.0.0/8`; an address alone is a network of one."""

    info_text = "a network such as 10.0.0.0/8, without bits of a host in it"

    def validate(self, obj: Any, value: Any) -> str:
        try:
            return str(ip_network(value)) if isinstance(value, str) else self.error(obj, value)
        except ValueError:
            return self.error(obj, value)


class Pattern(TraitType[str, str]):
    """A regular expression, as text."""

    default_value = ""
    info_text = "a regular expression"

    def validate(self, obj: Any, value: Any) -> str:
        try:
            re.compile(value)
        except (re.error, TypeError) as error:
            return self.error(obj, value, info=f"a regular expression ({error})")
        return str(value)

    def from_string(self, s: str) -> str:
        return s


class HexColor(TraitType[str, str]):
    """A colour such as `#2c7bb6`."""

    info_text = "a colour such as #2c7bb6"

    def validate(self, obj: Any, value: Any) -> str:
        try:
            read_color(value)
        except (ValueError, TypeError):
            return self.error(obj, value)
        return str(value)


class Table(Dict):
    """A dictionary whose items mean something.

    Args:
        read: makes that of a name and its fields; raises ours, `ValueError`, `TypeError` or
            `AttributeError` for what means nothing.
    """

    def __init__(self, read: Callable[[str, Any], Any], **options: Any) -> None:
        super().__init__(default_value=Undefined, **options)
        self._read = read

    def validate(self, obj: Any, value: Any) -> Any:
        table = super().validate(obj, value)
        for name, fields in (table or {}).items():
            try:
                self._read(name, fields)
            except (BinderError, ValueError, TypeError, AttributeError) as error:
                where = f"{type(obj).__name__}.{self.name}"
                raise TraitError(f"{where}: {name}: {error}") from error
        return table
