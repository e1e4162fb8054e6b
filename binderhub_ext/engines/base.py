"""The interface of an engine, as the service sees it.

An engine is two things: a *builder* in the service's process, which turns a source into an
image, and a *spawner class* in the Hub's process, which runs it. They share no memory; what
they agree on is the image's name, which travels in the ticket.
"""

from __future__ import annotations

import shutil
from abc import abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from traitlets import Bool, Float, Unicode
from traitlets.config import LoggingConfigurable

from ..abstract import Abstract
from ..core.errors import BinderError, NoSpace, Unsupported
from ..core.launch import Launch
from ..core.layout import DataDirectory
from ..core.progress import Event, Phase, Tell
from ..core.sentences import NOTHING, Sentence
from ..core.updates import Update
from ..core.using import UNKNOWN, Use
from ..repos.base import Source
from ..traits import Bytes

PROXY = "proxy"
"""What an image offers besides interfaces: to show what listens at a port of its server."""


@dataclass(frozen=True)
class Environment:
    """What will be built from a source, known before anything is built.

    Attributes:
        key: hash of everything the build depends on; two sources with the same key share
            one image.
        kind: what a person calls it, such as "Python 3.11 with requirements.txt".
        files: the configuration files that determined it, relative to the repository.
        notes: what the repository asks for and does not get, or gets otherwise.
    """

    key: str
    kind: str
    files: tuple[str, ...] = ()
    notes: tuple[Sentence, ...] = ()

    def tell(self, tell: Tell) -> None:
        """Say that it is being built, and what it will not be."""
        message = Sentence("Building {kind}", kind=self.kind)
        tell(Event(Phase.BUILDING, message, {"progress": 1}))
        for note in self.notes:
            tell(Event(Phase.BUILDING, note))


@dataclass(frozen=True)
class Image:
    """A built environment.

    Attributes:
        name: what the engine calls it; goes into the ticket.
        key: the environment key it was built for.
        size: bytes on disk, 0 if unknown.
        provides: interfaces it was found to offer (`lab`, `notebook`, `voila`, `rstudio`, …).
    """

    name: str
    key: str
    size: int = 0
    provides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Program:
    """A program that runs beside a server, such as a database.

    Attributes:
        name: as it calls itself; a person's own, so it may be anything.
        ports: at which it listens, in the network of its server.
        proxied: whether the server shows at `proxy/<port>/` what is there.
    """

    name: str
    ports: tuple[int, ...] = ()
    proxied: bool = False


class EngineDown(BinderError):
    """The container engine does not answer."""

    code, status = "engine-down", 503


@dataclass(frozen=True)
class Check:
    """One thing an engine needs, as `doctor` and the health page show it.

    Attributes:
        name: what was looked at.
        ok: whether it works.
        message: what was found.
        fix: the one command, verbatim, or sentence that mends it; empty if `ok`.
        required: whether the engine is unusable without it.
    """

    name: Sentence
    ok: bool
    message: Sentence
    fix: Sentence = NOTHING
    required: bool = True


@dataclass(frozen=True)
class Engine:
    """An engine as its entry point (`binderhub_ext.engines`) announces it.

    Attributes:
        name: the word in `--engine`.
        builder: `module:class` of its :class:`Builder`; imported by the service only.
        spawner: name of its spawner class in the group `jupyterhub.spawners`.
        hub_settings: `module:function` that is given the Hub's configuration (traitlets'
            `Config`) to add what servers of this engine need, and the administrator's to read;
            empty for nothing.
        secrets: whether it can hand a person's secrets to a server so that nobody else sees them.
        folders: whether its servers can see a folder of the machine that its owner offered.
        concurrent_starts: how many servers may start at the same time unless an administrator says
            otherwise; 0 for two of each processor of this machine, on which they start.
        owner: `module:function` that makes a person's home if there is none, given the data
            directory and their name, and says whose it is (:class:`~.rundir.Owner`); empty if only
            a start can do that.
    """

    name: str
    builder: str
    spawner: str
    hub_settings: str = ""
    secrets: bool = False
    folders: bool = False
    concurrent_starts: int = 0
    owner: str = ""


