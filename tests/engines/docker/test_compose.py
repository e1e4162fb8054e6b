"""The example for one server of a lab, run as it is documented: compose, PostgreSQL, Caddy, TLS.

Everything is real but two things: people sign in with a password instead of at GitHub, and where
the example names images of other people, which not every machine can pull, the same programs come
from Debian. The ports are ones that are free.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import pytest
import requests
from chromium import new_context
from dockerhome import servers
from dockerhub import BASE, docker, remove_images, remove_network, skip_without_docker
from gitserver import GitServer
from homehub import PASSWORD, HomeHub
from lab import notebook, output, run_cells, save, wait_for_lab
from patience import SOON, START, START_MS, wait_until
from playwright.sync_api import Browser, Page
from ports import free_ports

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "docs" / "examples" / "compose"
PREFIX = f"bah-compose-{os.getpid()}"

_APT = "apt-get update -qq && apt-get install -y -qq --no-install-recommends"
IMAGES = {
    "docker": """
FROM scratch
COPY docker /usr/local/bin/docker
COPY docker-buildx /usr/local/libexec/docker/cli-plugins/docker-buildx
""",
    "postgres": f"""
FROM {BASE}
RUN {_APT} postgresql
COPY postgres /entrypoint
ENTRYPOINT ["/entrypoint"]
""",
    "caddy": f"""
