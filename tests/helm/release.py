"""The chart, installed on the cluster, and people who use what it installs.

One installation serves all tests: its own claims, network policies, Hub, proxy and service.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener, urlopen

from charts import CHART
from charts import helm as run_helm
from kubehub import (
    BASE,
    HOST,
    IMAGE,
    LAYERS,
    REGISTRY,
    claim_of_folder,
    kubectl,
    kubectl_command,
    layers_folder,
    remove_namespace,
)
from patience import SOON, START

from binderhub_ext.client import Client, Started
from binderhub_ext.core.errors import BinderError

NODE = REGISTRY.partition(":")[0]
IMAGES = f"chart-{os.getpid()}"
"""What its images are called in the registry."""
PASSWORD = "a-long-password-for-tests"
SIZE = 1 << 30
"""Bytes of the data claim, which are really no more."""

VALUES = f"""
image: {{name: {IMAGE.rpartition(":")[0]}, tag: {IMAGE.rpartition(":")[2]}, pullPolicy: Never}}
images: {{repository: "{REGISTRY}/{IMAGES}", insecure: true}}
data: {{accessMode: ReadWriteOnce, size: "{SIZE}", storageClass: node-memory}}
database: {{size: 1Gi}}
proxy: {{service: {{type: NodePort}}}}
builds:
  cache: {{enabled: true, existingClaim: {LAYERS}}}
  config:
    KubernetesBuilder:
      {{buildpack: uv, base_image: "{BASE}", build_memory: 2147483648, min_free_space: 1048576}}
    # Tests' repositories are on this machine.
    AddressPolicy: {{allowed_networks: ["{HOST}/32"]}}
servers:
  config:
    BinderKubeSpawner: {{mem_limit: 512M, start_timeout: 300, delete_grace_period: 1}}
networkPolicy: {{buildsReach: {{registry: {{cidr: {NODE}/32}}}}}}
hub:
  config:
    JupyterHub: {{authenticator_class: dummy}}
    DummyAuthenticator: {{password: {PASSWORD}}}
    Authenticator: {{allow_all: true, admin_users: [root]}}
"""


REACH = """
import socket, sys
for place in sys.argv[1:]:
    host, port = place.rsplit(":", 1)
    try:
        with socket.create_connection((host, int(port)), 3) as connection:
            print(place, "reached")
    except OSError:
        print(place, "refused")
