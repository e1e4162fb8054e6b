"""Mend what keeps servers of an image from starting, where that can be done."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from uv import find_uv_bin

from ...core.errors import BuildFailed, Unsupported
from ...core.progress import Event, Phase, Tell
from ...core.sentences import Sentence
from ...programs import ProcessFailed
from ...storage.scratch import scratch_folder
from .examine import Examination, examine
from .tool import ImageTool

_PACKAGES = "'jupyterhub>=5' 'jupyterlab>=4' 'jupyter-server-proxy>=4'"
_SETTINGS = "jupyter_server_config.json"
_UV = "uv"
_INSIDE = Path(__file__).parent / "inside"
_MAKER = "portable_python.py"
_WITH_SERVER = f"""\
FROM {{image}}
USER root
RUN --mount=type=bind,source={_UV},target=/run/{_UV} \\
    /run/{_UV} pip install --no-cache --break-system-packages \\
    --python "$(command -v python3)" {_PACKAGES} \\
 || python3 -m pip install --no-cache-dir {_PACKAGES} \\
 || python3 -m pip install --no-cache-dir --break-system-packages {_PACKAGES}
COPY {_SETTINGS} /etc/jupyter/
USER {{user}}
"""
"""What is added to an image with Python that has no server of its own.

By uv, which needs nothing of the image but its Python, not even pip; where uv itself does not run
(on musl), by the image's pip.
"""

_WITH_PYTHON = f"""\
FROM {{base}} AS server
USER root
RUN apt-get -qq update && apt-get -qq install --yes --no-install-recommends patchelf python3
RUN --mount=type=bind,source={_UV},target=/run/{_UV} \\
    --mount=type=bind,source={_MAKER},target=/run/{_MAKER} \\
    python3 /run/{_MAKER} /opt/binder /run/{_UV} {_PACKAGES}
FROM {{image}}
COPY --from=server /opt/binder /opt/binder
ENV PATH=/opt/binder/server/bin:${{{{PATH:-/usr/local/bin:/usr/bin:/bin}}}}
COPY {_SETTINGS} /etc/jupyter/
"""
"""What is added to an image whose Python is missing or will not do."""

_APP = "app"
"""Where below a server's URL the image's own program is."""

_OPENED = "The image's own program ({program}) is opened, and Jupyter at lab/"
_DISOBEDIENT = (
    "The image's ENTRYPOINT does not run the command it is given (it should end with exec"
    ' "$@"), so servers start without it'
)

_USER = re.compile(r"[\w.-]+(?::[\w.-]+)?")

_RUN = "import os, sys; os.chdir(sys.argv[1]); os.execvp(sys.argv[2], sys.argv[2:])"
"""Runs a program in a directory, in an image that may have no shell."""

_WITHOUT_ENTRYPOINT = """\
FROM {image}
ENTRYPOINT []
"""
"""What is made of an image whose ENTRYPOINT keeps the command it is given for itself."""


def refuse_foreign(architecture: str) -> None:
    """Refuse an image for another kind of processor, which nothing here can run.

    Raises:
        Unsupported
    """
    if architecture:
        raise Unsupported(
            "The image is for {architecture}, which this machine is not. Take one for this"
            " machine's architecture; in a Dockerfile, the image after FROM decides it.",
            architecture=architecture,
        )


async def make_startable(tool: ImageTool, name: str, scratch: Path, base: str, tell: Tell) -> None:
    """Examine an image and replace it, under its name, by one whose servers start.

    Args:
        scratch: folder for contexts.
        base: image with apt, where what other images lack is made.

    Raises:
        BuildFailed: no server can be given to it.
        Unsupported: it is for another architecture.
    """
    examination = await examine(tool, name)
    refuse_foreign(examination.foreign)
    if not examination.singleuser:
        examination = await _add_server(tool, name, examination, scratch, base, tell)
    if not examination.obedient:
        tell(Event(Phase.BUILDING, Sentence(_DISOBEDIENT), {"progress": 98}))
        with suppress(ProcessFailed):
            await build_on_top(tool, name, _WITHOUT_ENTRYPOINT.format(image=name), scratch)


async def _add_server(
    tool: ImageTool, name: str, examination: Examination, scratch: Path, base: str, tell: Tell
) -> Examination:
    """Give an image `jupyterhub-singleuser`; returns how it is then."""
    if _has_app(examination):
        message = Sentence(_OPENED, program=examination.program[0])
        tell(Event(Phase.BUILDING, message, {"progress": 96}))
    files: dict[str, str | Path] = {
        _SETTINGS: json.dumps(_settings(examination)),
        _UV: Path(find_uv_bin()),
        _MAKER: _INSIDE / _MAKER,
    }
    why = ""
    for message, dockerfile in _ways(name, examination, base):
        tell(Event(Phase.BUILDING, message, {"progress": 97}))
        try:
            await build_on_top(tool, name, dockerfile, scratch, files=files)
        except ProcessFailed as error:
            why = error.tail
            continue
        mended = await examine(tool, name)
        if mended.singleuser:
            return mended
    raise BuildFailed(
        "The image is there, but nothing in it can be started here: it has no"
        " jupyterhub-singleuser that an ordinary user may run, and none could be added. Install"
        " jupyterhub (with pip or conda) in its Dockerfile; the package jupyter-server-proxy then"
        " shows a web application.",
        detail=why,
    )


def _ways(name: str, examination: Examination, base: str) -> Iterator[tuple[Sentence, str]]:
    """What can be built on an image that has no server: words and a Dockerfile, best first."""
    if examination.python:
        message = Sentence("Adding Jupyter, which the image has not")
        yield message, _WITH_SERVER.format(image=name, user=_user(examination))
    message = Sentence("Adding Jupyter with a Python of its own, which the image has not")
    yield message, _WITH_PYTHON.format(image=name, base=base)


def _user(examination: Examination) -> str:
    """The image's own user for a Dockerfile; whoever made the image may have written anything."""
    return examination.user if _USER.fullmatch(examination.user) else "0"


def _has_app(examination: Examination) -> bool:
    """Whether an image without a server is a web application by itself."""
    return bool(examination.program and examination.port)


def _settings(examination: Examination) -> dict[str, object]:
    """Jupyter's settings for an image: its own program behind Jupyter's sign-in, if it is one."""
    if not _has_app(examination):
        return {}
    # The proxy fills in what is in braces; none of these are its own.
    program = [word.replace("{", "{{").replace("}", "}}") for word in examination.program]
    app = {
        "command": ["python3", "-c", _RUN, examination.directory, *program],
        "port": examination.port,
        "timeout": 60,
    }
    return {
        "ServerProxy": {"servers": {_APP: app}},
        "ServerApp": {"default_url": f"/{_APP}/"},
    }


async def build_on_top(
    tool: ImageTool,
    name: str,
    dockerfile: str,
    scratch: Path,
    labels: Mapping[str, str] | None = None,
    files: Mapping[str, str | Path] | None = None,
) -> None:
    """Replace an image by one that is built from it.

    Args:
        scratch: folder for contexts.
        labels: labels it gets.
        files: what the Dockerfile may copy, by name: texts, and files of this machine.

    Raises:
        ProcessFailed
    """
    with scratch_folder(scratch) as folder:
        (context := folder / "context").mkdir()
        for file, content in {**(files or {}), "Dockerfile": dockerfile}.items():
            if isinstance(content, Path):
                await asyncio.to_thread(shutil.copy, content, context / file)
            else:
                (context / file).write_text(content)
        await tool.build(name, context, labels or {})
