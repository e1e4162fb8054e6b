"""`binder-at-home up` as a process, and a person with a browser's cookies in front of it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import Cookie, DefaultCookiePolicy
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from urllib.request import Request

import requests
from patience import SOON
from requests.adapters import HTTPAdapter

READY = "Ctrl-C stops it."


@dataclass
class Running:
    """A started `up`."""

    process: subprocess.Popen[str]
    output: str
    port: int

    @property
    def url(self) -> str:
        return self._said("Open it in a browser").rstrip("/")

    @property
    def user(self) -> str:
        return self._said("User name")

    @property
    def password(self) -> str:
        return self._said("Password")

    def _said(self, what: str) -> str:
        found = re.search(rf"{what}:\s+(\S+)", self.output)
        assert found, self.output
        return found[1]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end; tells what still ran and what was said if it does not."""
        self.process.send_signal(number)
        try:
            return self.process.wait(SOON)
        except subprocess.TimeoutExpired:
            left = [self.process.pid, *descendants(self.process.pid)]
            running = {pid: command_line(pid).replace("\0", " ")[:200] for pid in left}
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            assert self.process.stdout is not None
            said = self.process.stdout.read()
            raise AssertionError(f"it did not stop; still there: {running}\n{said}") from None


@contextmanager
def up(
    data_dir: Path,
    port: int,
    *arguments: str,
    cwd: Path | None = None,
    python: str = "",
    become: Callable[[list[str]], list[str]] = list,
) -> Iterator[Running]:
    """Start and wait until it says how to sign in; killed with all its children at the end.

    Args:
        become: makes of the command the same as another user.
    """
    command = [python or sys.executable, "-P", "-m", "binderhub_ext", "up"]
    command += ["--data-dir", str(data_dir), "--port", str(port), "--no-browser", *arguments]
    command = become(command)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        # Tests that run under nohup: children would ignore the end of their terminal as well.
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    process = subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    lines = []
    try:
        for line in process.stdout:
            lines.append(line)
            if READY in line:
                break
        assert lines and READY in lines[-1], "".join(lines)
        yield Running(process, "".join(lines), port)
    finally:
        for pid in [*descendants(process.pid), process.pid] if process.poll() is None else []:
            os.kill(pid, signal.SIGKILL)
        process.wait(SOON)
        process.stdout.close()


def descendants(pid: int) -> list[int]:
    """Every process below one, youngest first."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found, more = [], [pid]
    while more:
        more = [child for parent in more for child in children.get(parent, [])]
        found = more + found
    return found


def command_line(pid: int) -> str:
    """The arguments of a process, none if it has gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def alive(pids: list[int]) -> list[int]:
    """Those that still run; zombies do not."""
    return [pid for pid in pids if _state(pid) not in "ZX"]


def gone(pids: list[int]) -> bool:
    """Whether all of them end."""
    deadline = time.monotonic() + SOON
    while alive(pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not alive(pids)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


class BrowsersCookies(DefaultCookiePolicy):
    """Takes a cookie of `localhost` that names its host, as browsers do, for that host alone.

    Python's own policy wants a dot in a domain.
    """

    def set_ok_domain(self, cookie: Cookie, request: Request) -> bool:
        if cookie.domain == ".localhost":
            cookie.domain, cookie.domain_specified = "localhost.local", False
        return super().set_ok_domain(cookie, request)


class BrowsersNames(HTTPAdapter):
    """Finds names below `localhost` on this machine, as browsers do without asking a resolver."""

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        url = str(request.url)
        name = urlsplit(url).netloc
        if (urlsplit(url).hostname or "").endswith(".localhost"):
            request.headers["Host"] = name
            request.url = url.replace(name, f"127.0.0.1:{urlsplit(url).port}", 1)
        response = super().send(request, *args, **kwargs)
        request.url = response.url = url
        # a redirect goes elsewhere
        request.headers.pop("Host", None)
        return response


class Person:
    """Somebody's browser, without the drawing."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.mount("http://", BrowsersNames())
        self.session.cookies.set_policy(BrowsersCookies())

    def __enter__(self) -> Person:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.session.close()

    def sign_in(self, user: str, password: str) -> requests.Response:
        """Fill in the sign-in page; returns the page that follows it."""
        page = self.session.get(f"{self.url}/", timeout=SOON)
        xsrf = self.session.cookies.get("_xsrf", path="/hub/")
        return self.session.post(
            f"{self.url}/hub/login",
            params=dict(_query(page.url)),
            data={"username": user, "password": password, "_xsrf": xsrf},
            timeout=SOON,
        )

    def api(self, method: str, path: str, **options: object) -> requests.Response:
        """Call the Hub's API as the page would."""
        xsrf = self.session.cookies.get("_xsrf", path="/hub/")
        headers = {"X-XSRFToken": str(xsrf), "Referer": f"{self.url}/hub/home"}
        return self.session.request(
            method, f"{self.url}/hub/api/{path}", headers=headers, timeout=SOON, **options
        )


def _query(url: str) -> list[tuple[str, str]]:

    return parse_qsl(urlsplit(url).query)
