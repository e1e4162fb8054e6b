"""`binder-at-home up`, for real: a process, its ports, its files and what is left of it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ports
import pytest
import requests
from hubprocess import (
    Person,
    Running,
    alive,
    command_line,
    descendants,
    gone,
    up,
)
from patience import SOON, START

HERE = Path(__file__).parent

HELP = "https://help.example.org/of-this-hub"
PLAIN_SERVERS = f"""
import sys
c = get_config()
c.LocalBuilder.begin_ready = False
c.JupyterHub.spawner_class = "simple"
c.Spawner.cmd = [sys.executable, {str(HERE / "plainserver.py")!r}]
c.JupyterHub.services = []  # what people write who do not know of ours
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose servers are plain processes: no sandbox, no package index."""
    path = tmp_path / "conf.py"
    path.write_text(PLAIN_SERVERS)
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data directory of `shared`."""
    return tmp_path_factory.mktemp("up") / "data"


@pytest.fixture(scope="module")
def shared(data: Path) -> Iterator[Running]:
    """A started `up` for tests that only ask it."""
    config = data.with_name("conf.py")
    config.write_text(PLAIN_SERVERS)
    arguments = ["--engine", "local", "-f", str(config), f"--Appearance.help_url={HELP}"]
    with up(data, ports.free_ports(4), *arguments) as running:
        yield running


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def start_server(person: Person, running: Running) -> None:
    response = person.api("POST", f"users/{running.user}/servers/one", json={})
    assert response.status_code in (201, 202), response.text
    progress = person.api("GET", f"users/{running.user}/servers/one/progress")
    assert '"ready": true' in progress.text, progress.text


def test_sign_in_stop_and_start_again(tmp_path: Path, free_ports: int, config: Path) -> None:
    """However it is stopped: as a service is, by Ctrl-C, by a terminal that is closed.

    Once without names below `localhost`, where nobody else gets in either.
    """
    data, elsewhere = tmp_path / "the data", tmp_path / "elsewhere"
    elsewhere.mkdir()
    seen = set()
    plainly = "--no-subdomains"
    for number, *more in ((signal.SIGTERM,), (signal.SIGINT, plainly), (signal.SIGHUP,)):
        arguments = ["--engine", "local", "-f", f"../{config.name}", *more]
        with up(data, free_ports, *arguments, cwd=elsewhere) as running:
            host = "127.0.0.1" if more else "localhost"
            assert running.url == f"http://{host}:{free_ports}"
            assert_nobody_else_gets_in(running)
            seen.add((running.user, running.password))
            with Person(running.url) as person:
                page = person.sign_in(running.user, running.password)
                assert page.status_code == 200, (page.url, page.history, page.text[-2000:])
                assert page.url == f"{running.url}/services/binder/"
                start_server(person, running)
            started = descendants(running.process.pid)
            assert len(started) >= 3
            assert running.stop(number) == 0
            assert gone(started), alive(started)
        assert not (data / "run").exists()
        assert list(elsewhere.iterdir()) == []
    assert len(seen) == 1


def assert_nobody_else_gets_in(running: Running) -> None:
    for user, password in [(running.user, "wrong"), ("mallory", running.password)]:
        with Person(running.url) as person:
            assert person.sign_in(user, password).status_code == 403


def test_the_hub_answers_at_its_own_host_alone(shared: Running) -> None:
    def ask(method: str, host: str, path: str, **options: Any) -> requests.Response:
        url = f"http://127.0.0.1:{shared.port}{path}"
        headers = {"Host": f"{host}:{shared.port}", **options.pop("headers", {})}
        return requests.request(
            method, url, headers=headers, allow_redirects=False, timeout=SOON, **options
        )

    assert shared.url == f"http://localhost:{shared.port}"
    theirs = f"{shared.user}.localhost"
    for host in (theirs, "127.0.0.1"):
        for path in ("/", "/hub/login", "/hub/token", "/services/binder/v2/gh/a/b/HEAD?x=1"):
            sent = ask("GET", host, path)
            assert (sent.status_code, sent.headers["Location"]) == (302, shared.url + path)
    # at the host of somebody's servers nobody signs in, whatever signing in takes
    sign_in = {"username": shared.user, "password": shared.password}
    for path in ("/hub/login", "/hub/api/users", "/hub/oauth_login", "/services/binder/launch"):
        assert ask("POST", theirs, path, data=sign_in).status_code == 421
    assert ask("GET", theirs, "/hub/api/user").status_code == 302
    # a name that leads here by a proxy that was not meant, or by a trick
    for path in ("/", "/hub/login", "/services/binder/"):
        answer = ask("GET", "hub.example.org", path)
        assert answer.status_code == 421 and f"This hub is at {shared.url}/" in answer.text
    # programs keep no cookies and may use the address they know
    with Person(shared.url) as person:
        person.sign_in(shared.user, shared.password)
        made = person.api("POST", f"users/{shared.user}/tokens", json={}).json()
    headers = {"Authorization": f"token {made['token']}"}
    for path in ("/hub/api/user", "/services/binder/api/servers"):
        assert ask("GET", "127.0.0.1", path, headers=headers).status_code == 200


