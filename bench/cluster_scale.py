"""Everybody opens one link at once, on a cluster: our Hub and service, then plain KubeSpawner.

The control plane is real: etcd, the API server and the scheduler of `scripts/cluster`, started here
apart from any cluster that runs. Nodes and pods are simulated by kwok: a pod is there after the
0.2 s, 0.8 s (its first container, where it has one) and 1 s that `simulated/stages.yaml` gives it,
and one small server on the loopback interface answers at every pod's address, and as a registry
that has every image. So neither building nor what people's servers compute is in the figures; all
that Hub and service do for them is, with the real proxy, a real Git server to resolve the link at,
and a stream of events for everybody.

    ours   everybody posts the same link to the service and watches it to `ready`
    plain  JupyterHub with KubeSpawner as it is: everybody asks the Hub for a server and watches;
           whom it turns away (its `concurrent_spawn_limit` is 100) comes back when it says

People are known to the Hub and have a token each before the clock runs; one has launched before.
Processors' time is what each process used from the first click to the last server; memory how much
it grew. Requests to the API server are those of Hub and service, watches apart.

Usage: python bench/cluster_scale.py [--people N] [--rounds N] [--only ours|plain]
It needs `scripts/cluster simulator`, once, which builds kwok and what the control plane is.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import signal
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import aiohttp

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from gitserver import GitServer  # noqa: E402
from ports import free_ports  # noqa: E402
from simulated.control import STATE, Control, missing  # noqa: E402
from simulated.people import Outcome, People  # noqa: E402
from simulated.processes import Used, child, end_of, load, program, wait_until  # noqa: E402

from binderhub_ext.core.updates import State, Update, What  # noqa: E402
from binderhub_ext.up.proxy import ensure_proxy  # noqa: E402

CLAIM = "binder-data"

_HUB = """
c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:{public}"
c.JupyterHub.hub_port = {hub}
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.services = [{{"name": "bench", "api_token": {token!r}}}]
c.JupyterHub.load_roles = [
    {{"name": "bench", "services": ["bench"], "scopes": ["admin:users", "tokens"]}}
]
c.JupyterHub.cleanup_servers = False
c.Authenticator.allow_all = True
c.ConfigurableHTTPProxy.command = {proxy!r}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api}"
c.KubeSpawner.port = {answers}
c.KubeSpawner.start_timeout = 600
c.KubeSpawner.mem_limit = "512M"
c.KubeSpawner.cpu_guarantee = 0.05
"""
_OURS = """
from binderhub_ext.hub import configure

c.Cluster.namespace = "ours"
c.Cluster.data_claim = {claim!r}
c.Cluster.image = "binder-at-home/binder:bench"
c.Cluster.repository = "127.0.0.1:{answers}/binder"
c.Cluster.insecure_registry = True
c.AddressPolicy.allowed_networks = ["127.0.0.0/8"]
c.Landing.proxy_url = "http://127.0.0.1:{public}"
configure(c, data_dir="data", engine="kubernetes", service_port={service}, config_file={file!r})
"""
_PLAIN = """
c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
c.JupyterHub.db_url = "sqlite:///hub.sqlite"
c.JupyterHub.allow_named_servers = True
c.JupyterHub.tornado_settings = {{"slow_spawn_timeout": 0}}
c.KubeSpawner.namespace = "plain"
c.KubeSpawner.image = "127.0.0.1:{answers}/binder:plain"
c.KubeSpawner.cmd = ["jupyterhub-singleuser"]
claim = {{"claimName": {claim!r}}}
c.KubeSpawner.volumes = {{"home": {{"name": "home", "persistentVolumeClaim": claim}}}}
c.KubeSpawner.volume_mounts = {{
    "home": {{"name": "home", "mountPath": "/home/jovyan", "subPath": "home"}}
}}
"""


@dataclass
class Hub:
    """A running Hub.

    Attributes:
        name: `ours` or `plain`.
        public: address of its proxy.
        admin: a token that makes people known.
        pids: of its processes, by what they are.
    """

    name: str
    public: str
    admin: str
    pids: dict[str, int]

    def used(self) -> dict[str, Used]:
        return {what: Used.by(pid) for what, pid in self.pids.items()}


@dataclass
class Measured:
    """What a crowd of people cost.

    Attributes:
        outcomes: of everybody.
        before, after: what each process had used.
        asked: of the API server.
        seconds: from the first click to the last outcome.
        load: of the machine, at the end.
    """

    outcomes: list[Outcome]
    before: dict[str, Used]
    after: dict[str, Used]
    asked: Counter[str]
    seconds: float
    load: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", choices=("ours", "plain"), default="")
    parser.add_argument("--config", default="", help="file of lines added to our configuration")
    parser.add_argument("--keep", default="", help="folder in which logs are left")
    given = parser.parse_args()
    if lack := missing():
        sys.exit(lack)
    # so that what was started is ended then, too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    names = [given.only] if given.only else ["ours", "plain"]
    for number in range(given.rounds):
        for name in names:
            print(f"round {number + 1}, {name}, {given.people} people", flush=True)
            extra = Path(given.config).read_text() if given.config and name == "ours" else ""
            tell(asyncio.run(measure(name, given.people, extra, given.keep)))


async def measure(name: str, people: int, extra: str, keep: str) -> Measured:
    """One crowd at one Hub, with a cluster of its own."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix=f"bench-{name}-")))
        folder.chmod(0o711)
        stack.callback(leave, folder, keep)
        git = stack.enter_context(GitServer(folder / "git", "127.0.0.1"))
        repo = git.create_repo("bench/class", {"requirements.txt": "numpy\n", "index.ipynb": "{}"})
        commit = repo.git("rev-parse", "HEAD")
        answer = json.dumps(Update(State.CREATED, commit, counts={What.ADDED: 2}).to_fields())
        (control_folder := folder / "control").mkdir()
        control = stack.enter_context(Control(control_folder).running(answer))
        control.make_nodes(people)
        control.make_namespace(name, CLAIM)
        hub = stack.enter_context(running(name, folder, control, extra))
        return await crowd(hub, control, people, repo.url)


