"""From POST to a ready server: ours against JupyterHub's own local spawner, paired in one run.

Three real Hubs side by side, without proxy, each asked in turn for the same server:
    ours   ticket, sandbox and the `local` engine's environment
    plain  JupyterHub's SimpleLocalProcessSpawner with the same packages installed by pip's rules
           (all they depend on, bytecode of everything)
    bare   the environment and readiness check of `ours` without ticket and sandbox, and without
           Node.js for JupyterLab to ask; what `ours` takes more than this is the price of both

The clock runs from the POST to the Hub's word that the server is ready, which it gives by
itself on the progress stream. Beside wall time stands the time of processors that the Hub and
all it started took until then, where control groups can count it; on a machine that is busy with
other things too that says more.

Usage: python bench/launch.py [--rounds N]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from math import nan
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import aiohttp

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import noproxy

from binderhub_ext.core.launch import Launch, sign_ticket
from binderhub_ext.core.progress import unheard
from binderhub_ext.core.repo import Commit, Repo
from binderhub_ext.engines.local.build import LocalBuilder
from binderhub_ext.engines.local.uv import executable as uv
from binderhub_ext.repos.base import Source

USER, SERVER = "ana", "one"

_CONFIG = """
import asyncio
import aiohttp
from jupyterhub.spawner import SimpleLocalProcessSpawner

class Bare(SimpleLocalProcessSpawner):
    async def start(self):
        ip, port = await super().start()
        async with aiohttp.ClientSession() as session:
            while True:
                try:
                    async with session.get(f"http://{{ip}}:{{port}}{{self.server.base_url}}api"):
                        return ip, port
                except aiohttp.ClientError:
                    await asyncio.sleep(0.025)

c = get_config()
c.JupyterHub.db_url = "sqlite:///{folder}/hub.sqlite"
c.JupyterHub.cookie_secret_file = "{folder}/cookie_secret"
c.JupyterHub.allow_named_servers = True
c.JupyterHub.hub_port = {port}
c.JupyterHub.port = 0
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.tornado_settings = {{"slow_spawn_timeout": 0}}
c.JupyterHub.services = [{{"name": "bench", "api_token": {token!r}}}]
c.JupyterHub.load_roles = [
    {{"name": "bench", "services": ["bench"], "scopes": ["admin:users", "admin:servers"]}}
]
c.Authenticator.allow_all = True
c.SimpleLocalProcessSpawner.home_dir_template = "{folder}/home"
{extra}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        asyncio.run(measure(Path(folder), rounds))


async def measure(root: Path, rounds: int) -> None:
    data = root / "data"
    data.mkdir(mode=0o711)
    image = await build(data)
    environment = data / "environments" / image
    plain = install_plain(root / "plain", environment)
    secret = secrets.token_hex()
    ticket = {"ticket": sign_ticket(Launch(USER, SERVER, None, "", image), secret)}
    ours = f"c.JupyterHub.spawner_class = 'binder-local'\nc.BinderSpawnerMixin.data_dir = '{data}'"
    hubs = {
        "ours": (f"{ours}\nc.BinderSpawnerMixin.ticket_secret = '{secret}'", ticket),
        "plain": (_command("SimpleLocalProcessSpawner", plain), {}),
        "bare": (_command("Bare", environment), {}),
    }
    with ExitStack() as stack:
        places = {
            name: stack.enter_context(hub(root / name, extra)) for name, (extra, _) in hubs.items()
        }
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in hubs}
        for number in range(rounds + 1):
            for name, (_, options) in hubs.items():
                took = await once(places[name], options)
                if number:  # the first finds cold caches and makes homes
                    times[name].append(took)
    report(times)


def _command(spawner: str, environment: Path) -> str:
    bare = spawner == "Bare"
    chosen = spawner if bare else f"'jupyterhub.spawner.{spawner}'"
    path = f"{environment}/bin" if bare else f"{environment}/bin:/usr/bin:/bin"
    return (
        f"c.JupyterHub.spawner_class = {chosen}\n"
        f"c.Spawner.cmd = ['{environment}/bin/jupyterhub-singleuser', '--allow-root']\n"
        f"c.Spawner.environment = {{'PATH': '{path}'}}"
    )


async def build(data: Path) -> str:
    """The environment of an empty repository."""
    folder = data.parent / "repo"
    folder.mkdir()

    def git(*words: str) -> str:
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        return subprocess.check_output(["git", *identity, *words], cwd=folder, text=True).strip()

    git("init", "-q", "-b", "main")
    git("commit", "-q", "--allow-empty", "-m", "one")
    bundle = folder.with_suffix(".bundle")
    git("bundle", "create", "-q", str(bundle), "HEAD", "main")
    commit = Commit(Repo("git", "x", "https://example.org/x"), "main", git("rev-parse", "HEAD"))
    source = Source(commit, bundle, git("rev-parse", "HEAD^{tree}"))
    builder = LocalBuilder(data_dir=str(data))
    return (await builder.build(await builder.plan(source), source, unheard)).name


