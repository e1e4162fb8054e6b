"""A configuration that does not load, or says what nobody knows, ends the start in words."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from jupyterhub.app import JupyterHub

from binderhub_ext.app import BinderApp
from binderhub_ext.config.check import check
from binderhub_ext.config.files import ConfigFile, read
from binderhub_ext.core.errors import CannotStart
from binderhub_ext.up.app import Up
from binderhub_ext.up.doctor import Doctor


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    def write(text: str, name: str = "conf.py") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def warnings(said: ConfigFile) -> list[str]:
    heard: list[str] = []
    check(said.config, said.paths, warn=heard.append)
    return heard


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("c.A.b = 1\nif:\n", "conf.py, line 2: ", "SyntaxError: invalid syntax"),
        ("x = 1\n1 / 0\n", "conf.py, line 2: ", "ZeroDivisionError: division by zero"),
        ("import nowhere_at_all", "conf.py, line 1: ", "No module named 'nowhere_at_all'"),
        ("def f():\n  raise KeyError('x')\n\nf()", "conf.py, line 2: ", "KeyError: 'x'"),
        ("import sys\nsys.exit(0)", "conf.py, line 2: ", "SystemExit: 0"),
        ("\nload_subconfig('other.py')", "conf.py, line 2: ", "no configuration file"),
        ("c.A = 1", "conf.py, line 1: ", "Config"),
        ("x = open('/nowhere/at/all')", "conf.py, line 1: ", "/nowhere/at/all"),
        ("from traitlets.config import Config\nc = Config()", "conf.py: ", "counts for nothing"),
        (
            "from traitlets.config import get_config\nc = get_config()\nc.A.b = 1",
            "conf.py: ",
            "counts for nothing",
        ),
    ],
)
def test_a_file_that_does_not_load(
    written: Callable[..., Path], text: str, place: str, words: str
) -> None:
    with pytest.raises(CannotStart) as refused:
        read(written(text))
    assert place in refused.value.message and words in refused.value.message
    assert "\n" not in refused.value.message


def test_the_line_is_that_of_the_file_that_is_loaded(written: Callable[..., Path]) -> None:
    inner = written("\n\nc.Spawner.mem_limit = nothing\n", "inner.py")
    with pytest.raises(CannotStart, match=r"inner\.py, line 3: NameError: name 'nothing' is not"):
        read(written("load_subconfig('inner.py')"))
    inner.write_text("\n\nc.LocalSpawner.mem_limt = 1\n")
    said = read(written("load_subconfig('inner.py')"))
    with pytest.raises(CannotStart, match=r"inner\.py, line 3: .*c\.LocalSpawner\.mem_limit\?"):
        warnings(said)
    written('{"Authenticator": {\n "any_alow": 1}}', "inner.json")
    said = read(written("load_subconfig('inner.json')"))
    with pytest.raises(CannotStart, match=r"inner\.json, line 2: .*c\.Authenticator\.any_alow\."):
        warnings(said)


def test_what_is_no_file(tmp_path: Path, written: Callable[..., Path]) -> None:
    with pytest.raises(CannotStart, match="is a folder"):
        read(tmp_path)
    with pytest.raises(CannotStart, match="There is no configuration file"):
        read(tmp_path / "none.py")
    with pytest.raises(CannotStart, match=r"conf\.json, line 1: JSONDecodeError"):
        read(written("c.A.b = 1", "conf.json"))
    if os.geteuid() != 0:
        path = written("")
        path.chmod(0)
        with pytest.raises(CannotStart, match="cannot be read: Permission denied"):
            read(path)


def test_a_file_of_any_name_is_read(written: Callable[..., Path]) -> None:
    """traitlets looks for `hub.py` when it is told `hub.cfg`, and goes on without."""
    written("c.Spawner.cpu_limit = 1", "hub.py")
    said = read(written("c.Spawner.mem_limit = '1G'", "hub.cfg"))
    assert dict(said.config) == {"Spawner": {"mem_limit": "1G"}}
    assert warnings(said) == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("c.LocalSpawner.mem_limt = 1", "setting c.LocalSpawner.mem_limt. Did you mean c.Loc"),
        ("c.LocalSpawnr.mem_limit = 1", "no class c.LocalSpawnr. Did you mean c.LocalSpawner?"),
        ("c.LoclSpawner.mem_limit = 1", "no class c.LoclSpawner. Did you mean c.LocalSpawner?"),
        ("c.Localspawner.mem_limit = 1", "Did you mean c.LocalSpawner?"),
        ("c.Authentcator.allow_all = True", "Did you mean c.Authenticator?"),
        ("c.PamAuthenticator.service = 'x'", "Did you mean c.PAMAuthenticator?"),
        ("c.Authenticator.alowed_users = {'me'}", "Did you mean c.Authenticator.allowed_users?"),
        ("c.Authenticator.block_users = {'me'}", "Did you mean c.Authenticator.blocked_users?"),
        ("c['Authenticator']['block_users'] = {'me'}", "c.Authenticator.blocked_users?"),
        ("c.PAMAuthenticator.any_name = {'me'}", "no setting c.PAMAuthenticator.any_name."),
        ("c.JupyterHubApp.port = 1", "Did you mean c.JupyterHub?"),
        ("c.JupyterHub.servics.append({})", "Did you mean c.JupyterHub.services?"),
        ("c.authenticator_class = 'pam'", "Did you mean c.JupyterHub.authenticator_class?"),
        ("c.Acces.banned_networks = {}", "Did you mean c.Access?"),
        ("c.LaunchPolicy.maximum_memry = 1", "no setting c.LaunchPolicy.maximum_memry"),
        ("c.JupyterHub.LocalSpawner.mem_limt = 1", "c.LocalSpawner.mem_limit?"),
        ("c.Up.port = 'many'", "c.Up.port has a wrong value: The 'port' trait of an Up instance"),
        ("c.Spawner.mem_limit = '1Q'", "c.Spawner.mem_limit has a wrong value"),
        ("c.JupyterHub.authenticator_class = 'nowhere.Door'", "authenticator_class has a wrong"),
        ("c.Authenticator.blocked_users.append('m')", "it is a set: use add, or assign one."),
        ("c.JupyterHub.services.add('m')", "it is a list: use append, or assign one."),
        ("c.JupyterHub.ip.append('m')", "nothing can be added to it, or assign one."),
    ],
)
def test_what_cannot_be_meant(written: Callable[..., Path], line: str, words: str) -> None:
    path = written(f"\n{line}\n")
    with pytest.raises(CannotStart) as refused:
        warnings(read(path))
    assert refused.value.message.startswith(f"{path}, line 2: ")
    assert words in refused.value.message


@pytest.mark.parametrize(
    "line",
    [
        "c.GitHubOAuthenticator.client_id = 'x'",
        "c.OAuthenticator.client_id = 'x'",
        "c.LTIAuthenticator.key = 'x'",
        "c.LDAPAuthenticator.server_address = 'x'",
        "c.SystemdSpawner.mem_limit = 1",
        "c.YarnSpawner.queue = 'x'",
        "c.ServerApp.token = ''",
        "c.IdleCuller.timeout = 1",
    ],
)
def test_settings_of_other_programs_are_worth_a_warning(
    written: Callable[..., Path], line: str
) -> None:
    [heard] = warnings(read(written(line)))
    assert "line 1: Nothing here is called" in heard and "has no effect" in heard


def test_what_is_meant_is_not_refused(written: Callable[..., Path]) -> None:
    text = """
