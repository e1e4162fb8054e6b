"""Servers come, go, survive and are found again, in real pods under a real Hub."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from keeper import keeping
from kubehub import KubeHub, Namespace, kubectl, running_kube_hub
from patience import SOON
from sandboxhub import Failed

from binderhub_ext.core.launch import Access, Files, VolumeRequest
from binderhub_ext.core.secretnames import Secret
from binderhub_ext.core.using import UNKNOWN
from binderhub_ext.engines.kubernetes.build import KubernetesBuilder
from binderhub_ext.storage.volumes import VolumeStore

FILES = {"readme.txt": "from the repository", "src/x.py": "y = 1"}
HOME = "/home/jovyan"


@pytest.fixture(scope="module")
def mortal_hub(kube_namespace: Namespace, kube_image: str) -> Iterator[KubeHub]:
    """A Hub that tests may kill."""
    repository = kube_namespace.cluster.repository
    with running_kube_hub(kube_image, f"{kube_namespace.name}-mortal", repository) as hub:
        yield hub


async def test_start_and_stop_leave_nothing(
    kube_hub: KubeHub, kube_builder: KubernetesBuilder
) -> None:
    """The pod passes Pod Security's level `restricted`, and knows nothing of the cluster."""
    async with kube_hub.client() as client:
        events = await client.start(kube_hub.launch("liv"))
        assert [event["progress"] for event in events] == sorted(e["progress"] for e in events)
        pod = kube_hub.pod("liv")
        labels, annotations = pod["metadata"]["labels"], pod["metadata"]["annotations"]
        assert labels["app"] == "jupyterhub" and labels["component"] == "singleuser-server"
        assert labels["hub.jupyter.org/network-access-hub"] == "true"
        assert annotations["hub.jupyter.org/username"] == "liv"
        assert pod["spec"]["restartPolicy"] == "Never"
        name = f"namespace/{kube_hub.namespace.name}"
        enforce = "pod-security.kubernetes.io/enforce=restricted"
        said = kubectl("label", "--dry-run=server", "--overwrite", name, enforce)
        assert "labeled" in said
        code = """
import os
seen = [path for path in ("/var/run/secrets", "/srv/binder") if os.path.exists(path)]
print(os.getuid(), os.path.expanduser("~"), os.access("/", os.W_OK), seen)
"""
        assert (await client.run("liv", code)).output == f"1000 {HOME} False []\n"
        # this cluster measures nothing, so nothing is known of it
        assert await kube_builder.uses([kube_hub.launch("liv")]) == [UNKNOWN]
        await client.stop("liv")
    assert kube_hub.leftovers() == []


@pytest.mark.parametrize("files", list(Files))
async def test_project_is_there_and_is_kept(kube_hub: KubeHub, files: Files) -> None:
    """Seeded from the commit at first, by the pod's first container, and kept."""
    user = f"per-{files}"
    commit, project = kube_hub.repository(FILES, f"owner/{files}")
    launch = kube_hub.launch(user, commit=commit, project=project, files=files)
    async with kube_hub.client() as client:
        told = [event["message"] for event in await client.start(launch)]
        assert any("Putting the project's files in place" in words for words in told)
        code = f"""
import os
os.chdir({f"{HOME}/{project}"!r})
mine = os.stat(".").st_uid == os.getuid()
print(os.environ["JUPYTERHUB_ROOT_DIR"], open("readme.txt").read(), mine)
open("readme.txt", "w").write("mine")
"""
        answer = await client.run(user, code)
        root = HOME if files is Files.HOME else f"{HOME}/{project}"
        assert answer.output.startswith(f"{root} from the repository True"), answer
        await client.stop(user)
        await client.start(launch)
        read = f"print(open({f'{HOME}/{project}/readme.txt'!r}).read())"
        kept = "from the repository" if files is Files.NONE else "mine"
        assert (await client.run(user, read)).output.strip() == kept
        await client.stop(user)


async def test_two_people_see_nothing_of_each_other(kube_hub: KubeHub) -> None:
    """Nor does a reader of a volume write into it."""
    store = VolumeStore(kube_hub.layout)
    volume = store.create("lab", "ada", 1.0)
    store.change(volume.id, lambda known: replace(known, users={"bob": Access.RO}))
    asked = (VolumeRequest("lab"),)
    async with kube_hub.client() as client:
        for user in ("ada", "bob"):
            launch = kube_hub.launch(user, files=Files.HOME, volumes=asked)
            await client.start(launch)
        write = "open('secret.txt', 'w').write('of ada'); open('shared/lab/data', 'w').write('1')"
        assert (await client.run("ada", write)).error == ""
        code = """
import os
seen = [
    os.path.join(folder, name)
    for folder, _, names in os.walk("/")
    for name in names
    if name == "secret.txt" and not folder.startswith(("/proc", "/sys"))
]
try:
    open("shared/lab/new", "w")
except OSError as error:
    print(seen, open("shared/lab/data").read(), error.strerror)
"""
        assert (await client.run("bob", code)).output == "[] 1 Read-only file system\n"
        for user in ("ada", "bob"):
            await client.stop(user)


@pytest.mark.parametrize("user", ["\u738b\u5c0f\u660e", "a" * 200, "Ann.O'Neill+x@example.org"])
async def test_names_of_people_are_of_any_length_and_script(kube_hub: KubeHub, user: str) -> None:
    commit, project = kube_hub.repository(FILES, "owner/names")
    async with kube_hub.client() as client:
        await client.start(kube_hub.launch(user, commit=commit, project=project))
        pod = kube_hub.pod(user)
        assert pod["metadata"]["annotations"]["hub.jupyter.org/username"] == user
        assert (kube_hub.layout.home(user) / project / "readme.txt").exists()
        await client.stop(user)
    assert kube_hub.leftovers() == []


