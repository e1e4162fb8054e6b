"""From POST to a ready server on a cluster: ours against plain KubeSpawner, paired in one run.

Two real Hubs beside a real cluster (`scripts/cluster up`), without proxy, asked in turn for a
server of the same image, with a home on the same kind of claim:
    project  a repository's launch: ticket, its project brought up to date by the pod's first
             container, person's home, the `kubernetes` engine
    home     the same without a repository
    plain    KubeSpawner as it is

The clock runs from the POST to the Hub's word that the server is ready. Requests to the API server
are counted on the way there, watches apart, which go on between launches.

Usage: python bench/cluster.py [--rounds N]
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import ssl
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import aiohttp
from aiohttp import web
from ruamel.yaml import YAML

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import kubehub
from dockersources import build, make_source
from kubesettings import builder_config
from ports import free_ports
from sandboxhub import Client

from binderhub_ext.core.launch import Files, Launch
from binderhub_ext.engines.kubernetes.build import KubernetesBuilder

_PLAIN = """
c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
c.KubeSpawner.namespace = {namespace!r}
c.KubeSpawner.image = {image!r}
c.KubeSpawner.cmd = ["jupyterhub-singleuser"]
c.KubeSpawner.mem_limit = "512M"
c.KubeSpawner.cpu_guarantee = 0.05
c.KubeSpawner.uid = c.KubeSpawner.fs_gid = 1000
c.KubeSpawner.start_timeout = 300
c.KubeSpawner.delete_grace_period = 1
c.KubeSpawner.notebook_dir = "/home/jovyan"
c.KubeSpawner.environment = {{"HOME": "/home/jovyan"}}
claim = {{"claimName": {claim!r}}}
c.KubeSpawner.volumes = {{"home": {{"name": "home", "persistentVolumeClaim": claim}}}}
c.KubeSpawner.volume_mounts = {{
    "home": {{"name": "home", "mountPath": "/home/jovyan", "subPath": "plain"}}
}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=8)
    asyncio.run(measure(parser.parse_args().rounds))


async def measure(rounds: int) -> None:
    if lack := kubehub.missing():
        sys.exit(lack)
    os.environ["KUBECONFIG"] = kubehub.KUBECONFIG
    with ExitStack() as stack:
        builds = stack.enter_context(kubehub.running_namespace(f"bench-builds-{os.getpid()}"))
        builder = KubernetesBuilder(config=builder_config(builds), data_dir=str(builds.data))
        scratch = Path(stack.enter_context(TemporaryDirectory()))
        image = (await build(builder, make_source(scratch / "repo", {}))).image.name
        repository = builds.cluster.repository
        hubs, counts = {}, {}
        for name in ("ours", "plain"):
            counts[name] = Counter[str]()
            kubehub.KUBECONFIG = stack.enter_context(counted(scratch / name, counts[name]))
            namespace, claim = f"bench-{name}-{os.getpid()}", kubehub.CLAIM
            extra = _PLAIN.format(namespace=namespace, image=image, claim=claim)
            running = kubehub.running_kube_hub(
                image, namespace, repository, extra if name == "plain" else ""
            )
            hubs[name] = stack.enter_context(running)
            kubehub.KUBECONFIG = os.environ["KUBECONFIG"]
        (place := hubs["plain"].layout.root / "plain").mkdir()
        os.chown(place, 1000, 1000)
        times, asked = await in_turn(hubs, counts, rounds)
    tell(times, asked)


async def in_turn(
    hubs: dict[str, kubehub.KubeHub], counts: dict[str, Counter[str]], rounds: int
) -> tuple[dict[str, list[float]], dict[str, list[int]]]:
    """Seconds and requests of every start."""
    commit, project = hubs["ours"].repository({"notes.txt": "of the repository"})
    home = hubs["ours"].launch("ana", files=Files.HOME)
    starts: dict[str, tuple[str, Launch | None]] = {
        "project": ("ours", replace(home, files=Files.PROJECT, commit=commit, project=project)),
        "home": ("ours", home),
        "plain": ("plain", None),
    }
    times: dict[str, list[float]] = {name: [] for name in starts}
    asked: dict[str, list[int]] = {name: [] for name in starts}
    for number in range(rounds + 1):
        for name, (which, launch) in starts.items():
            counts[which].clear()
            async with hubs[which].client() as client:
                took = await once(client, launch)
            if number:  # the first has the image put on the node, and makes homes
                times[name].append(took)
                asked[name].append(counts[which]["request"])
    return times, asked


def tell(times: dict[str, list[float]], asked: dict[str, list[int]]) -> None:
    for name in times:
        said = " ".join(f"{each:.2f}" for each in times[name])
        print(f"{name:8} {median(times[name]):.2f} s, {median(asked[name])} requests  ({said})")
    for name in ("project", "home"):
        more = median(b - a for a, b in zip(times["plain"], times[name], strict=True))
        print(f"{name} takes {more * 1000:.0f} ms more ({more / median(times['plain']):.0%})")


async def once(client: Client, launch: Launch | None) -> float:
    """Seconds of one start, of KubeSpawner as it is without a launch; it is stopped afterwards."""
    await client.user("ana")
    begun = time.monotonic()
    if launch is None:
        await client.post("ana", "one", {})
    else:
        await client.start(launch)
    took = time.monotonic() - begun
    await client.stop("ana")
    return took


@contextmanager
def counted(folder: Path, counts: Counter[str]) -> Iterator[str]:
    """A configuration that leads to the API server past somebody who counts."""
    folder.mkdir()
    known = YAML(typ="safe").load(Path(os.environ["KUBECONFIG"]))
    cluster, user = known["clusters"][0]["cluster"], known["users"][0]["user"]
    for field, name in (("client-certificate-data", "crt"), ("client-key-data", "key")):
        (folder / name).write_bytes(base64.b64decode(user[field]))
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    trusted = ssl.create_default_context(cadata=authority)
    trusted.load_cert_chain(folder / "crt", folder / "key")
    port, loop = free_ports(1), asyncio.new_event_loop()
    serving = loop.create_task(_serve(port, cluster["server"], trusted, counts))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    config = folder / "config"
    place = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}
    context = {"name": "x", "context": {"cluster": "c", "user": "u"}}
    told = {"apiVersion": "v1", "kind": "Config", "clusters": [place], "contexts": [context]}
    with config.open("w") as file:
        YAML().dump({**told, "users": [{"name": "u", "user": {}}], "current-context": "x"}, file)
    yield str(config)
    loop.call_soon_threadsafe(serving.cancel)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)


async def _serve(port: int, server: str, trusted: ssl.SSLContext, counts: Counter[str]) -> None:
    connector = aiohttp.TCPConnector(ssl=trusted, limit=0)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

        async def pass_on(request: web.Request) -> web.StreamResponse:
            counts["watch" if request.query.get("watch") else "request"] += 1
            headers = {"Content-Type": request.headers.get("Content-Type", "application/json")}
            url, body = f"{server}{request.path_qs}", await request.read()
            async with session.request(request.method, url, data=body, headers=headers) as found:
                answer = web.StreamResponse(status=found.status)
                answer.content_type = found.content_type
                with suppress(ConnectionResetError):  # a watch that is given up
                    await answer.prepare(request)
                    async for chunk in found.content.iter_any():
                        await answer.write(chunk)
                return answer

        app = web.Application(client_max_size=64 << 20)
        app.router.add_route("*", "/{path:.*}", pass_on)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    main()