def leave(folder: Path, keep: str) -> None:
    """Leave the logs where somebody wants them."""
    if keep:
        Path(keep).mkdir(parents=True, exist_ok=True)
        for log in [*folder.glob("*.log"), *folder.glob("control/*.log")]:
            (Path(keep) / f"{folder.name}-{log.name}").write_bytes(log.read_bytes())


@contextmanager
def running(name: str, folder: Path, control: Control, extra: str) -> Iterator[Hub]:
    """A Hub with its proxy and, where it is ours, the service."""
    first, token = free_ports(4), secrets.token_hex()
    fields = {"public": first, "hub": first + 1, "api": first + 2, "service": first + 3}
    config, log = folder / "jupyterhub_config.py", folder / "hub.log"
    text = (_HUB + (_OURS if name == "ours" else _PLAIN)).format(
        **fields,
        token=token,
        proxy=ensure_proxy(STATE.parent / "proxy"),
        answers=control.answers,
        claim=CLAIM,
        file=str(config),
    )
    config.write_text(f"{text}\n{extra}\n")
    (folder / "data").mkdir()
    env = {"KUBECONFIG": str(control.kubeconfig), "PYTHONPATH": str(ROOT), "HOME": str(folder)}
    argv = [sys.executable, "-m", "jupyterhub", "-f", str(config)]
    with program(argv, log, env) as process:
        wait_until("JupyterHub is now running", log, process, 90)
        pids = {"hub": process.pid, "proxy": child(process.pid, "configurable-http-proxy")}
        if name == "ours":
            pids["service"] = child(process.pid, "binderhub_ext service")
        yield Hub(name, f"http://127.0.0.1:{first}/", token, pids)
        if process.poll() is not None:
            print(end_of(log), file=sys.stderr)


async def crowd(hub: Hub, control: Control, people: int, link: str) -> Measured:
    """Somebody comes before; then everybody comes at once."""
    timeout = aiohttp.ClientTimeout(total=None, sock_read=900)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        before = People(hub.public, hub.admin, session)
        await before.come(["early"])
        (first,) = await before.all_click(click(before, hub, link))
        if first.seconds is None or not first.answers:
            raise RuntimeError(f"the first of all got no server: {first}")
        crowd = People(hub.public, hub.admin, session)
        await crowd.come([f"student{number}" for number in range(people)])
        used, mark, began = hub.used(), control.mark(), time.monotonic()
        outcomes = await crowd.all_click(click(crowd, hub, link))
        seconds = time.monotonic() - began
    return Measured(outcomes, used, hub.used(), control.asked(mark), seconds, load())


def click(people: People, hub: Hub, link: str) -> Callable[[str], Awaitable[Outcome]]:
    """What a person does at this Hub."""
    if hub.name == "ours":
        return partial(people.launch, link=link)
    return partial(people.start, server="class")


def tell(measured: Measured) -> None:
    outcomes = measured.outcomes
    people = len(outcomes)
    times = sorted(one.seconds for one in outcomes if one.seconds is not None)
    refused = sum(bool(one.refused) for one in outcomes)
    told = median(one.told for one in outcomes)
    print(f"  {len(times)} of {people} have a server, {sum(o.answers for o in outcomes)} answer;")
    print(f"  {refused} were turned away at least once; {told:.0f} events each (median)")
    for words, count in Counter(
        one.error or one.refused[-1]
        for one in outcomes
        if one.error or (one.refused and one.seconds is None)
    ).most_common(5):
        print(f"  {count} times: {words[:300]}")
    if times:
        said = f"first {times[0]:.1f} s, median {median(times):.1f} s, last {times[-1]:.1f} s"
        print(f"  {said}, all over after {measured.seconds:.1f} s")
    for what, after in measured.after.items():
        before = measured.before[what]
        cost = 1000 * (after.seconds - before.seconds) / people
        grown = (after.memory - before.memory) / people / 1024
        print(
            f"  {what:8} {cost:.1f} ms of a processor each; {grown:.0f} KiB each,"
            f" {after.memory >> 20} MiB, at most {after.peak >> 20} MiB"
        )
    watches = measured.asked.pop("watch pods", 0) + measured.asked.pop("watch events", 0)
    total = measured.asked.total() / people
    print(f"  {total:.2f} requests to the API server each, and {watches} watches in all:")
    print(f"  {dict(measured.asked)}; load {measured.load:.1f}; {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