async def test_no_single_project_beside_the_whole_home(kube_hub: KubeHub) -> None:
    """What the whole home's server could exchange is not mounted while it runs."""
    commit, project = kube_hub.repository(FILES, "owner/beside")
    whole = kube_hub.launch("ned", "whole", files=Files.HOME)
    single = kube_hub.launch("ned", "single", commit=commit, project=project)
    async with kube_hub.client() as client:
        await client.start(whole)
        with pytest.raises(Failed, match="Your server whole sees your whole home"):
            await client.start(single)
        await client.stop("ned", "whole")
        await client.start(single)
        await client.start(whole)
        await client.stop("ned", "single")
        await client.stop("ned", "whole")


async def test_a_size_that_no_node_has_is_told(kube_hub: KubeHub) -> None:
    extra = "c.BinderKubeSpawner.mem_limit = '4T'\nc.BinderKubeSpawner.start_timeout = 10"
    with kube_hub.configured(extra):
        async with kube_hub.client() as client:
            with pytest.raises(Failed, match="no node has 900 GB of memory free"):
                await client.start(kube_hub.launch("max", memory=900 << 30))
    assert kube_hub.leftovers() == []


GPUS = "/status/capacity/example.com~1gpu"


@pytest.fixture
def gpu() -> Iterator[None]:
    """A node that says it has one."""
    patch = ("patch", "node", "node1", "--subresource=status", "--type=json")
    kubectl(*patch, f'--patch=[{{"op": "add", "path": "{GPUS}", "value": "1"}}]')
    yield
    kubectl(*patch, f'--patch=[{{"op": "remove", "path": "{GPUS}"}}]')


async def test_a_size_gets_more_of_the_cluster(kube_hub: KubeHub, gpu: None) -> None:
    """One server of it has the GPU, the next is told that there is none; others want none."""
    resources = {"extra_resource_limits": {"example.com/gpu": "1"}, "node_selector": {"a": "b"}}
    kubectl("label", "node", "node1", "a=b")
    extra = f"c.BinderKubeSpawner.sizes = {{'gpu': {resources!r}}}"
    with kube_hub.configured(f"{extra}\nc.BinderKubeSpawner.start_timeout = 20"):
        async with kube_hub.client() as client:
            await client.start(kube_hub.launch("gus", size="gpu"))
            spec = kube_hub.pod("gus")["spec"]
            limits = next(c for c in spec["containers"] if c["name"] == "notebook")["resources"]
            assert limits["limits"]["example.com/gpu"] == "1" and spec["nodeSelector"] == {"a": "b"}
            with pytest.raises(Failed, match="no node has gpu free"):
                await client.start(kube_hub.launch("hal", size="gpu"))
            await client.start(kube_hub.launch("hal"))
            assert "nodeSelector" not in kube_hub.pod("hal")["spec"]
            await asyncio.gather(client.stop("gus"), client.stop("hal"))
    kubectl("label", "node", "node1", "a-")
    assert kube_hub.leftovers() == []


async def test_server_survives_a_crash_of_the_hub(mortal_hub: KubeHub) -> None:
    async with mortal_hub.client() as client:
        await client.start(mortal_hub.launch("sam"))
        before = mortal_hub.pod("sam")["metadata"]["uid"]
        mortal_hub.kill()
        mortal_hub.start()
        assert set(await client.servers("sam")) == {"one"}
        # The first start sweeps, and must know whose it is.
        await client.start(mortal_hub.launch("sue"))
        assert mortal_hub.pod("sam")["metadata"]["uid"] == before
        assert (await client.run("sam", "print(2 + 2)")).output == "4\n"
        await asyncio.gather(client.stop("sam"), client.stop("sue"))
    assert mortal_hub.leftovers() == []


async def test_hub_killed_in_the_middle_of_a_start_leaves_nothing(mortal_hub: KubeHub) -> None:
    """Nor does a Secret that it had just made for that start."""
    secret = {"API_KEY": Secret("API_KEY", "hush-0b5d")}
    async with mortal_hub.client() as client, keeping(mortal_hub, secret):
        start = asyncio.create_task(client.start(mortal_hub.launch("uma", secrets=("API_KEY",))))
        while not mortal_hub.secrets():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.1)
        mortal_hub.kill()
        with pytest.raises(Exception):  # noqa: B017  the Hub is gone, in any way
            await start
        mortal_hub.start()
        await client.start(mortal_hub.launch("vic"))
        await client.stop("vic")
    assert mortal_hub.leftovers() == []


async def test_a_pod_in_the_way_gives_way(kube_hub: KubeHub) -> None:
    """As one that the API server made, and whose making was not answered in time."""
    launch = kube_hub.launch("yan")
    async with kube_hub.client() as client:
        await client.start(launch)
        name = kube_hub.pod("yan")["metadata"]["name"]
        await client.stop("yan")
        image = ("--image=docker.io/binder-at-home/busybox:1", "--image-pull-policy=Never")
        kube_hub.namespace.kubectl("run", name, *image, "--command", "--", "sleep", "600")
        await client.start(launch)
        assert (await client.run("yan", "print(2 + 2)")).output == "4\n"
        await client.stop("yan")
    assert kube_hub.leftovers() == []


async def test_pod_that_is_removed_from_outside_is_noticed(mortal_hub: KubeHub) -> None:
    """As a node that goes away, or an administrator, does it."""
    async with mortal_hub.client() as client:
        await client.start(mortal_hub.launch("xia"))
        pod = mortal_hub.pod("xia")["metadata"]["name"]
        mortal_hub.namespace.kubectl("delete", "pod", pod, "--now")
        async with asyncio.timeout(SOON):
            while await client.servers("xia"):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    assert mortal_hub.leftovers() == []
