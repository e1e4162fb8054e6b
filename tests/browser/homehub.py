"""The whole thing for browser tests: `binder-at-home up` as a person starts it, and a Git server.

with HomeHub.running() as hub:
    hub.sign_in(page, "maria")
    repo = hub.git.create_repo("owner/name", {"requirements.txt": "humanize\\n"})
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from gitserver import GitServer
from playwright.sync_api import Page

PASSWORD = "correct-horse-battery-staple"
PEOPLE = ("maria", "jonas")
START = 120
STOP = 45

_CONFIG = """
c = get_config()
c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = {password!r}
c.SharedPasswordAuthenticator.allowed_users = {people!r}
# The tests' own Git server is on loopback.
c.AddressPolicy.allowed_networks = ["127.0.0.0/8"]
"""


@dataclass
class HomeHub:
    """A running hub.

    Attributes:
        url: of the Hub, without a slash at its end.
        root: the data directory.
        git: where tests put their repositories.
        log: what the processes wrote.
    """

    url: str
    root: Path
    git: GitServer
    log: Path

    @property
    def main_page(self) -> str:
        return f"{self.url}/services/binder/"

    def sign_in(self, page: Page, user: str) -> None:
        """Sign in as a person does, and end up on our main page."""
        page.goto(self.url)
        page.get_by_label("Username").fill(user)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.goto(self.main_page)
        page.get_by_role("heading", name="Open a repository").wait_for()

    @classmethod
    @contextmanager
    def running(cls, extra: str = "") -> Iterator[HomeHub]:
        """Start one in a directory of its own; when done, end it by its id and see it gone.

        Args:
            extra: lines added to its configuration.
        """
        with ExitStack() as stack:
            # Below /tmp itself: paths of sockets must be short, and servers run as people's own
            # user ids, which have to pass through (pytest's directories let nobody through).
            folder = Path(tempfile.mkdtemp(prefix="home-hub-"))
            folder.chmod(0o711)
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            git = stack.enter_context(GitServer(folder / "git"))
            port = _free_ports(4)
            log = folder / "up.log"
            hub = cls(f"http://127.0.0.1:{port}", folder / "data", git, log)
            stack.enter_context(_process(_command(folder, port, extra), log, hub.url))
            yield hub


def _command(folder: Path, port: int, extra: str) -> list[str]:
    config = folder / "config.py"
    config.write_text(_CONFIG.format(password=PASSWORD, people=set(PEOPLE)) + extra)
    up = [sys.executable, "-P", "-m", "binderhub_ext", "up", "--engine", "local", "--no-browser"]
    return [*up, "--data-dir", str(folder / "data"), "--port", str(port), "-f", str(config)]


@contextmanager
def _process(command: list[str], log: Path, url: str) -> Iterator[None]:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=environment, cwd=log.parent
        )
    try:
        _await_answer(process, url, log)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def _await_answer(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START
    while time.monotonic() < deadline and process.poll() is None:
        # Not before it says so: whoever asks earlier fills its log with refusals.
        if url in log.read_text() and _answers(f"{url}/services/binder/health"):
            return
        time.sleep(0.2)
    raise RuntimeError(f"binder-at-home up did not start:\n{log.read_text()[-5000:]}")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _free_ports(count: int) -> int:
    """The first of some free ports in a row."""
    for port in range(20_000 + os.getpid() % 10_000, 40_000, count):
        with ExitStack() as stack:
            try:
                for offset in range(count):
                    taken = stack.enter_context(socket.socket())
                    taken.bind(("127.0.0.1", port + offset))
            except OSError:
                continue
            return port
    raise RuntimeError("no free ports")
