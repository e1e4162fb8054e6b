"""Packages that `apt.txt` names, in builds and servers: real ones, of this machine's sources.

One base is made for all tests. What a hostile package can do is shown by packages that tests make;
all that is left out then is their way here.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from basesystem import PACKAGES, Machine
from datadirs import temporary_data
from debianpackage import make_package
from dockersources import build as build_once
from dockersources import make_source
from documented import blocks_of, files_of
from patience import SOON, wait_until
from processlist import processes
from sandboxhub import HERE, ORDINARY, Answer, Client, Failed, SandboxHub, whoever_runs_it
from smalldisk import leave_free, small_disk
from systemids import with_ids

from binderhub_ext.core.apt import Packages
from binderhub_ext.core.errors import BuildFailed, NoSpace
from binderhub_ext.core.launch import Launch
from binderhub_ext.engines.base import Program
from binderhub_ext.engines.local import systembuild
from binderhub_ext.engines.local.build import LocalBuilder
from binderhub_ext.engines.local.machineapt import fetch
from binderhub_ext.engines.local.processes import init_of, lock_holder
from binderhub_ext.engines.local.rundir import RunDirectory
from binderhub_ext.engines.local.store import START, Store
from binderhub_ext.engines.local.systems import Systems, obstacle, period
from binderhub_ext.programs import Log, ProcessFailed

pytestmark = pytest.mark.skipif(
    bool(missing := obstacle(LocalBuilder())), reason=f"no systems can be made here: {missing}"
)

DRAWING = {
    "apt.txt": "# for drawing\ngraphviz figlet\n",
    "postBuild": "#!/bin/sh\nset -e\nfiglet build\ndot -V\nls /etc/passwd /var/lib/dpkg\n",
}
CODE = """
import os, subprocess, sys
def run(*argv, **options):
    told = subprocess.run(argv, capture_output=True, text=True, **options)
    return told.stdout + told.stderr
print(run("dot", "-Tsvg", input="digraph { tide -> ebb }").count("<svg"))
print(len(run("figlet", "server").splitlines()) > 3, "git version" in run("git", "--version"))
write = "for place in /usr/bin /etc /var; do echo x >$place/new; done"
print(run("sh", "-c", write).count("Read-only"))
print(os.stat("/usr/bin/dot").st_mode & 0o6222, os.path.exists("/usr/bin/newuidmap"))
"""


def build(hub: SandboxHub, files: Mapping[str, str], **options: object) -> str:
    """What a build in a process of the Hub's user told; its image is the last word."""
    words = [str(HERE / "buildimage.py"), str(hub.data), json.dumps(options)]
    argv = hub.command([sys.executable, *words])
    if hub.given_away:
        argv = with_ids(argv, hub.root)
    told = subprocess.run(
        argv, input=json.dumps(files), env=hub.environment(), capture_output=True, text=True
    )
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-3000:]
    return told.stdout


async def test_programs_are_there_in_build_and_server(
    machine: Machine, sandbox_hub: SandboxHub
) -> None:
    """As root and as an ordinary user with subordinate ids."""
    hub = sandbox_hub
    machine.give_base(hub.layout.environments, ORDINARY if hub.given_away else os.geteuid())
    told = build(hub, DRAWING)
    assert "graphviz version" in told
    image = told.split()[-1]
    # Where nothing but the system is new, no server is tried, which says its version.
    told = build(hub, {"apt.txt": DRAWING["apt.txt"]})
    tried = re.search(r"^\d+\.\d+\.\d+$", told, re.MULTILINE)
    assert "Newer versions" not in told and not tried, told
    async with hub.client() as client:
        await client.start(hub.launch("gita", "apt", image=image))
        answer = await client.run("gita", CODE, "apt")
        assert answer.output.split("\n")[:4] == ["1", "True True", "3", "0 False"], answer
        await client.stop("gita", "apt")
    record = Store(hub.layout.environments, hub.data).find(image)
    assert record and Path(record.system).stat().st_uid == hub.layout.environments.stat().st_uid


