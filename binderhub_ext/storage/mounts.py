"""What a server sees of whose files, worked out by the Hub at every start."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from ..core.launch import Access, Files, Launch
from ..core.layout import DataDirectory
from ..core.volumes import SHOWN
from ..folders import offered

PRIVATE = (".local", ".jupyter", ".ipython", ".cache", ".config")
"""Where programs keep what fits one environment only: each project has its own."""

STATE_HOME = "home"
"""The part of a project's state that is its home when it sees nothing else of the person's."""


@dataclass(frozen=True)
class Mount:
    """One directory a server sees.

    Attributes:
        root: directory that we own and nobody else can rename things in.
        path: the source, relative to `root`; may pass through directories a person controls,
            so it is opened beneath `root` without following links, never by joined name.
        target: where it appears, relative to the home; `.` is the home itself.
        access: `ro` is enforced by the kernel.
        on_empty: whether it hides nothing: its place has to be empty without it.
    """

    root: Path
    path: PurePosixPath
    target: PurePosixPath
    access: Access
    on_empty: bool = False


def mounts_for(launch: Launch, layout: DataDirectory) -> tuple[Mount, ...]:
    """What a launch sees of its person's files, outermost first.

    `files=home` is the person's whole home, with the project's own state over the places where
    one environment's programs would disturb another's. `files=project` is a home that belongs
    to this project alone, with the project's folder at the place where it is in the whole home.
    `files=none` is nothing: the engine gives an empty home that goes with the server.
    A folder of the machine is at the project's place in both.

    The sources are made by :func:`~.homes.ensure_home`, :func:`~.homes.ensure_state` and,
    for the project's folder, by :mod:`~.sync`.

    Raises:
        RepoNotFound, NotAllowed: a folder of the machine that this person cannot open.
    """
    match launch.files:
        case Files.HOME:
            live = _project(launch, layout) if launch.live else ()
            return (_whole_home(launch, layout), *_private(launch, layout), *live)
        case Files.PROJECT:
            return (
                _state_home(launch, layout),
                *_private(launch, layout),
                *_project(launch, layout),
            )
        case Files.NONE:
            return ()


def content_of(launch: Launch, home: Path) -> tuple[Mount, ...]:
    """The projects that come besides the environment's, in its working directory.

    Args:
        home: where all projects of the launch are made.
    """
    at, project = PurePosixPath(home.name), PurePosixPath(launch.project)
    return tuple(
        Mount(home.parent, at / each.folder, project / each.place, Access.RW, on_empty=True)
        for each in launch.content
    )


def shown_in(
    project: PurePosixPath, frame: Mount, volumes: Iterable[tuple[str, Mount]]
) -> tuple[Mount, ...]:
    """Volumes once more, where a file browser shows them; those in the project are there already.

    Args:
        project: its folder, relative to the home.
        frame: a folder of the server's own, with what the folder in the project holds besides.
        volumes: with their names, as they are mounted.
    """
    folder = project / SHOWN
    inside = {
        name if mount.access is Access.RW else f"{name} (read only)": mount
        for name, mount in volumes
        if not mount.target.is_relative_to(project)
    }
    shown = [replace(mount, target=folder / name) for name, mount in inside.items()]
    return (replace(frame, target=folder), *shown) if shown else ()


def _whole_home(launch: Launch, layout: DataDirectory) -> Mount:
    return _mount(layout.homes, layout.home(launch.user), ".")


def _state_home(launch: Launch, layout: DataDirectory) -> Mount:
    return _mount(layout.states, layout.state(launch.user, launch.project) / STATE_HOME, ".")


def _private(launch: Launch, layout: DataDirectory) -> tuple[Mount, ...]:
    """The same directories in both modes, so that changing the mode loses no setting.

    They are mounts also where they could be folders of the state's home: a mount cannot be
    replaced by a link.
    """
    state = layout.state(launch.user, launch.project)
    return tuple(_mount(layout.states, state / name, name) for name in PRIVATE)


def _project(launch: Launch, layout: DataDirectory) -> tuple[Mount, ...]:
    if not launch.project:
        return ()
    if launch.commit and launch.commit.repo.live:
        place = offered(layout, launch.commit.repo, launch.user).place
        return (Mount(*place, PurePosixPath(launch.project), Access.RW),)
    return (_mount(layout.homes, layout.home(launch.user) / launch.project, launch.project),)


def _mount(root: Path, source: Path, target: str) -> Mount:
    return Mount(root, PurePosixPath(source.relative_to(root)), PurePosixPath(target), Access.RW)