class Builder(LoggingConfigurable, metaclass=Abstract):
    """Builds and keeps images. All methods are safe to repeat and to cancel."""

    data_dir = Unicode(help="Absolute path of the data directory (see core.layout); required.").tag(
        config=True
    )

    build_timeout = Float(
        3600, help="Seconds a build may take (default 3600) before it is ended."
    ).tag(config=True)

    min_free_space = Bytes(
        "2G",
        help="""
        Bytes that have to stay free on the disk that environments are kept on: no build is started
        below that. Default: 2 GiB, where Docker keeps them 5 GiB.
        """,
    ).tag(config=True)

    lock_files = Bool(
        True,
        help="""
        Whether packages are taken from a lock file, at exactly the versions in it, where a
        repository has nothing that repo2docker would take them from: `pylock.toml`, `uv.lock` or
        `poetry.lock`; `conda-lock.yml`, `environment.lock` or `pixi.lock`, or from `pixi.toml`
        (the `local` engine). Default: yes. repo2docker and mybinder.org do not read these files.
        """,
    ).tag(config=True)

    devcontainers = Bool(
        True,
        help="""
        Whether a `devcontainer.json` counts where a repository has nothing else that says what to
        install: its Python, its packages of Debian and its commands. Default: yes. repo2docker and
        mybinder.org do not read it.
        """,
    ).tag(config=True)

    max_age = Float(
        30 * 86400,
        help="Seconds after its last use when an environment may be removed (default 30 days).",
    ).tag(config=True)

    max_total_size = Bytes(
        "50G",
        help="""
        Bytes all environments together may take; the longest unused go first, never one in use.
        Default: 50 GiB, where Docker keeps them 200 GiB.
        """,
    ).tag(config=True)

    @property
    def layout(self) -> DataDirectory:
        return DataDirectory(Path(self.data_dir))

    @abstractmethod
    async def basis(self) -> str:
        """Everything besides repositories that decides what their environments are, as one text.

        What was planned with another one is planned anew.
        """

    @abstractmethod
    async def plan(self, source: Source) -> Environment:
        """Detect what the source's configuration asks for. Runs none of its code.

        Raises:
            Unsupported: this engine cannot build it honestly; names the file, the reason and
                an engine that can.
            RepoUnavailable: the source's files cannot be read.
        """

    async def plain(self) -> Environment:
        """The environment of a repository that asks for nothing. By default there is none."""
        raise Unsupported("This hub has no environment but those that it builds of repositories.")

    @abstractmethod
    async def find(self, environment: Environment) -> Image | None:
        """The image of an environment if it is there and whole; marks it as used now."""

    @abstractmethod
    async def build(self, environment: Environment, source: Source | None, tell: Tell) -> Image:
        """Build what was planned; of no source what is :meth:`plain`.

        Cancelling it ends every process of the build. Two builds of one key, also from two
        processes, end in one image.

        Raises:
            BuildFailed, BuildTimeout, NoSpace.
        """

    def check_space(self, place: Path) -> None:
        """Refuse to begin a build where too little is free on the disk of a folder.

        Raises:
            NoSpace
        """
        if shutil.disk_usage(place).free < self.min_free_space:
            raise NoSpace(
                "This hub's disk is too full for a new environment. Ask the administrator to make "
                "room; environments that exist can be used."
            )

    def targets_lacking(self) -> tuple[str, ...]:
        """Names of targets that no environment of this engine can have here. By default none."""
        return ()

    async def prebuilt(self, reference: str, tell: Tell) -> Image:
        """Get an image somebody made elsewhere.

        Whether it may be used here was decided before. By default no engine has any.

        Args:
            reference: its name, as Docker writes it.

        Raises:
            ImageNotFound, RegistryUnavailable, TooMany, Unsupported, BuildFailed, NoSpace.
        """
        raise Unsupported(
            "This hub runs no container images, so it cannot use {reference}. Leave it out to"
            " have the environment built from the repository.",
            reference=reference,
        )

    async def prepull(self, image: Image, size: str, tell: Tell) -> Sentence:
        """Get an image onto every machine on which servers may run.

        By default nothing: what this machine built or pulled is where its servers run. Cancelling
        it ends all it began; what is on a machine by then stays there.

        Args:
            size: by its name, of the servers; empty for those of none.

        Returns:
            Where the image is now, for a person; empty where it is on the one machine there is.

        Raises:
            EngineDown
        """
        return NOTHING

    async def preview(self, launch: Launch) -> Update | None:
        """What starting a launch would do to its person's project, found out without doing it.

        The launch's commit was fetched. What changes nothing is told as `UNCHANGED`.

        Returns:
            `None` if the person has no project of this repository, or this engine cannot tell (by
            default no engine can): then a start keeps both versions of every file.

        Raises:
            BinderError: it could not be found out.
        """
        return None

    async def programs_beside(self, launch: Launch) -> tuple[Program, ...]:
        """What runs beside the server of a launch at this moment; empty if nobody can tell.

        Cheap, since the main page asks for every server that runs. By default no engine can.
        """
        return ()

    async def uses(self, launches: Sequence[Launch]) -> list[Use]:
        """What the server of each launch uses now, as far as anybody can tell.

        The main page asks it of all servers of a person, and the ledger of everybody's: it is
        cheap, and waits for no engine that does not answer. By default nobody can tell.
        """
        return [UNKNOWN] * len(launches)

    async def prepare(self) -> None:
        """Get ready, once a day, what builds begin from. By default nothing.

        Raises:
            BuildFailed, BuildTimeout, NoSpace.
        """

    @abstractmethod
    async def images(self) -> list[Image]:
        """Every image kept, least recently used first."""

    async def remove(self, image: Image) -> bool:
        """Remove an image unless something uses it; gives whether it is gone.

        Raises:
            Unsupported: this engine removes none but by age and size.
        """
        raise Unsupported("This engine removes environments by their age and size alone.")

    @abstractmethod
    async def collect_garbage(self, keep: Collection[str] = ()) -> list[Image]:
        """Remove images over the configured age and total size, never one in use.

        Args:
            keep: keys of environments that stay in any case.
        """

    async def sweep(self) -> list[str]:
        """Remove what a builder that was killed left behind; what is at work stays.

        Called when a service starts and every few minutes, so it has to be cheap. By default
        nothing is left.

        Returns:
            What was removed, for the log.
        """
        return []

    @abstractmethod
    async def checks(self) -> list[Check]:
        """What works here and what does not."""