"""


class Release:
    """An installation.

    Args:
        namespace: in which it is; made and removed here.
        settings: further ones, as `name=value`.
        chart: the chart's folder, or its package.
    """

    def __init__(self, namespace: str, *settings: str, chart: Path = CHART) -> None:
        self.namespace, self.chart = namespace, chart
        self._settings = [f"--set={setting}" for setting in settings]

    @contextmanager
    def installed(self) -> Iterator[Release]:
        """Installed in a namespace of its own, with the level of Pod Security we ask for."""
        kubectl("create", "namespace", self.namespace)
        level = "pod-security.kubernetes.io/enforce=baseline"
        kubectl("label", "namespace", self.namespace, level)
        claim_of_folder(self.namespace, LAYERS, layers_folder())
        try:
            self.install()
            yield self
        finally:
            remove_namespace(self.namespace)

    def helm(self, *arguments: str) -> str:
        done = run_helm("--namespace", self.namespace, *arguments, stdin=VALUES)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def install(self, *settings: str) -> None:
        """Install it, or change what is installed; returns when all of it runs and is found."""
        self.apply(*settings)
        self.until_found()

    def until_found(self) -> None:
        """Wait until requests reach the service, and it the Hub.

        The node, and who looks up names, learn of a pod a moment after it is ready.
        """
        until = time.monotonic() + SOON
        while True:
            try:
                ask(self.address, "", "GET", "services/binder/health")
                return
            except (AssertionError, OSError):
                assert time.monotonic() < until, "nothing is found at its address"
                time.sleep(0.2)

    def apply(self, *settings: str) -> None:
        """Have Helm install or change it."""
        wait = ("--wait", "--timeout=5m")
        self.helm(
            "upgrade", "--install", "it", str(self.chart), "-f=-", *wait, *self._settings, *settings
        )

    def kubectl(self, *arguments: str, check: bool = True) -> str:
        return kubectl(f"--namespace={self.namespace}", *arguments, check=check)

    def get(self, *what: str) -> list[dict[str, Any]]:
        """Objects of the namespace."""
        items: list[dict[str, Any]] = json.loads(self.kubectl("get", *what, "--output=json"))[
            "items"
        ]
        return items

    # --- its parts ------------------------------------------------------------------------

    def parts(self) -> dict[str, tuple[str, int]]:
        """Hub, proxy and service: each pod's identity, and how often it was started again."""
        return {
            pod["metadata"]["labels"]["component"]: (
                pod["metadata"]["uid"],
                pod["status"]["containerStatuses"][0]["restartCount"],
            )
            for pod in self.get("pods", "--selector=app=binder-at-home")
            if pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]
        }

    def delete_part(self, part: str) -> None:
        """Delete a part's pod, which has a second to end; returns when it is gone."""
        self.kubectl("delete", "pod", f"--selector=component={part}", "--now")

    def until_ready(self) -> None:
        """Wait until Hub, proxy and service are there and answer."""
        for part in ("hub", "proxy", "service"):
            rollout = ("rollout", "status", f"deployment/it-binder-{part}", "--timeout=5m")
            self.kubectl(*rollout)

    def inside_hub(self, *command: str) -> str:
        """What a command in the Hub's container says."""
        return self.kubectl("exec", "deploy/it-binder-hub", "--", *command)

    def servers(self) -> list[str]:
        """Names of the pods of people's servers."""
        found = self.get("pods", "--selector=component=singleuser-server,app=jupyterhub")
        return [pod["metadata"]["name"] for pod in found]

    def claims(self) -> dict[str, str]:
        """Its claims, and the volume of each."""
        return {c["metadata"]["name"]: c["spec"]["volumeName"] for c in self.get("pvc")}

    def secrets(self) -> dict[str, dict[str, str]]:
        """What is in its own Secrets; Helm's records are not among them."""
        mine = self.get("secrets", "--selector=app=binder-at-home")
        return {secret["metadata"]["name"]: secret["data"] for secret in mine}

    def server_of(self, name: str) -> dict[str, Any]:
        """The pod of somebody's one server."""
        label = f"--selector=component=singleuser-server,hub.jupyter.org/username={name}"
        (pod,) = self.get("pods", label)
        return pod

    def reached(self, *where: str, places: list[str]) -> list[str]:
        """Which of these a container reaches."""
        told = self.kubectl("exec", *where, "--", "python3", "-c", REACH, *places)
        return [line.split()[0] for line in told.splitlines() if line.endswith(" reached")]

    def builds(self) -> list[str]:
        """Names of the Jobs there are."""
        return [job["metadata"]["name"] for job in self.get("jobs")]

    @contextmanager
    def made_jobs(self) -> Iterator[list[str]]:
        """Names of all Jobs that are made meanwhile, as they are known at the end."""
        names: list[str] = []
        watch = ("--watch", "--output-watch-events", "--output=json")
        command = kubectl_command("get", "jobs", f"--namespace={self.namespace}", *watch)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield names
            finally:
                process.terminate()
                told = process.communicate()[0]
                names += [
                    f"{event['object']['metadata']['name']} {event['object']['metadata']['uid']}"
                    for event in values(told)
                    if event["type"] == "ADDED"
                ]

    def pushed(self) -> list[str]:
        """Tags of the images that the registry has of it."""
        try:
            with urlopen(f"http://{REGISTRY}/v2/{IMAGES}/tags/list") as answer:
                return list(json.load(answer)["tags"] or ())
        except HTTPError as error:
            with error:
                assert error.code == 404
            return []

    # --- people ---------------------------------------------------------------------------

    @property
    def address(self) -> str:
        """Where people find it, on a port of the node: that stays when pods go."""
        service = json.loads(self.kubectl("get", "service/it-binder-proxy", "--output=json"))
        return f"http://{NODE}:{service['spec']['ports'][0]['nodePort']}"

    @cached_property
    def _admin(self) -> str:
        browser = Browser(self.address)
        browser.sign_in("root")
        return browser.token("root")

    def person(self, name: str) -> Person:
        """Somebody, who need not have been here."""
        ask(self.address, self._admin, "POST", f"hub/api/users/{name}", good=(201, 409))
        made = ask(self.address, self._admin, "POST", f"hub/api/users/{name}/tokens", {})
        return Person(self.address, name, made["token"])

    def people(self, names: list[str]) -> list[Person]:
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(self.person, names))


def values(text: str) -> Iterator[dict[str, Any]]:
    """JSON values that stand one behind the other."""
    decoder, at = json.JSONDecoder(), 0
    while (at := len(text) - len(text[at:].lstrip())) < len(text):
        value, at = decoder.raw_decode(text, at)
        yield value


def ask(
    address: str,
    token: str,
    method: str,
    path: str,
    body: object = None,
    good: tuple[int, ...] = (),
) -> Any:
    """A request to the Hub or a server, and what comes back as JSON."""
    request = Request(
        f"{address}/{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"token {token}"},
    )
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=SOON) as response:
            said = response.read()
    except HTTPError as error:
        with error:
            if error.code in good:
                return None
            raise AssertionError(f"{method} {path}: {error.code} {error.read()!r}") from error
    return json.loads(said) if said else None