R_REPOSITORY = {
    "runtime.txt": "r-4.1-2022-01-01\n",
    # The archive is made by hand; one of its packages has to be compiled.
    "install.R": r"""
archive <- "cran/src/contrib"
dir.create(archive, recursive = TRUE)
write <- function(name, version, code, c = NULL) {
  for (folder in file.path(name, c("R", "src"))) dir.create(folder, recursive = TRUE)
  fields <- c("Title: T", "Description: D.", "License: MIT", "Author: A",
              "Maintainer: A <a@example.org>", paste("Version:", version))
  writeLines(c(paste("Package:", name), fields), file.path(name, "DESCRIPTION"))
  compiled <- if (length(c)) sprintf("useDynLib(%s, twice)", name)
  writeLines(c("exportPattern('^[a-z]')", compiled), file.path(name, "NAMESPACE"))
  writeLines(code, file.path(name, "R", "code.R"))
  if (length(c)) writeLines(c, file.path(name, "src", "code.c"))
  tar(sprintf("%s/%s_%s.tar.gz", archive, name, version), name, compression = "gzip")
}
write("tide", "1.0", "height <- function() 4.5")
write("moon", "1.0", "phase <- function() 0.25")
write("mime", "99.0", "kind <- function() 'new'")
write("wave", "1.0", "high <- function() .Call(twice, 2.25)", c(
  "#include <Rinternals.h>", "SEXP twice(SEXP x) { return Rf_ScalarReal(2 * Rf_asReal(x)); }"))
tools::write_PACKAGES(archive)
install.packages(c("tide", "wave", "no.such.package"))
""",
    "DESCRIPTION": """\
Package: bay
Version: 1.0
Title: T
Description: D.
License: MIT
Author: A
Maintainer: A <a@example.org>
Imports: tide (>= 1.0), R6, mime (>= 99.0)
""",
    "NAMESPACE": "import(tide)\nimport(mime)\n",
    "renv.lock": json.dumps(
        {"Packages": {"moon": {"Source": "Repository"}, "mine": {"Source": "GitHub"}}}
    ),
}
IN_R = """
cat(as.character(getRversion()), tide::height(), wave::high(), moon::phase(), mime::kind(), "")
cat(requireNamespace("bay", quietly = TRUE), find.package("R6"), .libPaths()[1], "")
cat(getOption("repos"))
"""
APPLICATION = """
shiny::shinyApp(shiny::fluidPage("tables of {name}."), function(input, output) {{}})
"""
OWN = """
dir.create("ebb/R", recursive = TRUE)
writeLines(c("Package: ebb", "Version: 1.0"), "ebb/DESCRIPTION")
writeLines("exportPattern('.')", "ebb/NAMESPACE")
writeLines("low <- function() 0.5", "ebb/R/code.R")
install.packages("ebb", repos = NULL, quiet = TRUE)
"""


@whoever_runs_it
async def test_a_notebook_of_r(machine: Machine, sandbox_hub: SandboxHub) -> None:
    """R is Debian's; what the repository installs is the environment's, what people add theirs.

    What has C in it is compiled. Applications of Shiny are shown where links look for them.
    """
    hub = sandbox_hub
    machine.give_base(hub.layout.environments, ORDINARY if hub.given_away else os.geteuid())
    mirror = "file:///srv/repo/cran"
    few = ["gcc", "libc6-dev", "make", "r-cran-shiny"]
    told = build(hub, R_REPOSITORY, r_packages=few, cran_mirror=mirror)
    version = told.split("Building R ")[1].split(",")[0]
    assert f"runtime.txt asks for R 4.1 as of 2022-01-01; R {version} is taken" in told
    assert "install.R went on without these packages: no.such.package" in told
    assert "renv.lock: left out, as CRAN does not have them: mine" in told
    tables = {f"{name}app.R": APPLICATION.format(name=name) for name in ("", "neap/")}
    commit, project = hub.repository(tables, "gita/tables")
    async with hub.client() as client:
        image = told.split()[-1]
        launch = hub.launch("gita", "r", image=image, commit=commit, project=project)
        await client.start(launch)
        for name in ("", "neap/"):
            assert f"tables of {name}." in await client.page(launch, f"shiny/{name}")
        answer = await client.run("gita", IN_R, "r", kernel="ir")
        own = f"/home/jovyan/.local/lib/R/{version.rpartition('.')[0]}"
        shown = ["4.5", "4.5", "0.25", "new", "TRUE", "/usr/lib/R/site-library/R6", own, mirror]
        assert answer.output.split() == [version, *shown], answer
        await client.run("gita", OWN, "r", kernel="ir")
        await client.stop("gita", "r")
        await client.start(launch)
        assert await client.run("gita", "cat(ebb::low())", "r", kernel="ir") == Answer("0.5", "")
        await client.stop("gita", "r")


def test_a_system_is_made_anew_for_updates(tmp_path: Path) -> None:
    """And an environment's tree is of the period that its key says."""
    day, asked = 86400, Packages("apt.txt", ("figlet",))

    def key(days: float, now: float) -> str:
        return Systems(tmp_path, ("python3",), period(days, now)).layer_key(asked)

    assert key(30, 0) == key(30, 30 * day - 1) != key(30, 30 * day)
    assert key(0, 0) == key(0, 999 * day) == Systems(tmp_path, ("python3",)).layer_key(asked)


async def test_a_system_is_there_until_its_environment_is(tmp_path: Path) -> None:
    """Also one that needed nothing installed, whose folder is as old as the base."""
    systems = Systems(tmp_path, ("python3",))
    made, place = tmp_path / "tree", systems.layer("key")
    made.mkdir()
    os.utime(made, (0, 0))
    systems.put(made, place)
    await systems.collect_garbage(set(), 60, 60)
    assert place.exists()


def test_two_that_need_a_base_at_once_make_one(machine: Machine) -> None:
    assert len([line for line in machine.told if line.startswith("Making the base")]) == 1
    assert len([*(machine.systems.root / "bases").iterdir()]) == 1
    assert not [*(machine.systems.root / "work").iterdir()]


async def test_a_second_environment_with_the_same_packages_costs_nothing(machine: Machine) -> None:
    machine.told.clear()
    tree = await machine.layer(*reversed(PACKAGES))
    assert not machine.told
    base = machine.systems.base(machine.systems.base_key())
    # What is the base's is shared with it.
    assert (tree / "usr/bin/git").samefile(base / "tree/usr/bin/git")
    assert not (tree / "usr/bin/dot").stat().st_mode & 0o222
    # Scripts of packages link into it, and fail without it.
    assert (tree / "usr/share/man/man1").is_dir()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("no-such-package-anywhere", "do not have: no-such-package-anywhere"),
        ("figlet=0.0.1", "do not have: figlet=0.0.1. Correct that"),
        ("mail-transport-agent", "no package but what several are. Ask for one of them: "),
        # A name with a dot, and no regular expression.
        ("figle.", "do not have: figle."),
    ],
)
async def test_a_package_that_is_not_there_is_named(
    machine: Machine, asked: str, words: str
) -> None:
    with pytest.raises(BuildFailed) as caught:
        await machine.layer("figlet", asked)
    assert words in caught.value.message