FROM {BASE}
RUN {_APT} caddy
ENV XDG_DATA_HOME=/data
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
""",
}
CONFIG = f"""
c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = {PASSWORD!r}
c.SharedPasswordAuthenticator.allowed_users = {{"maria"}}
c.DockerBuilder.buildpack = "uv"
c.DockerBuilder.base_image = {BASE!r}
c.DockerBuilder.image_prefix = "{PREFIX}/"
c.DockerBuilder.min_free_space = 1 << 30
c.BinderDockerSpawner.network_name = {PREFIX!r}
c.AddressPolicy.allowed_networks = ["127.0.0.0/8"]
"""
KEPT = "open('kept.txt', 'w').write('by maria'); print('written in', __import__('os').getcwd())"


@dataclass(frozen=True)
class Lab:
    """The example, running.

    Attributes:
        hub: how people reach it.
        command: of compose, up to its subcommand.
    """

    hub: HomeHub
    command: list[str]

    def compose(self, *arguments: str) -> str:
        """Run a subcommand; gives what it said."""
        done = subprocess.run(
            [*self.command, *arguments], capture_output=True, text=True, timeout=2 * START
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
        return done.stdout.strip()

    def rows(self, database: str, query: str) -> list[str]:
        """What PostgreSQL answers."""
        ask = ("psql", "--username=binder", f"--dbname={database}", "-Atc", query)
        return self.compose("exec", "-T", "postgres", *ask).splitlines()


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    skip_without_docker()
    if os.geteuid() != 0:
        pytest.skip("only root can share mounts with containers")
    with ExitStack() as stack:
        folder = Path(mkdtemp(prefix="lab-"))
        folder.chmod(0o711)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        data = stack.enter_context(shared_mount(folder / "data"))
        git = stack.enter_context(GitServer(folder / "git"))
        lab = described(folder, data, git)
        stack.callback(remove_network, PREFIX)
        stack.callback(remove_images, PREFIX)
        make_images(folder / "images")
        stack.callback(lab.compose, "down", "--volumes", "--timeout=60")
        lab.compose("up", "--build", "--detach", "--wait")
        wait_until_it_answers(lab)
        yield lab


@contextmanager
def shared_mount(folder: Path) -> Iterator[Path]:
    """A folder whose mounts containers share, as under systemd every folder's are."""
    folder.mkdir(mode=0o711)
    subprocess.run(["mount", "--bind", folder, folder], check=True)
    subprocess.run(["mount", "--make-shared", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--recursive", "--lazy", folder], check=True)


def described(folder: Path, data: Path, git: GitServer) -> Lab:
    """The example's files with our ports and names, as its documentation says to make them."""
    port = free_ports(8)
    https, postgres = port + 4, port + 5
    example = folder / "compose"
    shutil.copytree(EXAMPLE, example)
    for name in ("compose.yaml", "jupyterhub_config.py", "Caddyfile"):
        text = (example / name).read_text().replace("127.0.0.1:5432", f"127.0.0.1:{postgres}")
        text = text.replace("127.0.0.1:8000", f"127.0.0.1:{port}").replace("= 8000", f"= {port}")
        (example / name).write_text(text)
    caddy = example / "Caddyfile"
    ports = f"{{\n\tadmin off\n\thttp_port {port + 6}\n\thttps_port {https}\n}}\n"
    # No provider of DNS knows our names: Caddy is its own authority here.
    tls = "dns {$DNS_PROVIDER} {$DNS_TOKEN}"
    assert tls in caddy.read_text()
    caddy.write_text(ports + caddy.read_text().replace(tls, "issuer internal"))
    with (example / "jupyterhub_config.py").open("a") as config:
        config.write(f"{CONFIG}\nc.JupyterHub.subdomain_host = 'https://localhost:{https}'\n")
    (example / "postgres-password").write_text(secrets.token_hex(24))
    values = {"HUB_HOST": "localhost", "DATA_DIR": str(data)}
    values |= dict.fromkeys(
        (
            *("GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET", "GITHUB_ORGANIZATION"),
            *("DNS_PROVIDER", "DNS_TOKEN"),
        ),
        "x",
    )
    (example / ".env").write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    override = example / "override.json"
    override.write_text(json.dumps({"services": our_images(folder, example)}))
    command = ["docker", "compose", "--project-name", PREFIX, "--project-directory", str(example)]
    command += ["-f", str(example / "compose.yaml"), "-f", str(override)]
    hub = HomeHub(f"https://localhost:{https}", data, git, folder / "no.log", [])
    return Lab(hub, command)


def our_images(folder: Path, example: Path) -> dict[str, object]:
    """What compose is told of images."""
    wheel = folder / "dist"
    make = [sys.executable, "-m", "build", "--wheel", "--installer", "uv", "--outdir", wheel, ROOT]
    subprocess.run(make, check=True, capture_output=True)
    build = {
        "context": str(wheel),
        "dockerfile": str(example / "Dockerfile"),
        "args": {"BASE": BASE, "DOCKER": f"{PREFIX}-docker"},
    }
    ours = str(folder / "images")
    # The authorities this machine trusts, for npm.
    trusted = {"NODE_EXTRA_CA_CERTS": "/etc/ssl/certs/ca-certificates.crt"}
    return {
        "hub": {"build": build, "image": f"{PREFIX}-hub", "environment": trusted},
        "postgres": {
            "build": {"context": ours, "dockerfile": "postgres.dockerfile"},
            "image": f"{PREFIX}-postgres",
        },
        "proxy": {
            "build": {"context": ours, "dockerfile": "caddy.dockerfile"},
            "image": f"{PREFIX}-caddy",
        },
    }


def make_images(context: Path) -> None:
    """Make the image that the Hub's begins from; compose makes the others beside that one."""
    context.mkdir()
    shutil.copy(Path(__file__).parent / "composed" / "postgres", context)
    shutil.copy(shutil.which("docker") or "", context / "docker")
    plugins = json.loads(docker("info", "--format={{json .ClientInfo.Plugins}}"))
    (buildx,) = [one["Path"] for one in plugins if one["Name"] == "buildx"]
    shutil.copy(buildx, context / "docker-buildx")
    for name, lines in IMAGES.items():
        (context / f"{name}.dockerfile").write_text(lines)
    file, tag = f"--file={context / 'docker.dockerfile'}", f"--tag={PREFIX}-docker"
    docker("buildx", "build", "--load", "--quiet", tag, file, str(context))


@pytest.fixture
def maria(lab: Lab, browser: Browser) -> Iterator[Page]:
    """Her browser, which takes the certificate that Caddy signed itself for `localhost`."""
    context = new_context(browser, ignore_https_errors=True, reduced_motion="reduce")
    page = context.new_page()
    lab.hub.sign_in(page, "maria")
    yield page
    context.close()


def launch(page: Page, repo: str) -> None:
    page.get_by_label("Repository").fill(repo)
    page.get_by_text("More options").click()
    page.get_by_label("File to open").fill("index.ipynb")
    page.get_by_label("Open with").select_option("JupyterLab")
    page.get_by_role("button", name="Launch", exact=True).click()
    page.wait_for_url("**/user/maria/tides-*/lab/**", timeout=START_MS)
    wait_for_lab(page)


def test_the_main_job(lab: Lab, maria: Page, artifacts: Path) -> None:
    """Sign in by TLS, launch, work in JupyterLab; the hub is restarted; the files are there."""
    repo = lab.hub.git.create_repo("ocean/tides", {"index.ipynb": notebook(KEPT)})
    launch(maria, str(repo.url))
    assert maria.url.startswith(lab.hub.servers_of("maria"))
    run_cells(maria, [0])
    assert "/home/jovyan/projects/" in output(maria, 0).inner_text()
    save(maria)
    maria.screenshot(path=artifacts / "compose-lab.png")

    assert lab.rows("hub", "select name from users") == ["maria"]
    assert lab.rows("service", "select count(*) from launches") == ["1"]
    assert len(servers(lab.hub)) == 1

    lab.compose("restart", "hub")
    assert servers(lab.hub) == [], "the end of the hub is the end of people's servers"
    wait_until_it_answers(lab)
    maria.goto(lab.hub.main_page)
    launch(maria, str(repo.url))
    kept = maria.locator(".jp-DirListing-item", has_text="kept.txt")
    kept.wait_for()
    assert lab.rows("service", "select count(*) from launches") == ["2"]


def test_plain_http_leads_to_tls(lab: Lab) -> None:
    port = int(lab.hub.url.rpartition(":")[2]) + 2
    answer = requests.get(f"http://localhost:{port}/", allow_redirects=False, timeout=SOON)
    assert answer.status_code == 308 and answer.headers["Location"].startswith("https://localhost")


def wait_until_it_answers(lab: Lab) -> None:
    """Ask through Caddy, by the authority it made for itself."""
    made = "/data/caddy/pki/authorities/local/root.crt"
    authority = lab.hub.root.parent / "authority.crt"

    def is_made() -> bool:
        look = [*lab.command, "exec", "-T", "proxy", "test", "-s", made]
        return subprocess.run(look, capture_output=True).returncode == 0

    def answers() -> bool:
        try:
            address = f"{lab.hub.main_page}health"
            return requests.get(address, verify=str(authority), timeout=SOON).status_code == 200
        except requests.ConnectionError:
            return False

    def log() -> str:
        return lab.compose("logs", "--no-color")

    # Caddy has it a moment after it runs, and listens only then.
    wait_until(is_made, log, START)
    lab.compose("cp", f"proxy:{made}", str(authority))
    wait_until(answers, log, START)
