"""What a built image really is: asked of the image itself, without network and without rights."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .people import server_uid
from .tool import ImageTool

OBEDIENT = "repo2docker-entrypoint"
"""The ENTRYPOINT of every image of repo2docker's, which runs what it is given."""

_JUPYTERS = "8888"
_VERSION = re.compile(r"\d+(?:\.\w+)+", re.MULTILINE)


@dataclass(frozen=True)
class Examination:
    """What was found.

    Attributes:
        user: the user it runs as, as configured; empty for root.
        singleuser: version of `jupyterhub-singleuser`, or empty.
        python: whether `python3` runs.
        foreign: the architecture it is for, if this machine has another.
        obedient: whether its ENTRYPOINT, if any, runs the command it is given.
        program: what it runs by itself, ENTRYPOINT and CMD.
        directory: where it runs that.
        port: the TCP port that listens on, if it names exactly one besides Jupyter's; otherwise 0.
    """

    user: str
    singleuser: str
    python: bool
    foreign: str
    obedient: bool
    program: tuple[str, ...] = ()
    directory: str = "/"
    port: int = 0


async def examine(tool: ImageTool, image: str) -> Examination:
    """Look at an image, as the uid servers run under.

    Raises:
        EngineDown: the engine does not answer.
    """
    facts = await tool.inspect(image) or {}
    uid = str(server_uid())
    config = facts.get("Config") or {}
    server = await tool.try_inside(image, "jupyterhub-singleuser", "--version", user=uid)
    python = server is not None or await tool.try_inside(image, "python3", "--version") is not None
    obedient = True
    entrypoint = " ".join(config.get("Entrypoint") or ())
    # repo2docker's own runs what it is given; a repository's `start` in it may need more than
    # there is here.
    if server is not None and entrypoint and OBEDIENT not in entrypoint:
        said = await tool.try_command(image, "jupyterhub-singleuser", "--version", user=uid)
        obedient = _version(said) == _version(server)
    return Examination(
        user=str(config.get("User", "")),
        singleuser=_version(server),
        python=python,
        foreign=await tool.foreign(facts),
        obedient=obedient,
        program=(*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())),
        directory=str(config.get("WorkingDir") or "/"),
        port=_port(config.get("ExposedPorts") or {}),
    )


def _port(exposed: Iterable[str]) -> int:
    ports = [name.removesuffix("/tcp") for name in exposed if name.endswith("/tcp")]
    ports = [port for port in ports if port != _JUPYTERS and port.isdecimal()]
    return int(ports[0]) if len(ports) == 1 else 0


def _version(said: str | None) -> str:
    """The version in what a program said, which may be more."""
    versions = _VERSION.findall(said or "")
    return str(versions[-1]) if versions else ""
