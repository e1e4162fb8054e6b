"""The main job with containers, as a person does it: `up`, sign in, paste, watch, work, again."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from dockerhub import BASE, docker, remove_images, remove_network, skip_without_docker
from gitserver import GitServer
from hubprocess import Person, up
from patience import SOON, START

from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.engines.docker.sweep import hub_label

SERVICE = "/services/binder"

_CONFIG = f"""
c = get_config()
c.DockerBuilder.buildpack = "uv"
c.DockerBuilder.base_image = {BASE!r}
c.DockerBuilder.image_prefix = "bah-up-tests/"
c.BinderDockerSpawner.network_name = "bah-up-tests"
c.DockerBuilder.min_free_space = 1 << 30
c.LaunchPolicy.images = ["bah-up-lab:.*", "127.0.0.1:1/.*"]
# The tests' own Git server is on loopback.
c.AddressPolicy.allowed_networks = ["127.0.0.0/8"]
"""


class Browser(Person):
    """Somebody who uses our pages."""

    def launch(self, repo: str, **fields: str) -> list[dict[str, Any]]:
        """Fill in the form and watch; returns the events."""
        done = self.post(repo=repo, **fields)
        assert done.status_code == 303, done.text
        launch = done.headers["Location"].rpartition("/")[2]
        stream = f"{self.url}{SERVICE}/api/launches/{launch}/events"
        events = []
        with self.session.get(stream, stream=True, timeout=START) as answer:
            for line in answer.iter_lines():
                if line.startswith(b"data:"):
                    events.append(json.loads(line[5:]))
        return events

    def post(self, **fields: str) -> requests.Response:
        """Send the form; returns what answers it."""
        page = self.session.get(f"{self.url}{SERVICE}/", timeout=SOON)
        token = re.search(r'name="_xsrf" value="([^"]+)"', page.text)
        assert token, page.text
        return self.session.post(
            f"{self.url}{SERVICE}/launch",
            data={"_xsrf": token[1], **fields},
            allow_redirects=False,
            timeout=SOON,
        )

    def save(self, server_url: str, path: str, content: str) -> None:
        """Save a file as JupyterLab does."""
        self.session.get(server_url, timeout=SOON)
        host, base = urlsplit(server_url).netloc, "/".join(urlsplit(server_url).path.split("/")[:4])
        xsrf = self.session.cookies.get("_xsrf", path=f"{base}/")
        saved = self.session.put(
            f"http://{host}{base}/api/contents/{path}",
            json={"type": "file", "format": "text", "content": content},
            headers={"X-XSRFToken": str(xsrf)},
            timeout=SOON,
        )
        assert saved.status_code in (200, 201), saved.text


def test_the_main_job(tmp_path: Path, free_ports: int, gitserver: GitServer) -> None:
    """First launch builds, files are kept, a commit of content alone does not build again."""
    skip_without_docker()
    config, data = tmp_path / "conf.py", tmp_path / "data"
    for folder in (tmp_path, *tmp_path.parents):
        if folder.name.startswith(("pytest-of-", "pytest-", "popen-")) or folder == tmp_path:
            folder.chmod(0o711)
    config.write_text(_CONFIG)
    repo = gitserver.create_repo(
        "owner/name",
        {"requirements.txt": "six==1.16.0\n", "apt.txt": "figlet\n", "index.ipynb": "{}"},
    )
    try:
        with up(data, free_ports, "--engine", "docker", "-f", str(config)) as running:
            with Browser(running.url) as person:
                person.sign_in(running.user, running.password)
                events = person.launch(str(repo.url), filepath="index.ipynb")
                assert events[-1]["phase"] == "ready", events[-5:]
                assert any("figlet" in event["message"] for event in events if event.get("log"))
                landing = events[-1]["url"]
                assert landing.endswith("/tree/index.ipynb")
                person.save(landing, "mine.txt", "my work")
                again = person.launch(str(repo.url))
                assert again[-1]["phase"] == "ready"
                assert not any(event.get("log") for event in again)
                assert_started_again(person, str(repo.url), data)
                docker("tag", again[-1]["imageName"], "bah-up-lab:1")
                assert_prebuilt_images(person, str(repo.url))
            (kept,) = data.glob("homes/*/projects/*/*/*/mine.txt")
            assert kept.read_text() == "my work"
            assert kept.stat().st_uid == kept.parent.stat().st_uid != 0
            assert running.stop() == 0
            label = f"label=binder-at-home.hub={hub_label(DataDirectory(data))}"
            assert docker("ps", "-aq", f"--filter={label}") == ""
    finally:
        # A failure above leaves servers: they outlive a Hub that is killed.
        mine = f"label=binder-at-home.hub={hub_label(DataDirectory(data))}"
        for server in docker("ps", "-aq", f"--filter={mine}").split():
            docker("rm", "-f", server)
        remove_images("bah-up-lab:")
        remove_images("bah-up-tests/")
        remove_network("bah-up-tests")


def assert_started_again(person: Browser, repo: str, data: Path) -> None:
    """A server that was killed, while the Hub still has it for running."""
    mine = f"label=binder-at-home.hub={hub_label(DataDirectory(data))}"
    (server,) = docker("ps", "-q", f"--filter={mine}").split()
    docker("kill", server)
    last = person.launch(repo)[-1]
    assert last["phase"] == "ready", last
    assert person.session.get(last["url"], timeout=SOON).status_code == 200
    assert docker("ps", "-q", f"--filter={mine}").split() != [server]


def assert_prebuilt_images(person: Browser, repo: str) -> None:
    """With files of a repository, alone, and not at all if the administrator did not say so."""
    with_files = person.launch(repo, image="bah-up-lab:1", server="pre")
    assert with_files[-1]["phase"] == "ready", with_files[-5:]
    assert with_files[-1]["imageName"].startswith("bah-up-tests/")
    alone = person.launch("", image="bah-up-lab:1", server="alone", files="none")
    assert alone[-1]["phase"] == "ready", alone[-5:]
    missing = person.launch(repo, image="127.0.0.1:1/lab", server="gone")
    assert missing[-1]["phase"] == "failed" and missing[-1]["code"] == "registry-unavailable"
    refused = person.post(repo=repo, image="somebody/else:1")
    assert refused.status_code == 403 and "not on this hub" in refused.text


def test_doctor_tells_of_docker(tmp_path: Path) -> None:
    skip_without_docker()
    command = [sys.executable, "-P", "-m", "binderhub_ext", "doctor", "--engine", "docker"]
    command += ["--data-dir", str(tmp_path / "data")]
    done = subprocess.run(command, capture_output=True, text=True)
    for words in ("docker engine: answers", "buildx: ", "free disk space: ", "servers' network: "):
        assert words in done.stdout, done.stdout


def test_up_without_a_daemon_says_so(tmp_path: Path, free_ports: int) -> None:
    command = [sys.executable, "-P", "-m", "binderhub_ext", "up", "--engine", "docker"]
    command += ["--data-dir", str(tmp_path / "data"), "--port", str(free_ports), "--no-browser"]
    environment = {**os.environ, "DOCKER_HOST": "unix:///nonexistent/docker.sock"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SOON)
    assert done.returncode != 0
    assert "docker" in done.stdout + done.stderr and "Traceback" not in done.stdout + done.stderr
