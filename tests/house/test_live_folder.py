"""A folder of somebody's machine, from the command that offers it to the server that works in it.

`up` runs as an ordinary user, as on a laptop; the engine, the builds and the sandboxes are real.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import ports
import pytest
import requests
from datadirs import remove_later
from hubprocess import Person, Running, up
from patience import SOON
from readymade import give_environment
from sandboxhub import ORDINARY, as_ordinary, sandbox_missing

from binderhub_ext.up import proxy

PASSWORD = "correct-horse-battery-staple"

_CONFIG = """
c = get_config()
c.ConfigurableHTTPProxy.command = {proxy}
c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = {password!r}
c.SharedPasswordAuthenticator.allowed_users = {{"anna", "otto"}}
"""

_START = """#!/bin/sh
{ ls -a "$PWD/.." "$HOME"; ls "$HERE_OUTSIDE/.." 2>&1; } > seen.txt
exec "$@"
"""


@dataclass
class Laptop:
    """Somebody's machine.

    Attributes:
        home: of its owner, who started `up`.
        running: that.
    """

    home: Path
    running: Running

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def environments(self) -> set[str]:
        """Those that were built."""
        found = (self.data / "environments").iterdir()
        return {path.name for path in found if not path.name.startswith(".")}

    def token(self, user: str) -> str:
        with Person(self.running.url) as person:
            person.sign_in(user, PASSWORD)
            return str(person.api("POST", f"users/{user}/tokens", json={}).json()["token"])

    def command(self, *words: str, token: str = "") -> tuple[int, str, str]:
        """What a command of ours ends with, typed in the home by the owner."""
        told = subprocess.run(
            become(self.home, [sys.executable, "-m", "binderhub_ext", *words]),
            cwd=self.home,
            env={**os.environ, "BINDER_AT_HOME_TOKEN": token, "PYTHONPATH": os.getcwd()},  # noqa: PTH109
            capture_output=True,
            text=True,
        )
        return told.returncode, told.stdout.strip(), told.stderr

    def api(self, method: str, path: str, token: str, **options: Any) -> requests.Response:
        """Ask the Hub, or a server."""
        url = f"http://127.0.0.1:{self.running.port}/hub/api/{path}" if "//" not in path else path
        headers = {"Authorization": f"token {token}"}
        return requests.request(method, url, headers=headers, timeout=SOON, **options)

    def put(self, server: str, token: str, name: str, content: str) -> None:
        """Write a file as JupyterLab does."""
        fields = {"type": "file", "format": "text", "content": content}
        answer = self.api("PUT", f"{server}api/contents/{name}", token, json=fields)
        assert answer.status_code == 201, answer.text

    def launch(self, what: str, token: str, *more: str) -> tuple[int, str, str]:
        hub = f"http://127.0.0.1:{self.running.port}"
        words = ["launch", "--hub", hub, "--data-dir", str(self.data), "--no-browser", *more, what]
        return self.command(*words, token=token)


def become(home: Path, command: list[str]) -> list[str]:
    return as_ordinary(["env", f"HOME={home}", *command], home.with_name("scratch"))


@pytest.fixture(scope="module")
def laptop() -> Iterator[Laptop]:
    if missing := sandbox_missing():
        pytest.skip(missing)
    folder = Path(mkdtemp(prefix="bh-"))
    home, config = folder / "home", folder / "conf.py"
    folder.chmod(0o755)
    home.mkdir()
    (home / "data/secrets").mkdir(mode=0o700, parents=True)
    give_environment(home / "data")
    # installed once for all tests, where this user may not write
    command = proxy.ensure_proxy(folder)
    config.write_text(_CONFIG.format(proxy=command, password=PASSWORD))
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", f"{ORDINARY}:{ORDINARY}", home], check=True)
    arguments = ["--engine", "local", "-f", str(config)]
    try:
        with up(
            home / "data",
            ports.free_ports(4),
            *arguments,
            cwd=Path.cwd(),
            become=lambda command: become(home, command),
        ) as running:
            yield Laptop(home, running)
            running.stop()
    finally:
        remove_later(folder)


@pytest.fixture
def project(laptop: Laptop) -> Path:
    """A folder with an environment of its own, a notebook, and more data than any disk has."""
    folder = laptop.home / "my-project"
    files = {
        "requirements.txt": "six\n",
        "start": _START.replace("$HERE_OUTSIDE", str(folder)),
        "index.ipynb": "{}",
        "data/readings.csv": "1,2\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "start").chmod(0o755)
    with (folder / "data" / "huge.bin").open("wb") as huge:
        huge.truncate(50 << 30)
    (laptop.home / "secret.txt").write_text("of the neighbours")
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, ORDINARY, ORDINARY)
    return folder


def test_a_server_works_in_the_folder_itself(laptop: Laptop, project: Path) -> None:
    anna, otto = laptop.token("anna"), laptop.token("otto")
    status, url, said = laptop.launch("./my-project", anna)
    assert status == 0, said
    built = laptop.environments
    laptop.put(url, anna, "new.txt", "written in the server")
    assert (project / "new.txt").read_text() == "written in the server"
    assert (project / "new.txt").stat().st_uid == project.stat().st_uid
    seen = (project / "seen.txt").read_text()
    assert project.name in seen and "secret.txt" not in seen and "No such file" in seen

    # work on a notebook builds nothing; the same folder is the same server
    (project / "index.ipynb").write_text('{"cells": []}')
    assert laptop.launch(str(project), anna)[:2] == (0, url)
    assert laptop.environments == built

    # a link is for whom the folder was offered to, and says nothing of where it is
    (offered,) = laptop.command("folders", "--data-dir", str(laptop.data))[1].splitlines()
    id, user, path = offered.split()
    assert (user, path) == ("anna", str(project))
    status, _, said = laptop.launch(f"v2/folder/{id}/my-project", otto)
    assert status == 1 and "only for them" in said and str(project) not in said

    # deleting the server deletes nothing
    files = {path: path.stat().st_mtime for path in project.rglob("*")}
    assert laptop.api("DELETE", f"users/anna/servers/{url.split('/')[5]}", anna).status_code < 300
    assert {path: path.stat().st_mtime for path in project.rglob("*")} == files

    # another requirement is another environment
    (project / "requirements.txt").write_text("six  # as before\n")
    status, again, said = laptop.launch("my-project", anna)
    assert (status, again) == (0, url), said
    assert len(laptop.environments) == len(built) + 1

    withdrawn = ["folders", "--data-dir", str(laptop.data), "--withdraw", "my-project"]
    assert laptop.command(*withdrawn)[0] == 0
    status, _, said = laptop.launch(f"v2/folder/{id}/my-project", anna)
    assert status == 1 and "not offered any more" in said


def test_without_a_token_it_leads_to_the_page(laptop: Laptop, project: Path) -> None:
    status, page, said = laptop.launch("./my-project", "", "--user", "anna")
    assert (status, page.rpartition("/")[2]) == (0, project.name), said
    assert "Sign in as anna" in said
    with Person(laptop.running.url) as person:
        person.sign_in("anna", PASSWORD)
        asks = person.session.get(
            laptop.running.url + page[page.index("/services") :], timeout=SOON
        )
        assert asks.status_code == 200
        assert str(project) in asks.text and "The folder itself, no copy" in asks.text


OFFERS = """
import sys
from pathlib import Path
from binderhub_ext.core.errors import BinderError
from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.folders import offer
for folder in sys.argv[2:]:
    try:
        print(offer(DataDirectory(Path(sys.argv[1])), Path(folder), "anna").path)
    except BinderError as error:
        print(error)
"""


def test_what_cannot_be_offered(laptop: Laptop, project: Path) -> None:
    (laptop.home / ".config").mkdir(exist_ok=True)
    refused = {
        "./nothing": "There is no folder",
        "./my-project/index.ipynb": "is a file",
        "./my-project/..": "is your home",
        "/": "has it in it",
        "./data/homes": "data directory",
        "./.config": "hidden folder",
        "/usr": "may not write",
    }
    told = subprocess.run(
        become(laptop.home, [sys.executable, "-c", OFFERS, str(laptop.data), *refused]),
        cwd=laptop.home,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=True,
    )
    for line, words in zip(told.stdout.splitlines(), refused.values(), strict=True):
        assert words in line
