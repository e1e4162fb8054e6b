"""Launch requests, launches and tickets.

A *launch request* is what a link or form asks for. A *launch* is the exact, admitted thing
to start. A *ticket* is the signed form of a launch that the service hands to the Hub in
`user_options`; the Hub believes nothing else (DESIGN: the Hub has the last word).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from .errors import BadTicket, NotAllowed
from .repo import Commit, Repo
from .updates import Keep


class Files(StrEnum):
    """What a server sees of the person's files."""

    PROJECT = "project"
    HOME = "home"
    NONE = "none"


class Access(StrEnum):
    """How a volume is mounted."""

    RO = "ro"
    RW = "rw"


@dataclass(frozen=True)
class VolumeRequest:
    """A volume a launch wants: never a path of the host, always a name to be judged.

    Attributes:
        name: the volume's name.
        mount: where in the home it shall appear, relative; empty for `shared/<name>`.
        access: what is asked for; empty for as much as the person has.
    """

    name: str
    mount: str = ""
    access: Access | None = None


@dataclass(frozen=True)
class Content:
    """A repository whose files a launch wants; nothing about it has been looked up.

    Attributes:
        repo: the repository.
        ref: branch, tag, commit or `HEAD`.
        folder: where they shall appear in the server's working directory, relative; empty for
            the repository's name.
    """

    repo: Repo
    ref: str = "HEAD"
    folder: str = ""