def test_the_service_has_settings_of_the_command_line_too(shared: Running) -> None:
    with Person(shared.url) as person:
        assert HELP in person.sign_in(shared.user, shared.password).text


def test_other_users_of_the_machine_read_nothing(shared: Running, data: Path) -> None:
    with Person(shared.url) as person:
        person.sign_in(shared.user, shared.password)
    readable = [
        path
        for path in data.rglob("*")
        if mode(path) & 0o044 and path.is_file() and not private_above(path, data)
    ]
    assert {path.name for path in readable} <= {"hub.pid", "proxy.pid"}
    assert not mode(data) & 0o066
    assert {mode(path) for path in (data / "secrets").iterdir()} == {0o600}
    commands = [
        Path(f"/proc/{pid}/cmdline").read_bytes()
        for pid in [shared.process.pid, *descendants(shared.process.pid)]
    ]
    for secret in (data / "secrets").iterdir():
        assert not any(secret.read_bytes().strip() in command for command in commands)


def private_above(path: Path, root: Path) -> bool:
    return any(mode(parent) & 0o011 == 0 for parent in path.parents if parent.is_relative_to(root))


def test_a_killed_hub_finds_its_servers_again(
    tmp_path: Path, free_ports: int, config: Path
) -> None:
    data, arguments = tmp_path / "data", ["--engine", "local", "-f", str(config)]
    with up(data, free_ports, *arguments) as running:
        with Person(running.url) as person:
            person.sign_in(running.user, running.password)
            start_server(person, running)
        left = descendants(running.process.pid)
        running.stop(signal.SIGKILL)
    [server] = [pid for pid in left if "plainserver" in command_line(pid)]
    try:
        with up(data, free_ports, *arguments) as running, Person(running.url) as person:
            person.sign_in(running.user, running.password)
            model = person.api("GET", f"users/{running.user}").json()
            assert model["servers"]["one"]["ready"]
            assert alive(left) == [server]
            running.stop()
            assert gone([server])
    finally:
        for pid in alive(left):
            os.kill(pid, signal.SIGKILL)


def test_a_second_up_is_refused(tmp_path: Path, shared: Running, data: Path) -> None:
    second = refused(data, shared.port, "--engine", "local")
    assert f"already running with the data directory {data}" in second
    assert f"process {shared.process.pid}" in second
    other = refused(tmp_path / "other", shared.port, "--engine", "local")
    assert f"Port {shared.port} is taken" in other


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--ip", "0.0.0.0"], "Not listening on 0.0.0.0 with the generated password"),
        (["--JupyterHub.bind_url=http://:9"], "Not listening on every address"),
        (["--engine", "none"], "There is no engine 'none' on this machine. Installed: "),
        (["--Up.port=0"], "port"),
        (["--Up.port=many"], "port"),
        (["-f", "nowhere.py"], "There is no configuration file"),
        (["extra"], "Cannot understand: extra"),
        (
            ["--JupyterHub.db_url=postgresql+psycopg://a:secret@127.0.0.1:1/hub"],
            "The database of c.JupyterHub.db_url cannot be used: connection failed",
        ),
        (["--BinderApp.db_url=postgresql://127.0.0.1:1/x"], "The database of c.BinderApp.db_url"),
        (["--BinderApp.db_url=nonsense"], "The database of c.BinderApp.db_url cannot be used"),
        (["--JupyterHub.db_url=mysql+nothing://x/y"], "mysql"),
        (["--BinderApp.data_dir=x"], "Write --data-dir instead of --BinderApp.data_dir"),
        (["--data", "x"], "There is no option --data. Did you mean --data-dir?"),
    ],
)
def test_refusals(tmp_path: Path, free_ports: int, arguments: list[str], words: str) -> None:
    message = refused(tmp_path / "data", free_ports, *arguments)
    assert words in message
    assert "Traceback" not in message and "secret" not in message


def refused(data: Path, port: int, *arguments: str) -> str:
    command = [sys.executable, "-P", "-m", "binderhub_ext", "up", "--no-browser"]
    command += [f"--data-dir={data}", *arguments]
    if not any("port" in argument for argument in arguments):
        command.append(f"--port={port}")
    result = subprocess.run(command, capture_output=True, text=True, timeout=START)
    assert result.returncode == 1, result.stdout + result.stderr
    return result.stderr


def test_a_service_that_cannot_start_leaves_nothing(
    tmp_path: Path, free_ports: int, config: Path
) -> None:
    broken = "import sys; sys.exit(3)"
    config.write_text(
        PLAIN_SERVERS.replace(
            "services = []",
            f"services = [dict(name='binder', url='http://127.0.0.1:{free_ports + 3}',"
            f" command=[sys.executable, '-c', {broken!r}])]",
        )
        + "\nc.Service.timeout = 2\n"
    )
    command = [sys.executable, "-P", "-m", "binderhub_ext", "up", "--engine=local"]
    command += [f"--data-dir={tmp_path / 'data'}", f"--port={free_ports}", f"-f={config}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        output, _ = process.communicate(timeout=START)
    assert process.returncode == 1, output.decode()
    listening = subprocess.run(
        [sys.executable, "-c", f"import socket; socket.create_server(('', {free_ports}))"],
        capture_output=True,
    )
    assert listening.returncode == 0, "the proxy still runs"
