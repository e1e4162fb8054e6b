"""The documented desktop: a link opens it in the person's browser, and nobody else reaches it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from basesystem import Machine
from documented import files_of
from gitserver import Executable, missing
from homehub import HomeHub
from patience import START_MS
from playwright.sync_api import Browser, Page
from processlist import processes

from binderhub_ext.engines.local.build import LocalBuilder
from binderhub_ext.engines.local.systems import obstacle

pytestmark = pytest.mark.skipif(
    bool(lacking := obstacle(LocalBuilder()) or missing()), reason=f"no desktop here: {lacking}"
)

PAGE = "how-to/desktop-beside-the-notebook.md"

FLOOD = r"""#!/bin/sh
trap 'echo in peace >ended; exit' HUP TERM
echo 1 >"$HOME/.vnc/localhost:1.pid"
printf '\033[44m\033[2J'
while :; do sleep 0.2; done
"""
"""A program of the repository's that makes the terminal blue until it is asked to end. What it says
of the desktop's process is what a desktop leaves that was killed."""

LIKE = """([red, green, blue]) => {
  const canvas = document.querySelector("#screen canvas");
  if (!canvas || !canvas.width) return false;
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const near = (at, value) => Math.abs(data[at] - value) < 40;
  let count = 0;
  for (let at = 0; at < data.length; at += 4)
    if (near(at, red) && near(at + 1, green) && near(at + 2, blue)) count += 1;
  return count > 50000;
}"""
"""Whether much of the desktop has a colour; the terminal has some 150000 points."""

WHITE, BLUE = [255, 255, 255], [0, 0, 238]


@pytest.fixture(scope="module")
def hub(machine: Machine) -> Iterator[HomeHub]:
    with HomeHub.running() as hub:
        machine.give_base(hub.root / "environments", os.geteuid())
        yield hub


def test_a_desktop_in_the_browser(
    hub: HomeHub, page: Page, browser: Browser, artifacts: Path
) -> None:
    """Windows are drawn, keys reach them, and programs end in peace with the server."""
    repo = hub.git.create_repo("ocean/desktop", {**files_of(PAGE), "flood": Executable(FLOOD)})
    hub.sign_in(page, "maria")
    page.goto(f"{hub.main_page}v2/git/{quote(repo.url, safe='')}/main?target=desktop")
    page.get_by_role("button", name="Launch").click()
    _wait_for_terminal(page)
    page.locator("#screen canvas").click(position={"x": 60, "y": 60})
    page.keyboard.type("./flood\n")
    page.wait_for_function(LIKE, arg=BLUE)
    page.screenshot(path=artifacts / "desktop.png")

    _check_nobody_else_reaches_it(hub, page.url, browser)
    stopped = hub.stop_server(page, "desktop")
    (ended,) = hub.root.glob("homes/maria/**/ended")
    assert ended.read_text() == "in peace\n"
    stopped.get_by_role("button", name="Open").click()
    _wait_for_terminal(page)
    hub.stop_server(page, "desktop")


def _wait_for_terminal(page: Page) -> None:
    """Wait until the desktop is there and its terminal is drawn."""
    page.wait_for_url("**/user/maria/desktop-*/desktop/", timeout=START_MS)
    page.wait_for_function(LIKE, arg=WHITE)


def _check_nobody_else_reaches_it(hub: HomeHub, desktop: str, browser: Browser) -> None:
    with hub.visitor(browser, "jonas") as jonas:
        refused = jonas.goto(desktop)
        assert refused is not None and refused.status == 403
    address = urlsplit(desktop)
    handshake = {
        "Host": address.netloc,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "a" * 22 + "==",
    }
    connection = HTTPConnection("127.0.0.1", address.port or 0)
    connection.request("GET", f"{address.path[:-1]}-websockify/", headers=handshake)
    assert connection.getresponse().status in (302, 403)
    connection.close()
    (server,) = processes("/usr/bin/Xtigervnc")
    assert not _listening(server)


def _listening(pid: int) -> list[str]:
    """Addresses at which a process listens, in the network that it has."""
    process = Path(f"/proc/{pid}")
    links = [str(link.readlink()) for link in (process / "fd").iterdir()]
    own = re.findall(r"socket:\[(\d+)\]", " ".join(links))
    assert own
    tables = [(process / "net" / name).read_text() for name in ("tcp", "tcp6")]
    sockets = [line.split() for table in tables for line in table.splitlines()[1:]]
    return [fields[1] for fields in sockets if fields[3] == "0A" and fields[9] in own]
