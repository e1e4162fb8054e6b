"""R: the version that `runtime.txt` names, and the packages that other files ask for."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass

from .apt import MOST, check_count
from .environment import Read
from .errors import BuildFailed
from .requirements import decode
from .sentences import NOTHING, Sentence

_RUNTIME = re.compile(r"r(?:-([^-]{1,40}))?(?:-(\d{4}-\d\d-\d\d))?")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,98}[A-Za-z0-9]")
_FIELD = re.compile(r"(Depends|Imports|LinkingTo)\s*:(.*)", re.DOTALL)
_OF_CRAN = ("Repository", "CRAN")
"""What `renv.lock` calls the source of a package that an archive such as CRAN has."""


@dataclass(frozen=True)
class Runtime:
    """The R that `runtime.txt` asks for.

    Attributes:
        version: such as `4.1`; may be empty.
        date: whose packages are wanted, such as `2022-01-01`; may be empty.
    """

    version: str = ""
    date: str = ""

    @classmethod
    def of(cls, runtime: str) -> Runtime:
        """Of the file as repo2docker reads it; of anything but R nothing is asked."""
        match = _RUNTIME.fullmatch(runtime)
        return cls(match[1] or "", match[2] or "") if match else cls()

    @property
    def name(self) -> Sentence:
        """What it is called."""
        if self.version and self.date:
            return Sentence("R {version} as of {date}", version=self.version, date=self.date)
        if self.date:
            return Sentence("R as of {date}", date=self.date)
        return Sentence("R {version}", version=self.version) if self.version else NOTHING

    def is_met(self, version: str) -> bool:
        """Whether a version of R is all that is asked for; no date ever is."""
        asked = f"{self.version}." if self.version else ""
        return not self.date and f"{version}.".startswith(asked)


@dataclass(frozen=True)
class Locked:
    """What `renv.lock` names.

    Attributes:
        names: packages that an archive such as CRAN has.
        elsewhere: packages of any other source.
    """

    names: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()


def named(read: Read, binder_dir: str, lock: str) -> tuple[str, ...]:
    """The packages that files of a repository name, sorted; none of a lock that is no lock.

    Args:
        read: gives the content of a file.
        binder_dir: folder of its configuration; a `DESCRIPTION` counts where there is none.
        lock: path of `renv.lock`, or empty.
    """
    names = {*described(b"" if binder_dir else read("DESCRIPTION") or b"")}
    with suppress(BuildFailed):  # an engine that reads it says so
        names.update(locked(lock, read(lock) or b"").names if lock else ())
    return tuple(sorted(names)[:MOST])


def described(content: bytes) -> tuple[str, ...]:
    """The packages that a `DESCRIPTION` says it cannot do without."""
    fields = re.split(r"\n(?=\S)", decode(content).replace("\r\n", "\n"))
    lists = [match[2] for field in fields if (match := _FIELD.fullmatch(field))]
    words = {word.partition("(")[0].strip() for text in lists for word in text.split(",")}
    return tuple(sorted(word for word in words if _NAME.fullmatch(word)))


def locked(path: str, content: bytes) -> Locked:
    """The packages that a `renv.lock` names.

    Args:
        path: of the file.

    Raises:
        BuildFailed: it cannot be understood, or names too many.
    """
    try:
        packages = json.loads(decode(content))["Packages"]
        sources = {name: package.get("Source", "") for name, package in packages.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BuildFailed(
            "{path} is not what renv writes. Have it written anew with renv::snapshot().",
            path=path,
            detail=f"{type(error).__name__}: {error}"[:1000],
        ) from error
    names = sorted(name for name in sources if _NAME.fullmatch(name))
    check_count(path, names)
    of_cran = tuple(name for name in names if sources[name] in _OF_CRAN)
    return Locked(of_cran, tuple(name for name in names if name not in of_cran))