@dataclass(frozen=True)
class LaunchRequest:
    """What a link asks for. Everything in it is a wish, nothing has been checked.

    Attributes:
        repo: the repository, or `None` for provider `image`.
        ref: branch, tag, commit or `HEAD`.
        files: what of the person's files the server may see.
        volumes: group and shared volumes.
        content: further repositories, whose files alone are wanted; nothing is built of them.
        target: an interface the administrator configured (`lab`, `voila`, …) or empty.
        filepath: a file to open, relative to the project.
        urlpath: a path of the server to open, as BinderHub has it.
        image: a prebuilt image, or empty for a build.
        environment: `plain` for the environment of an empty repository, or empty for a build.
        server: name of the server, or empty for the derived one.
        size: a size the administrator offers, or empty.
        memory: bytes, 0 for the default.
        cpu: cores, 0 for the default.
        idle: seconds of inactivity after which to stop, 0 for the default.
        share: people who may enter this server, and groups as `group:<name>`.
        class_id: of the class whose link it is, or empty.
        secrets: keys of the person's secrets that the server wants; a link is never given any by
            itself.
        extra: further query parameters, kept for the target and never interpreted.
    """

    repo: Repo | None
    ref: str = "HEAD"
    files: Files = Files.PROJECT
    volumes: tuple[VolumeRequest, ...] = ()
    content: tuple[Content, ...] = ()
    target: str = ""
    filepath: str = ""
    urlpath: str = ""
    image: str = ""
    environment: str = ""
    server: str = ""
    size: str = ""
    memory: int = 0
    cpu: float = 0
    idle: int = 0
    share: tuple[str, ...] = ()
    class_id: str = ""
    secrets: tuple[str, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def sources(self) -> tuple[Content, ...]:
        """Every repository it names, the environment's first if it has one."""
        first = (Content(self.repo, self.ref),) if self.repo else ()
        return (*first, *self.content)

    def told_apart(self, commits: Sequence[Commit]) -> tuple[Commit | None, tuple[Commit, ...]]:
        """The environment's commit, `None` if it has no repository, and those of the content.

        Args:
            commits: what the refs of :attr:`sources` stand for, in their order.
        """
        if self.repo is None:
            return None, tuple(commits)
        return commits[0], tuple(commits[1:])


@dataclass(frozen=True)
class Project:
    """The files of one repository that a launch brings.

    Attributes:
        commit: repository and commit.
        folder: where they are in the person's home, relative, such as `projects/owner/name`.
        place: where they appear in the server's working directory, relative; empty where they
            are that directory.
    """

    commit: Commit
    folder: str
    place: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Project:
        """The inverse of :meth:`to_dict`; raises `KeyError` or `TypeError` on anything else."""
        return cls(_read_commit(fields["commit"]), str(fields["folder"]), str(fields["place"]))


@dataclass(frozen=True)
class Launch:
    """One exact, admitted thing to start; the content of a ticket.

    Attributes:
        user: whose server.
        server: name of the server.
        commit: repository and commit whose files are the project, or `None`.
        project: the project's folder relative to the home, such as `projects/owner/name`;
            empty without a repository.
        image: what the engine calls the built environment.
        files: what of the person's files the server sees.
        volumes: names of volumes with the access asked for; the Hub works out at every start
            what they really are.
        target: path below the server's own URL to land on; relative, already checked.
        memory: bytes, 0 for the engine's default.
        cpu: cores, 0 for the engine's default.
        size: the size these are of, for an engine that gives it more; empty for none.
        size_groups: whose members alone may have that size; everybody if empty. Who is one, the
            Hub asks itself at every start.
        idle: seconds of inactivity after which to stop, 0 for the default.
        checked: for a private repository, when its reader was last seen to be able to read it
            (Unix time); the Hub starts nothing of it that was not checked a moment ago.
        keep: whose version keeps its name where person and repository changed the same file.
        share: whom it lets in, as in a link; who may enter now, the Hub alone knows.
        content: what comes besides, each a project of its own.
        secrets: keys of the person's secrets that the server is given; never what they are.
        language: in which its person reads this hub, such as `pt-BR`; empty if that is unknown.
        notices: what they have nearly used up, in sentences of that language; for the server to
            tell, and nothing of what it is.
        noted: when that was so (Unix time).
    """

    user: str
    server: str
    commit: Commit | None
    project: str
    image: str
    files: Files = Files.PROJECT
    volumes: tuple[VolumeRequest, ...] = ()
    target: str = ""
    memory: int = 0
    cpu: float = 0
    size: str = ""
    idle: int = 0
    checked: int = 0
    keep: Keep = Keep.BOTH
    share: tuple[str, ...] = ()
    content: tuple[Project, ...] = ()
    secrets: tuple[str, ...] = ()
    language: str = ""
    notices: tuple[str, ...] = field(default=(), compare=False)
    noted: int = field(default=0, compare=False)
    size_groups: tuple[str, ...] = ()

    def told(self, now: float) -> tuple[str, ...]:
        """What a server that starts now tells its person; of a start long ago nothing is known."""
        return self.notices if abs(now - self.noted) < _NOTED else ()

    @property
    def live(self) -> bool:
        """Whether its project is a folder of the machine, which nothing of ours ever changes."""
        return self.commit is not None and self.commit.repo.live

    @property
    def projects(self) -> tuple[Project, ...]:
        """Everything it brings, the environment's repository first if it has one."""
        brings = self.commit and self.project and not self.live
        first = (Project(self.commit, self.project),) if self.commit and brings else ()
        return (*first, *self.content)

    @property
    def folders(self) -> tuple[str, ...]:
        """Where all of it is in the person's home."""
        return tuple(project.folder for project in self.projects)

    def alone(self, project: Project) -> Launch:
        """The same launch, of one of its projects and nothing else."""
        return replace(self, commit=project.commit, project=project.folder, content=())

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Launch:
        """The inverse of :meth:`to_dict`; raises `TypeError` or `ValueError` on anything else."""
        fields = dict(fields)
        if fields["commit"] is not None:
            fields["commit"] = _read_commit(fields["commit"])
        fields["files"] = Files(fields["files"])
        # The Hub still has tickets from before there were these.
        fields["keep"] = Keep(fields.get("keep", Keep.BOTH))
        fields["share"] = tuple(map(str, fields.get("share", ())))
        fields["content"] = tuple(map(Project.from_dict, fields.get("content", ())))
        fields["secrets"] = tuple(map(str, fields.get("secrets", ())))
        fields["notices"] = tuple(map(str, fields.get("notices", ())))
        fields["size_groups"] = tuple(map(str, fields.get("size_groups", ())))
        fields["volumes"] = tuple(
            VolumeRequest(v["name"], v["mount"], Access(v["access"]) if v["access"] else None)
            for v in fields["volumes"]
        )
        return cls(**fields)


_CLOCKS = 60
"""Seconds by which the clocks of service and Hub may differ."""

_NOTED = 900
"""Seconds after which what somebody had nearly used up says nothing any more."""

TICKET = "ticket"
"""The only key of `user_options` the Hub reads."""


def sign_ticket(launch: Launch, secret: str) -> str:
    """Sign a launch with the secret only service and Hub share."""
    return _serializer(secret).dumps(launch.to_dict())


def read_ticket(ticket: object, secret: str, *, user: str, server: str) -> Launch:
    """Verify a ticket for exactly this person and server.

    A ticket does not expire: it is what the Hub stores to start the same server again. What
    may change between two starts (membership, images, policy) is not in it.

    Raises:
        BadTicket: not a ticket, altered, of another secret, person or server.
    """
    if not isinstance(ticket, str):
        raise BadTicket("This server can only be started from its launch link.")
    try:
        launch = Launch.from_dict(_serializer(secret).loads(ticket))
    except (BadData, KeyError, TypeError, ValueError) as error:
        raise BadTicket(
            "The launch is not signed by this service. Launch again from its link."
        ) from error
    if (launch.user, launch.server) != (user, server):
        raise BadTicket("This launch was signed for another person or another server.")
    return launch


@dataclass(frozen=True)
class Tickets:
    """Signs launches, and says what a server was started with.

    Attributes:
        secret: only service and Hub share it.
    """

    secret: str = field(repr=False)

    def sign(self, launch: Launch) -> str:
        return sign_ticket(launch, self.secret)

    def of(self, user: str, server: str, ticket: object) -> Launch | None:
        """What a person's server was last started with; `None` if that was not by us."""
        return _launch_of(ticket, self.secret, user, server) if isinstance(ticket, str) else None


@lru_cache(maxsize=1000)
def _launch_of(ticket: str, secret: str, user: str, server: str) -> Launch | None:
    """What a ticket says, which is the same at every look at a list of servers."""
    try:
        return read_ticket(ticket, secret, user=user, server=server)
    except BadTicket:
        return None


def check_reader(launch: Launch, *, now: float, seconds: float) -> None:
    """Refuse a private repository unless its reader was seen to be able to read it just now.

    The Hub keeps tickets and cannot ask a repository's host; the service has asked when it
    signed this one.

    Args:
        now: Unix time.
        seconds: how long a check holds.

    Raises:
        BadTicket: it is another person's, or was checked too long ago.
    """
    readers = {project.commit.repo.reader for project in launch.projects} - {""}
    late = not -_CLOCKS <= now - launch.checked <= seconds
    if readers and (late or readers != {launch.user}):
        raise BadTicket(
            "A repository of this server is private, and whether you may still read it is asked at "
            "every start: start it on the launch page. Your files are as you left them."
        )


def check_size(launch: Launch, groups: Iterable[str]) -> None:
    """Refuse a size that is for members of groups alone to whoever is in none of them now.

    Args:
        groups: those of the launch's person, as the Hub has them.

    Raises:
        NotAllowed.
    """
    if launch.size_groups and not {*launch.size_groups} & {*groups}:
        raise NotAllowed(
            "The size “{size}” of this server is for members of a group in which you are not any "
            "more. Launch again with another size: your files are as you left them.",
            size=launch.size,
        )


def _read_commit(fields: dict[str, Any]) -> Commit:
    return Commit(**{**fields, "repo": Repo(**fields["repo"])})


def _serializer(secret: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret, salt="binderhub_ext.ticket.1")