from jupyterhub.auth import Authenticator
from traitlets import Unicode

class MyAuthenticator(Authenticator):
    door = Unicode().tag(config=True)

class Inner(MyAuthenticator):
    window = Unicode().tag(config=True)

c.JupyterHub.authenticator_class = Inner
c.MyAuthenticator.door = c.Inner.window = "open"
c.MyAuthenticator.window = "of a derived class"
c.Authenticator.allowed_users = {"me"}
c.Authenticator.admin_users.add("me")
c.JupyterHub.services.append({"name": "x"})
c.JupyterHub.services = [*c.JupyterHub.services.get_value([]), {"name": "y"}]
c.JupyterHub.tornado_settings.update({"headers": {}})
c.JupyterHub.load_groups = {"a": {"users": ["b"]}}
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.LocalSpawner.mem_limit = "1G"
c.SimpleLocalProcessSpawner.home_dir_template = "/x/{username}"
c.DummyAuthenticator.password = "x"
c.ConfigurableHTTPProxy.should_start = False
c.LocalBuilder.begin_ready = False
c.LaunchPolicy.trusted_specs = ["gh/a/.*"]
c.AddressPolicy.allowed_networks = []
c.Application.log_level = "DEBUG"
c.Spawner.pre_spawn_hook = lambda spawner: None
if c.Nothing or "x" in c.JupyterHub.nothing.to_dict():
    pass
"""
    assert warnings(read(written(text))) == []


LINE = "c.LocalSpawner.mem_limit = 1\nc.LaunchPolicy.trusted_spec = []\n"
WORDS = "line 3: There is no setting c.LaunchPolicy.trusted_spec. Did you mean c.LaunchPolicy.tru"


@pytest.mark.parametrize("program", [Up, Doctor, BinderApp])
def test_every_program_of_ours_refuses_it(
    written: Callable[..., Path], tmp_path: Path, program: type[Up | BinderApp]
) -> None:
    path = written(f"\n{LINE}")
    argv = ["--data-dir", str(tmp_path / "data"), "-f", str(path)]
    with pytest.raises(CannotStart, match=WORDS):
        program().initialize(argv)
    assert not (tmp_path / "data").exists()


def test_the_command_line_is_judged_too() -> None:
    words = "On the command line: There is no setting c.LocalSpawner.mem_limt"
    with pytest.raises(CannotStart, match=words):
        Up().initialize(["--LocalSpawner.mem_limt=1"])


def test_a_hub_that_calls_configure_refuses_it(
    written: Callable[..., Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    call = f"from binderhub_ext.hub import configure; configure(c, data_dir={str(tmp_path)!r})"
    with caplog.at_level(logging.CRITICAL), pytest.raises(SystemExit):
        hub = JupyterHub()
        hub.log.propagate = True
        hub.load_config_file(str(written(f"{call}\n{LINE}")))
    assert WORDS in caplog.text
    right = written(f"{call}\n{LINE.replace('spec =', 'specs =')}c.JupyterHub.port = 9\n")
    hub = JupyterHub()
    hub.load_config_file(str(right))
    assert (hub.port, hub.trusted_alt_names) == (9, [])


def test_clients_of_clusters_are_loaded_only_if_a_setting_is_not_known() -> None:
    """Whoever sets nothing of theirs waits for none of them."""
    code = (
        "import sys; from binderhub_ext.config.check import Config, check;"
        "settings = {'LaunchPolicy': {'max_memory': '2G'}, 'LocalBuilder': {'begin_ready': False},"
        " 'JupyterHub': {'authenticator_class': 'shared-password'}, 'Authenticator': {},"
        " 'SharedPasswordAuthenticator': {'allowed_users': {'ada'}}};"
        "check(Config(settings), [], warn=print);"
        "sys.exit('kubernetes_asyncio' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (told.returncode, told.stdout) == (0, ""), told.stderr
