"""The whole thing for browser tests: `binder-at-home up` as a person starts it, and a Git server.

with HomeHub.running() as hub:
    hub.sign_in(page, "maria")
    repo = hub.git.create_repo("owner/name", {"requirements.txt": "humanize\\n"})
    hub.crash()
    hub.start()
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import mainpage
from chromium import new_context
from datadirs import remove_later
from gitserver import GitServer, RepoHandle
from patience import SOON, START, wait_until
from playwright.sync_api import Browser, Locator, Page
from ports import free_ports
from readymade import give_environment

from binderhub_ext.core.projects import project_folder
from binderhub_ext.core.repo import Repo

PASSWORD = "correct-horse-battery-staple"
ODD_NAMES = ("Zoë", "ana.maría@uni.example", "o'neil_2")
PEOPLE = ("maria", "jonas", "nora", *map(str.lower, ODD_NAMES))

HELD = '#!/bin/sh\ntouch begun\nuntil test -e go-on; do sleep 0.1; done\nexec "$@"\n'
"""A repository's `start`, which waits until a test lets it go on (:meth:`HomeHub.let_start`)."""

HELD_BUILD = '#!/bin/sh\ntouch "$TMPDIR/begun"\nuntil test -e "$TMPDIR/go-on"; do sleep 0.1; done\n'
"""A repository's `postBuild` that is held likewise (:meth:`HomeHub.let_build`)."""

_CONFIG = """
c = get_config()
c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = {password!r}
c.SharedPasswordAuthenticator.allowed_users = {people!r}
# The tests' own Git server is on loopback.
c.AddressPolicy.allowed_networks = ["127.0.0.0/8"]
# As it is by itself with the sign-in that `up` makes for one person.
c.JupyterHub.subdomain_host = {url!r}
"""


@dataclass
class HomeHub:
    """A running hub.

    Attributes:
        url: of the Hub, without a slash at its end.
        root: the data directory.
        git: where tests put their repositories.
        log: what the processes wrote since the last start.
        command: starts it.
        process: the Hub's, which started all others; none while it does not run.
    """

    url: str
    root: Path
    git: GitServer
    log: Path
    command: list[str] = field(repr=False)
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def main_page(self) -> str:
        return f"{self.url}/services/binder/"

    def servers_of(self, user: str) -> str:
        """Where this person's servers are, without a slash at its end."""
        return self.url.replace("//", f"//{user}.") + f"/user/{user}"

    @contextmanager
    def visitor(self, browser: Browser, user: str) -> Iterator[Page]:
        """Somebody else's browser, signed in."""
        context = new_context(browser)
        page = context.new_page()
        self.sign_in(page, user)
        yield page
        context.close()

    def sign_in(self, page: Page, user: str) -> None:
        """Sign in as a person does, and end up on our main page."""
        mainpage.sign_in(page, self.url, user, PASSWORD)

    def let_start(self, user: str, repo: RepoHandle) -> None:
        """Let somebody's server whose `start` is `HELD` go on, once it has begun."""
        project = project_folder(Repo("git", repo.url, repo.url))
        folder = self.root / "homes" / user / project
        wait_until((folder / "begun").exists, "no server begins", START)
        (folder / "go-on").touch()

    def let_build(self) -> None:
        """Let the build under way whose `postBuild` is `HELD_BUILD` go on, once it has begun."""

        def begun() -> list[Path]:
            return [*self.root.glob("run/builds/*/tmp/begun")]

        wait_until(begun, "no build begins", START)
        begun()[0].with_name("go-on").touch()

    def stop_server(self, page: Page, title: str) -> Locator:
        """Stop a server on the main page, as a person does; gives its row."""
        return mainpage.stop_server(page, self.url, title)

    @classmethod
    @contextmanager
    def running(cls, extra: str = "", engine: str = "local") -> Iterator[HomeHub]:
        """Start one in a directory of its own; when done, end it by its id and see it gone.

        Args:
            extra: lines added to its configuration.
            engine: where it builds and runs.
        """
        with ExitStack() as stack:
            # Below /tmp itself: paths of sockets must be short, and servers run as people's own
            # user ids, which have to pass through (pytest's directories let nobody through).
            folder = Path(tempfile.mkdtemp(prefix="home-hub-"))
            folder.chmod(0o711)
            stack.callback(remove_later, folder)
            git = stack.enter_context(GitServer(folder / "git"))
            port = free_ports(4)
            log = folder / "up.log"
            if engine == "local":
                (folder / "data/secrets").mkdir(mode=0o700, parents=True)
                give_environment(folder / "data")
            command = _command(folder, port, extra, engine)
            hub = cls(f"http://localhost:{port}", folder / "data", git, log, command)
            stack.callback(hub.stop)
            hub.start()
            yield hub

    def start(self) -> None:
        """Start it, as it was started before if it was; returns when it answers."""
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                self.command,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=self.log.parent,
            )
        deadline = time.monotonic() + START
        while time.monotonic() < deadline and self.process.poll() is None:
            # Not before it says so: whoever asks earlier fills its log with refusals.
            if self.url in self.log.read_text() and self.answers():
                return
            time.sleep(0.2)
        raise RuntimeError(f"binder-at-home up did not start:\n{self.log.read_text()[-5000:]}")

    def stop(self) -> None:
        """End it as Ctrl-C does, with people's servers; harmless if it does not run."""
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(SOON)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def crash(self) -> None:
        """End the Hub's process at once; it can do nothing about it."""
        process, self.process = self.process, None
        assert process is not None
        process.kill()
        process.wait()

    def answers(self) -> bool:
        """Whether the service is there."""
        try:
            with urllib.request.urlopen(f"{self.main_page}health", timeout=SOON) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def _command(folder: Path, port: int, extra: str, engine: str) -> list[str]:
    config = folder / "config.py"
    values = {"password": PASSWORD, "people": set(PEOPLE), "url": f"http://localhost:{port}"}
    config.write_text(_CONFIG.format(**values) + extra)
    up = [sys.executable, "-P", "-m", "binderhub_ext", "up", "--engine", engine, "--no-browser"]
    return [*up, "--data-dir", str(folder / "data"), "--port", str(port), "-f", str(config)]
