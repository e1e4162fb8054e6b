"""The registry is asked over HTTP: a real one, open and private."""

from __future__ import annotations

import hashlib
import json
import urllib.request
from pathlib import Path
from urllib.parse import urljoin

import pytest
from dockerregistry import PASSWORD, USER, SmallRegistry, running_registry
from httpserver import Quiet, serving
from traitlets.config import Config

from binderhub_ext.core.errors import (
    AddressNotAllowed,
    ImageRefused,
    NotAllowed,
    RegistryUnavailable,
)
from binderhub_ext.core.progress import unheard
from binderhub_ext.engines.kubernetes.build import KubernetesBuilder
from binderhub_ext.engines.kubernetes.cluster import Cluster
from binderhub_ext.engines.kubernetes.images import at_nodes, find, from_nodes
from binderhub_ext.engines.kubernetes.registry import Name, Registry, _authorization, _judging
from binderhub_ext.repos.http import Http
from binderhub_ext.repos.network import AddressPolicy

KEY = "0123456789abcdef0123456789abcdef"
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG = json.dumps({"config": {"Env": ["PATH=/bin", "PYTHONPATH=/opt/x"]}}).encode()
_LAYER = b"not really a layer" * 100


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def publish(registry: SmallRegistry, tag: str) -> None:
    """Put an image there, as any client does."""
    base = f"http://{registry.host}/v2/lab/binder/"
    for blob in (_CONFIG, _LAYER):
        begun = urllib.request.urlopen(_request("POST", f"{base}blobs/uploads/"))
        place = urljoin(base, begun.headers["Location"])
        _put(f"{place}&digest={digest(blob)}", blob, "application/octet-stream")
    parts = {"mediaType": _MANIFEST, "schemaVersion": 2}
    manifest = {
        **parts,
        "config": {"mediaType": "x/y", "size": len(_CONFIG), "digest": digest(_CONFIG)},
        "layers": [{"mediaType": "x/z", "size": len(_LAYER), "digest": digest(_LAYER)}],
    }
    _put(f"{base}manifests/{tag}", json.dumps(manifest).encode(), _MANIFEST)


def _request(method: str, url: str) -> urllib.request.Request:
    return urllib.request.Request(url, method=method, data=b"" if method == "POST" else None)


def _put(url: str, content: bytes, kind: str) -> None:
    request = urllib.request.Request(url, method="PUT", data=content)
    request.add_header("Content-Type", kind)
    with urllib.request.urlopen(request) as response:
        assert response.status == 201


def cluster(registry: SmallRegistry, **settings: str) -> Cluster:
    place = {"repository": f"{registry.host}/lab/binder", "insecure_registry": True}
    return Cluster(config=Config(Cluster={**place, **settings}))


async def test_found_described_and_forgotten(tmp_path: Path) -> None:
    with running_registry(tmp_path) as small:
        asked, repository = cluster(small), f"{small.host}/lab/binder"
        registry = Registry(asked)
        assert await registry.tags(repository) == []
        assert await find(asked, f"{repository}:{KEY}") is None
        publish(small, KEY)
        found = await find(asked, f"{repository}:{KEY}")
        assert found is not None and found.size == len(_LAYER) and found.python_path == "/opt/x"
        small.door.answer = 500
        assert await find(asked, f"{repository}:{KEY}") == found, "a class asks for one image once"
        small.door.answer = 0
        assert await registry.tags(repository) == [KEY]
        manifest = await registry.find(f"{repository}:{KEY}")
        assert manifest and await registry.remove(f"{repository}:{KEY}", manifest)
        assert await registry.find(f"{repository}:{KEY}") is None


@pytest.mark.parametrize("image", ["", "-x", "../../etc", "{repository}:latest", f"other:{KEY}"])
async def test_no_other_image_is_ours(tmp_path: Path, image: str) -> None:
    asked = Cluster(config=Config(Cluster={"repository": "127.0.0.1:9/lab/binder"}))
    assert await find(asked, image.format(repository=asked.repository)) is None


@pytest.mark.parametrize("host", ["registry.ns:5000", "127.0.0.1:30500"])
async def test_nobody_launches_by_name_what_others_built(tmp_path: Path, host: str) -> None:
    """By none of the names it has."""
    names = {"repository": "registry.ns:5000/e", "node_repository": "127.0.0.1:30500/e"}
    builder = KubernetesBuilder(config=Config(Cluster=names), data_dir=str(tmp_path))
    with pytest.raises(NotAllowed, match="perhaps of somebody's private repository"):
        await builder._pinned(f"{host}/e:{KEY}")