@dataclass
class Outcome:
    """What a person saw of a launch.

    Attributes:
        events: all of it.
        error: what a program's client raised, if it did.
    """

    events: list[dict[str, Any]] = field(default_factory=list)
    error: BinderError | None = None

    @property
    def ready(self) -> bool:
        return bool(self.events) and self.events[-1].get("phase") == "ready"

    @property
    def words(self) -> str:
        """The last that was said."""
        said = self.error.message if self.error else str(self.events[-1].get("message", ""))
        return said.strip()

    @property
    def code(self) -> str:
        return self.error.code if self.error else str(self.events[-1].get("code", ""))

    @property
    def told(self) -> str:
        """Everything that was said."""
        return "\n".join(str(event.get("message", "")) for event in self.events)


@dataclass
class Person:
    """Somebody with a token of their own."""

    address: str
    name: str
    token: str

    @property
    def client(self) -> Client:
        return Client(self.address, self.token, encrypted=False)

    def launch(self, link: str, *secrets: str) -> Outcome:
        """Launch it, given these secrets, and watch until it is ready or failed."""
        if secrets:
            return self._watch(lambda: self._start("launches", repo=link, secrets=[*secrets]))
        return self._watch(lambda: self.client.start(link))

    def prepare(self, link: str) -> Outcome:
        """Have it built and got to where servers run, and watch until it is or that failed."""
        return self._watch(lambda: self._start("prepare", repo=link))

    def _watch(self, start: Callable[[], Started]) -> Outcome:
        outcome = Outcome()
        try:
            for event in self.client.events(start()):
                outcome.events.append(event)
        except BinderError as error:
            outcome.error = error
        return outcome

    def _start(self, what: str, **asked: object) -> Started:
        view = self.ask("POST", f"services/binder/api/{what}", asked)
        return Started(f"{self.address}{view['events']}")

    def launch_until_ready(self, link: str, seconds: float = 2 * START) -> list[Outcome]:
        """Click again for as long as it takes; returns what came of each click."""
        until, seen = time.monotonic() + seconds, [self.launch(link)]
        while not seen[-1].ready:
            assert time.monotonic() < until, [each.words for each in seen]
            time.sleep(2)
            seen.append(self.launch(link))
        return seen

    def ask(self, method: str, path: str, body: object = None, **options: Any) -> Any:
        return ask(self.address, self.token, method, path, body, **options)

    @property
    def servers(self) -> dict[str, Any]:
        servers: dict[str, Any] = self.ask("GET", f"hub/api/users/{self.name}")["servers"]
        return servers

    def write(self, path: str, content: str) -> None:
        """Write a file by the one server that runs, as JupyterLab does."""
        (server,) = self.servers.values()
        model = {"type": "file", "format": "text", "content": content}
        self.ask("PUT", f"{server['url'].strip('/')}/api/contents/{path}", model)

    def read(self, path: str) -> str:
        """Read a file by the one server that runs."""
        (server,) = self.servers.values()
        model = self.ask("GET", f"{server['url'].strip('/')}/api/contents/{path}?content=1")
        return str(model["content"])

    def stop(self) -> None:
        """Stop every server, and wait until none runs."""
        for name in self.servers:
            path = f"hub/api/users/{self.name}/servers/{name}"
            self.ask("DELETE", path, good=(400, 404))
        until = time.monotonic() + SOON
        while self.servers:
            assert time.monotonic() < until, f"the servers of {self.name} do not stop"
            time.sleep(0.3)


class Browser:
    """Somebody with cookies."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.cookies = CookieJar()
        self._opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(self.cookies))

    def page(self, path: str, **form: str) -> tuple[str, str]:
        """Where one lands, and what is there."""
        data = urlencode(form).encode() if form else None
        with self._opener.open(self.address + path, data, timeout=SOON) as answer:
            return str(answer.geturl()), answer.read().decode()

    def sign_in(self, name: str) -> tuple[str, str]:
        self.page("/hub/login")
        form = {"username": name, "password": PASSWORD, "_xsrf": self._xsrf}
        return self.page("/hub/login?next=", **form)

    def token(self, name: str) -> str:
        """A token with all that this person may."""
        headers = {"X-XSRFToken": self._xsrf, "Content-Type": "application/json"}
        place = f"{self.address}/hub/api/users/{name}/tokens"
        request = Request(place, method="POST", data=b"{}", headers=headers)
        with self._opener.open(request, timeout=SOON) as answer:
            return str(json.loads(answer.read())["token"])

    @property
    def _xsrf(self) -> str:
        [found] = [c.value for c in self.cookies if c.name == "_xsrf" and c.path == "/hub/"]
        return found or ""


def namespace() -> str:
    """A name that no other run has."""
    return f"chart-{os.getpid()}"