async def test_what_cannot_be_had_ends_what_is_installed_meanwhile(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Packages of Python do not wait for the system's, and nobody waits for them in vain."""
    builder = LocalBuilder(data_dir=str(machine.data))

    async def fetch(*_: object) -> None:
        async with asyncio.timeout(SOON):
            while not [*builder.store.root.glob("*/bin/python")]:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        raise ProcessFailed(1, "E: no tide today")

    monkeypatch.setattr(systembuild, "fetch", fetch)
    source = make_source(tmp_path / "repo", {"apt.txt": "figlet\ntree\n"})
    with pytest.raises(BuildFailed, match=r"Fetching the packages of apt.txt failed"):
        await build_once(builder, source)
    assert not [*builder.store.root.glob("*/bin")]


async def test_what_is_known_of_the_sources_is_tried_first(
    machine: Machine, tmp_path: Path
) -> None:
    """For a day; what is not among it is asked for before it is said not to be there."""
    base, state = machine.systems.base(machine.systems.base_key()), tmp_path / "apt"
    shutil.copytree(base / "apt", state)
    hours_ago = time.time() - 7200
    os.utime(state / "updated", (hours_ago, hours_ago))
    told: list[str] = []

    async def fetched(folder: Path) -> list[Path]:
        status, wanted = base / "tree/var/lib/dpkg/status", Packages("apt.txt", ("figlet",))
        await fetch(wanted, status, state, folder, Log(told.append))
        return [*folder.glob("figlet_*.deb")]

    assert await fetched(tmp_path / "one")
    assert (state / "updated").stat().st_mtime == hours_ago
    # What was read of the sources is kept, whatever the machine's own settings say of that.
    read = (state / "cache/pkgcache.bin").stat()
    shutil.rmtree(tmp_path / "one")
    assert await fetched(tmp_path / "one")
    assert (state / "cache/pkgcache.bin").stat().st_mtime_ns == read.st_mtime_ns
    for file in (state / "lists").glob("*_*"):
        file.unlink()
    assert await fetched(tmp_path / "two")
    assert "E: Unable to locate package figlet" in told
    assert (state / "updated").stat().st_mtime > hours_ago


async def test_packages_on_their_way_are_in_no_other_builds_way(machine: Machine) -> None:
    """As hundreds of them would be, or a slow source: apt is stopped in the middle of them."""
    base = machine.systems.base(machine.systems.base_key())
    status, stopped = base / "tree/var/lib/dpkg/status", list[int]()

    async def fetched(folder: Path, package: str, tell: Callable[[str], None]) -> bool:
        wanted = Packages("apt.txt", (package,))
        await fetch(wanted, status, base / "apt", folder / "packages", Log(tell))
        return any((folder / "packages").glob(f"{package}_*.deb"))

    def stop(line: str) -> None:
        if line.startswith("Get:1 "):
            stopped.extend(processes("--download-only", "libreoffice-core"))
            for apt in stopped:
                os.kill(apt, signal.SIGSTOP)

    with temporary_data() as folder:
        slow = asyncio.create_task(fetched(folder / "slow", "libreoffice-core", stop))
        try:
            while not stopped:
                await asyncio.sleep(0.02)
                assert not slow.done()
            async with asyncio.timeout(SOON):
                assert await fetched(folder / "quick", "figlet", lambda _: None)
            assert processes("--download-only", "libreoffice-core") == stopped
        finally:
            slow.cancel()
            await asyncio.gather(slow, return_exceptions=True)


INTRUDER = r"""#!/bin/sh
exec >/usr/share/report 2>&1
try() { if "$@" >/dev/null 2>&1; then echo "DONE $*"; else echo "refused $*"; fi; }
try mount -t tmpfs none /mnt
try mount --bind / /mnt
try unshare --mount true
try unshare --user true
try chroot / true
try mknod /usr/share/memory c 1 1
try mknod /usr/share/disk b 8 0
try chmod 600 /dev/null
try chown 1:1 /dev/null
try sh -c 'echo x >/proc/sys/kernel/core_pattern'
try sh -c 'echo x >/proc/sys/kernel/hostname'
try sh -c 'echo h >/proc/sysrq-trigger'
try hostname evil
try cat SECRET
try test -d SYSTEMS
try python3 -c 'import socket; socket.create_connection(("127.0.0.1", PORT), 2)'
try python3 -c 'import socket; socket.create_connection(("169.254.169.254", 80), 2)'
try python3 -c 'import socket; socket.getaddrinfo("deb.debian.org", 80)'
echo "processes $(ls /proc | grep -c '^[0-9]')"
dpkg-divert --quiet --local --rename --add /usr/bin/unzip && cp /bin/true /usr/bin/unzip
setsid sleep 987654 &
cp /bin/sh /usr/bin/evil-sh && chmod 6755 /usr/bin/evil-sh
mkfifo /usr/share/pipe
ln -s SECRET /usr/share/link
echo evil >>/usr/bin/less
rm -f /etc/passwd /etc/hosts; ln -s SECRET /etc/passwd; mkdir /etc/hosts
exit 0
"""


def local(monkeypatch: pytest.MonkeyPatch, package: Path) -> None:
    """Have a package as if it had been fetched."""

    async def fetch(wanted: object, status: object, state: object, to: Path, log: object) -> None:
        shutil.copy(package, to)

    monkeypatch.setattr(systembuild, "fetch", fetch)


async def test_no_script_of_a_package_leaves_its_tree(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of the host")
    base = machine.systems.base(machine.systems.base_key())
    null, less = Path("/dev/null").stat(), (base / "tree/usr/bin/less").read_bytes()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        words = {"SECRET": secret, "PORT": port, "SYSTEMS": machine.systems.root}
        script = INTRUDER
        for name, value in words.items():
            script = script.replace(name, str(value))
        local(monkeypatch, make_package(tmp_path, "intruder", script))
        tree = await machine.layer("intruder")
    report = (tree / "usr/share/report").read_text()
    assert "DONE" not in report, report
    assert report.count("refused") == INTRUDER.count("\ntry ")
    assert int(report.split("processes ")[1].split()[0]) < 15
    told = Path("/dev/null").stat()
    assert (told.st_mode, told.st_uid, told.st_gid) == (null.st_mode, null.st_uid, null.st_gid)
    assert not processes("987654")
    # What it made is neither special nor anybody's but ours, and the base is what it was.
    assert not (tree / "usr/bin/evil-sh").stat().st_mode & 0o6222
    assert not (tree / "usr/share/pipe").exists()
    assert (base / "tree/usr/bin/less").read_bytes() == less
    assert (tree / "usr/bin/less").read_bytes() != less
    diverted, unzip = tree / "usr/bin/unzip.distrib", base / "tree/usr/bin/unzip"
    assert diverted.read_bytes() == unzip.read_bytes() != (tree / "usr/bin/unzip").read_bytes()
    for path in tree.rglob("*"):
        status = path.lstat()
        assert status.st_uid == os.geteuid()
        assert stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode) or path.is_symlink()


async def test_a_script_that_fails_is_the_packages_fault(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = make_package(tmp_path, "broken", "#!/bin/sh\necho no tide today\nexit 7\n")
    local(monkeypatch, package)
    with pytest.raises(BuildFailed) as caught:
        await machine.layer("broken")
    assert "no tide today" in caught.value.detail
    assert not [*(machine.systems.root / "work").iterdir()]


def test_a_killed_hub_leaves_nothing(machine: Machine, tmp_path: Path) -> None:
    package = make_package(tmp_path, "slow", "#!/bin/sh\necho waits\nsleep 876543\n")
    argv = [sys.executable, str(HERE / "layeronce.py"), str(machine.data), str(package)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert any("waits" in line for line in process.stdout)
            # It says so before it does.
            wait_until(lambda: processes("876543"), "it never ran")
        finally:
            process.send_signal(signal.SIGKILL)
    wait_until(lambda: not processes("876543"), "it runs on")
    asyncio.run(machine.systems.collect_garbage(set(), 3600, 3600))
    assert not [*(machine.systems.root / "work").iterdir()]


async def test_a_full_disk_is_told_as_that(machine: Machine, tmp_path: Path) -> None:
    with small_disk(tmp_path / "data"):
        small = Machine(tmp_path / "data")
        machine.give_base(small.data / "environments", os.geteuid())
        leave_free(small.data, 20 << 20)
        with pytest.raises(NoSpace):
            await small.layer("figlet")
        assert not [*(small.systems.root / "work").iterdir()]


async def test_what_no_environment_uses_is_removed(machine: Machine) -> None:
    used, unused = await machine.layer(*PACKAGES), await machine.layer("figlet")
    await machine.systems.collect_garbage({str(used)}, 3600, 3600)
    assert used.exists()
    assert unused.exists()
    await machine.systems.collect_garbage({str(used)}, -1, 3600)
    assert used.exists()
    assert not unused.exists()


DATABASE = "how-to/programs-beside-the-notebook.md"
"""The page whose files and code make these tests' repository."""

WEB = """
mkdir /tmp/web && echo "of $JUPYTERHUB_USER" >/tmp/web/index.html
python3 -m http.server --bind 127.0.0.1 --directory /tmp/web 3333 &
exec "$@"
"""

WRITING = """
import os, psycopg, time
database = psycopg.connect(autocommit=True)
database.execute("create table if not exists written (at bigint)")
while True:
    now = time.time_ns()
    database.execute("insert into written values (%s)", [now])
    with open("written.new", "w") as file:
        file.write(str(now))
    os.replace("written.new", "written")
"""
WRITE = f"import subprocess; subprocess.run(['setsid', '-f', 'python', '-c', {WRITING!r}])"
WRITTEN = "!psql -Atc 'select max(at) from written'"
END = "import os, signal; os.kill(os.getppid(), signal.SIGTERM)"


@dataclass
class Tides:
    """A person's server of the repository with the database."""

    hub: SandboxHub
    client: Client
    launch: Launch

    @property
    def directory(self) -> RunDirectory:
        return RunDirectory.of(self.hub.layout, self.launch.user, self.launch.server)

    async def start(self, **changed: object) -> str:
        """Start it; gives what the database says of how it ended before."""
        self.launch = replace(self.launch, **changed)
        await self.client.start(self.launch)
        log = self.directory.log.read_text()
        return log[log.index("LOG:  database system") :].partition("\n")[0]

    async def run(self, code: str) -> str:
        answer = await self.client.run(self.launch.user, code)
        assert not answer.error, answer
        return answer.output.strip()

    async def page(self) -> str:
        """What its web program shows to whoever is signed in."""
        return await self.client.page(self.launch, "proxy/3333/")

    async def writing(self) -> int:
        """Have something written all the time; gives what is committed already."""
        began = time.time_ns()
        await self.run(WRITE)
        file = self.hub.layout.home(self.launch.user) / self.launch.project / "written"
        async with asyncio.timeout(SOON):
            while not file.exists() or int(file.read_text()) < began:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)
        return int(file.read_text())

    async def ended(self) -> None:
        async with asyncio.timeout(SOON):
            while await self.client.servers(self.launch.user):  # noqa: ASYNC110
                await asyncio.sleep(0.05)


def database_of(hub: SandboxHub, machine: Machine) -> str:
    """The image of the documented repository, with a web program."""
    machine.give_base(hub.layout.environments, ORDINARY if hub.given_away else os.geteuid())
    files = files_of(DATABASE)
    files["start"] = files["start"].replace('exec "$@"\n', WEB)
    files["requirements.txt"] += "jupyter-server-proxy\n"
    return build(hub, files).split()[-1]


@whoever_runs_it
async def test_a_database_beside_the_notebook(machine: Machine, sandbox_hub: SandboxHub) -> None:
    """What is in it outlives every kind of end, and an update; everybody has their own."""
    hub = sandbox_hub
    image, table = database_of(hub, machine), blocks_of(DATABASE, "python")[0]
    one, project = hub.repository({"week": "1"}, "tess/tides")
    two, _ = hub.repository({"week": "2"}, "tess/tides")
    async with hub.client() as client:
        mine, theirs = (
            Tides(hub, client, hub.launch(user, image=image, commit=one, project=project))
            for user in ("tess", "otto")
        )
        assert "was shut down" in await mine.start()  # by initdb
        assert await mine.run(table) == "(1,)"
        assert await mine.run("!psql -Atc 'select count(*) from tides'") == "1"
        await theirs.start()
        assert await theirs.run(table) == "(1,)"
        assert (await mine.page(), await theirs.page()) == ("of tess", "of otto")
        builder = LocalBuilder(data_dir=str(hub.data))
        beside = [Program("postgres", (), True), Program("python3", (3333,), True)]
        assert list(await builder.programs_beside(mine.launch)) == beside
        (use,) = await builder.uses([mine.launch])
        assert (use.memory or 0) > 32 << 20 and (use.worked or 0) > 0.1
        await client.stop("otto")

        committed = await mine.writing()
        await client.stop("tess")
        assert "was shut down" in await mine.start()
        assert int(await mine.run(WRITTEN)) >= committed
        ending = asyncio.create_task(client.run("tess", END))
        await mine.ended()
        ending.cancel()  # there is nobody left who could answer
        await asyncio.gather(ending, return_exceptions=True)
        assert "was shut down" in await mine.start(commit=two)
        assert await mine.run(f"{table}\nprint(open('week').read())") == "(2,)\n2"

        committed = await mine.writing()
        os.kill(init_of(lock_holder(mine.directory.lock) or 0), signal.SIGKILL)
        await mine.ended()
        assert "was interrupted" in await mine.start()
        assert int(await mine.run(WRITTEN)) >= committed
        await client.stop("tess")

        script = hub.layout.environments / image / START
        script.chmod(0o755)
        right = script.read_text()
        script.write_text("#!/bin/sh\nsleep 99 &\necho the-licence-server-is-down\nexit 7\n")
        with pytest.raises(Failed, match=r"if the repository has a start script(.|\n)*is-down"):
            await mine.start()
        script.write_text(right)