@pytest.mark.parametrize("host", ["10.0.0.1", "127.0.0.1:8001", "169.254.169.254:80"])
async def test_no_link_has_the_inside_of_the_cluster_asked(tmp_path: Path, host: str) -> None:
    """Nor a registry that a link names, by saying that tokens are there."""
    named = {"repository": "registry.ns:5000/e"}
    builder = KubernetesBuilder(config=Config(Cluster=named), data_dir=str(tmp_path))
    with pytest.raises(AddressNotAllowed):
        await builder.prebuilt(f"{host}/lab/x:1", unheard)
    asked = f'Bearer realm="http://{host}/token",service="x",scope="repository:lab/x:pull"'
    async with Http(AddressPolicy()) as http:
        with pytest.raises(AddressNotAllowed):
            await _authorization(_judging(http), asked, "")


async def test_a_private_one_wants_credentials(tmp_path: Path) -> None:
    with running_registry(tmp_path, private=True) as small:
        repository = f"{small.host}/lab/binder"
        with pytest.raises(ImageRefused, match="does not let this hub use"):
            await Registry(cluster(small)).tags(repository)
        file = small.credentials(tmp_path / "config.json")
        known = Registry(cluster(small, registry_credentials=str(file)))
        assert await known.tags(repository) == []
        wrong = small.credentials(tmp_path / "wrong.json", "wrong")
        with pytest.raises(ImageRefused):
            await Registry(cluster(small, registry_credentials=str(wrong))).tags(repository)
        both = {"auths": {small.host: {"username": USER, "password": PASSWORD}}}
        file.write_text(json.dumps(both))
        assert await known.tags(repository) == []


async def test_one_that_is_away_or_makes_no_sense(tmp_path: Path) -> None:
    asked = Cluster(config=Config(Cluster={"repository": "127.0.0.1:9/lab/binder"}))
    with pytest.raises(RegistryUnavailable, match=r"127\.0\.0\.1:9 does not answer"):
        await find(asked, f"127.0.0.1:9/lab/binder:{KEY}")
    with running_registry(tmp_path) as small:
        small.door.answer = 503
        with pytest.raises(RegistryUnavailable):
            await find(cluster(small), f"{small.host}/lab/binder:{KEY}")


@pytest.mark.parametrize(
    "said",
    [
        "5",
        "[" * 100_000,
        '{"layers": 5}',
        '{"layers": [{"size": null}]}',
        '{"layers": [{"size": 1e999}]}',
        '{"layers": [{"size": %s}]}' % ("9" * 5000),
        '{"config": "x"}',
    ],
)
async def test_what_a_registry_says_of_an_image_is_its_own_to_choose(said: str) -> None:
    class Says(Quiet):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said.encode())

    with serving(Says) as url:
        host = url.partition("://")[2]
        place = {"repository": f"{host}/lab/binder", "insecure_registry": True}
        asked = Cluster(config=Config(Cluster=place))
        with pytest.raises(RegistryUnavailable):
            await Registry(asked).find(f"{host}/lab/binder:{KEY}")


def test_nodes_may_call_it_by_another_name() -> None:
    """And what runs there is found again by ours, or it would count as unused."""
    here = {"repository": "registry.ns:5000/environments"}
    pods, node = f"{here['repository']}:{KEY}", f"127.0.0.1:30500/environments:{KEY}"
    one = Cluster(config=Config(Cluster=here))
    assert at_nodes(one, pods) == from_nodes(one, pods) == pods
    nodes = {**here, "node_repository": "127.0.0.1:30500/environments"}
    two = Cluster(config=Config(Cluster=nodes))
    assert (at_nodes(two, pods), from_nodes(two, node)) == (node, pods)
    assert from_nodes(two, "docker.io/x:1") == at_nodes(two, "docker.io/x:1") == "docker.io/x:1"


def test_parts_of_names() -> None:
    hub = "registry-1.docker.io"
    assert Name.of("python") == Name(hub, "library/python", "latest")
    assert Name.of("docker.io/lab/x:1") == Name.of("lab/x:1") == Name(hub, "lab/x", "1")
    assert Name.of("h:5000/a/b:t") == Name("h:5000", "a/b", "t")
    assert Name.of("h.org/a") == Name("h.org", "a", "latest")
    for ours, written in (("h.org/a", "H.org:443/a:1"), ("lab/x", "Docker.io/lab/x")):
        assert Name.of(written).is_of(Name.of(ours)) and Name.of(ours).is_of(Name.of(written))
    assert not Name.of("h.org:5000/a").is_of(Name.of("h.org/a"))
    assert Name.of("h.org/a:t@sha256:1") == Name("h.org", "a", "sha256:1")