def install_plain(folder: Path, environment: Path) -> Path:
    """The same packages as anybody installs them: with all they ask for, and all compiled."""
    python = environment / "bin" / "python"
    wanted = subprocess.check_output([uv(), "pip", "freeze", "--python", python], text=True)
    subprocess.run([uv(), "venv", "-q", "--python", python.resolve(), folder], check=True)
    install = [uv(), "pip", "install", "-q", "--compile-bytecode", "--python", folder, "-r", "-"]
    subprocess.run(install, input=wanted, text=True, check=True)
    return folder


class Processors:
    """Seconds of processors that a process and its descendants take, from now on."""

    def __init__(self, pid: int) -> None:
        self.group = Path(f"/sys/fs/cgroup/cpuacct/bench-{pid}")
        with suppress(OSError):
            self.group.mkdir()
            (self.group / "cgroup.procs").write_text(str(pid))

    def seconds(self) -> float:
        with suppress(OSError):
            return int((self.group / "cpuacct.usage").read_text()) / 1e9
        return nan

    def close(self) -> None:
        with suppress(OSError):
            self.group.rmdir()


@dataclass(frozen=True)
class Hub:
    """A running Hub: where it is, how to be let in and what it takes."""

    host: str
    port: int
    token: str
    processors: Processors


@contextmanager
def hub(
    folder: Path, extra: str, *, host: str = "127.0.0.1", python: str = sys.executable
) -> Iterator[Hub]:
    """A running Hub.

    Args:
        folder: an empty place for it.
        extra: lines added to its configuration.
        host: address it listens at.
        python: the interpreter that runs it.
    """
    (folder / "home").mkdir(parents=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    token = secrets.token_hex()
    config, log = folder / "config.py", folder / "hub.log"
    extra = f"c.JupyterHub.hub_ip = {host!r}\n{noproxy.CONFIG}\n{extra}"
    config.write_text(_CONFIG.format(folder=folder, port=port, token=token, extra=extra))
    with log.open("wb") as output:
        process = subprocess.Popen(
            [python, "-m", "jupyterhub", "-f", str(config)],
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    processors = None
    try:
        while "now running" not in log.read_text():
            if process.poll() is not None:
                raise RuntimeError(log.read_text())
            time.sleep(0.1)
        processors = Processors(process.pid)
        yield Hub(host, port, token, processors)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        if processors:
            processors.close()


async def once(hub: Hub, options: dict[str, str], user: str = USER) -> tuple[float, float]:
    """Start and stop the server; seconds from POST to ready, by the clock and of processors."""
    headers = {"Authorization": f"token {hub.token}"}
    api = f"http://{hub.host}:{hub.port}/hub/api/users/{user}"
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.post(api):
            pass
        server = f"{api}/servers/{SERVER}"
        start, busy = time.perf_counter(), hub.processors.seconds()
        async with session.post(server, json={"user_options": options}) as response:
            assert response.status in (201, 202), await response.text()
        async with session.get(f"{server}/progress") as response:
            async for line in response.content:
                if line.startswith(b"data:") and json.loads(line[5:]).get("failed"):
                    raise RuntimeError(line.decode())
                if line.startswith(b"data:") and json.loads(line[5:]).get("ready"):
                    break
        took = time.perf_counter() - start, hub.processors.seconds() - busy
        async with session.delete(server):
            pass
        while True:
            async with session.get(api) as response:
                if not (await response.json())["servers"]:
                    return took
            await asyncio.sleep(0.1)


def report(times: dict[str, list[tuple[float, float]]]) -> None:
    print("| | median | least | most | processors, median |\n| --- | --- | --- | --- | --- |")
    wall = {name: [took for took, _ in both] for name, both in times.items()}
    busy = {name: [took for _, took in both] for name, both in times.items()}
    for name in times:
        figures = [*(kind(wall[name]) for kind in (median, min, max)), median(busy[name])]
        print(f"| {name} | " + " | ".join(f"{figure:.2f} s" for figure in figures) + " |")
    for what, took in (("wall time", wall), ("processors", busy)):
        ratios = [a / b for a, b in zip(took["ours"], took["plain"], strict=True)]
        prices = [a - b for a, b in zip(took["ours"], took["bare"], strict=True)]
        print(
            f"\n{what}: ours / plain {median(ratios):.2f}; ticket and sandbox "
            f"{1000 * median(prices):.0f} ms (medians of pairs), "
            f"{1000 * (min(took['ours']) - min(took['bare'])):.0f} ms (of the least)"
        )


if __name__ == "__main__":
    main()
