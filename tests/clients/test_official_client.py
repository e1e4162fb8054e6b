"""BinderHub's own client from npm, unmodified, against a real hub with the `local` engine."""

from __future__ import annotations

import json
import os
import subprocess
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

import npm
import pytest
from foreignsite import ForeignSite
from gitserver import RepoHandle
from homehub import HomeHub
from patience import START
from playwright.sync_api import Page

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def repo(hub: HomeHub) -> RepoHandle:
    files = {"requirements.txt": "cowsay\n", "index.ipynb": "{}"}
    return hub.git.create_repo("clients/official", files)


def spec(repo: RepoHandle, ref: str = "main") -> str:
    return f"git/{quote(repo.url, safe='')}/{ref}"


def fetch(
    hub: HomeHub, token: str, what: str, *options: str, endpoint: str = "build/"
) -> list[dict[str, Any]]:
    """The events the client yields, in Node."""
    node = npm.node()
    assert node
    command = [
        str(node.node),
        str(HERE / "build.mjs"),
        f"{hub.main_page}{endpoint}",
        what,
        *options,
    ]
    environment = {"PATH": os.environ["PATH"], "BINDER_TOKEN": token}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=START)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def phases(events: list[dict[str, Any]]) -> list[str]:
    """The phases in their order, each run of one as one."""
    return [phase for phase, _ in groupby(event["phase"] for event in events)]


def test_builds_launches_and_finds_it_again(
    clients: Path, hub: HomeHub, token: str, repo: RepoHandle
) -> None:
    dropped = fetch(hub, token, spec(repo), "--until", "Fetch")
    assert dropped[-1]["phase"] in ("waiting", "fetching")
    resumed = fetch(hub, token, spec(repo))
    assert [e["message"] for e in resumed][: len(dropped)] == [e["message"] for e in dropped]
    seen = phases(resumed)
    assert seen == ["waiting", "fetching", "building", "built", "launching", "ready"]
    assert any("cowsay" in event["message"] for event in resumed)

    again = fetch(hub, token, spec(repo))
    assert phases(again) == ["waiting", "built", "launching", "ready"]
    assert again[-1]["url"] == resumed[-1]["url"]
    assert again[-1]["url"].startswith(f"{hub.servers_of('maria')}/official-")


def test_says_why_not(clients: Path, hub: HomeHub, token: str, repo: RepoHandle) -> None:
    [refused] = fetch(hub, token, "nowhere/x/main")
    assert (refused["phase"], refused["status_code"]) == ("failed", 400)
    [stranger] = fetch(hub, "wrong", spec(repo))
    assert (stranger["phase"], stranger["status_code"]) == ("failed", 403)
    gone = fetch(hub, token, spec(repo, "no-such-branch"))
    assert phases(gone) == ["waiting", "failed"]


RUN = """
import { BinderRepository } from "@jupyterhub/binderhub-client/client.js";
import { LaunchSpec } from "@jupyterhub/binderhub-client/spec.js";

window.launch = async (endpoint, spec, apiToken) => {
  const repository = new BinderRepository(spec, new URL(endpoint), { apiToken });
  const phases = [];
  for await (const event of repository.fetch()) {
    phases.push(event.phase);
    if (event.phase === "failed") throw new Error(event.message);
    if (event.phase !== "ready") continue;
    repository.close();
    const there = new LaunchSpec("api/status").getJupyterServerRedirectUrl(
      new URL(event.url), event.token,
    );
    const headers = { Authorization: `token ${event.token}` };
    const answer = await fetch(there.origin + there.pathname, { headers });
    return { phases, address: there.href, status: answer.status };
  }
  throw new Error("ended early");
};
"""


def test_in_chromium_on_another_site(
    clients: Path, hub: HomeHub, site: ForeignSite, token: str, repo: RepoHandle, page: Page
) -> None:
    site.pages["/client.js"] = bundle(RUN)
    page.goto(site.show("/client.html", "", '<script type="module" src="/client.js"></script>'))
    page.wait_for_function("!!window.launch")
    arguments = [f"{hub.main_page}build", spec(repo), token]
    found = page.evaluate("async (them) => await launch(...them)", arguments)
    assert found["phases"][-1] == "ready"
    assert found["status"] == 200
    assert "/user/maria/official-" in found["address"]


def test_other_sites_are_not_let_in(
    clients: Path, hub: HomeHub, site: ForeignSite, token: str, repo: RepoHandle, page: Page
) -> None:
    site.pages["/client.js"] = bundle(RUN)
    address = site.show("/client.html", "", '<script type="module" src="/client.js"></script>')
    page.goto(address.replace("127.0.0.1", "localhost"))
    page.wait_for_function("!!window.launch")
    arguments = [f"{hub.main_page}build", spec(repo), token]
    error = page.evaluate(
        "async (them) => { try { await launch(...them) } catch (error) { return String(error) } }",
        arguments,
    )
    assert "fetch" in error


def bundle(source: str) -> str:
    """A script with all it imports, as a site's bundler makes it."""
    esbuild = npm.MODULES / ".bin" / "esbuild"
    command = [str(esbuild), "--bundle", "--format=esm", "--loader=js"]
    done = subprocess.run(command, cwd=HERE, input=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout
