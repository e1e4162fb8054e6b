"""What servers of every engine leave out when they start (`engines/inside`)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import certifi
import pytest

import binderhub_ext.engines
import binderhub_ext.engines.containers

SHARED = Path(binderhub_ext.engines.__file__).parent / "inside"
CONTAINERS = Path(binderhub_ext.engines.containers.__file__).parent / "inside" / "site"
QUICKEN = "import sys, binder_quickstart; binder_quickstart.quicken()\n"


def run(program: str, *path: Path) -> str:
    """What a program says, in a Python with these folders on its path."""
    python_path = os.pathsep.join(map(str, (SHARED, *path)))
    command = [sys.executable, "-B", "-W", "ignore", "-c", program]
    env = {"PYTHONPATH": python_path, "PATH": os.defpath, "SSL_CERT_FILE": certifi.where()}
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def package(folder: Path, name: str, **modules: str) -> None:
    """A package of these modules."""
    (folder / name).mkdir(parents=True)
    for module, text in {"__init__": "", **modules}.items():
        (folder / name / f"{module}.py").write_text(text)


def test_a_server_does_without_the_hubs_database() -> None:
    program = (
        "import jupyterhub.log, jupyterhub.services.auth\n"
        "print({'sqlalchemy', 'alembic', 'jupyterhub.orm', 'jupyterhub.handlers'} & {*sys.modules})"
    )
    assert run(QUICKEN + program) == "set()"


def test_scopes_are_what_they_always_are() -> None:
    """They are all that a server asks of the modules that would bring the database."""
    program = (
        "from jupyterhub.scopes import _intersect_expanded_scopes as both\n"
        "print(*both({'access:servers!user=ana'}, {'access:servers!server=ana/one', 'self'}))"
    )
    assert run(QUICKEN + program) == run(program) == "access:servers!server=ana/one"


def test_the_database_is_there_for_whoever_imports_it() -> None:
    program = (
        "import jupyterhub.services.auth\n"
        "from jupyterhub.handlers.pages import HealthCheckHandler\n"
        "import jupyterhub.orm, sqlalchemy\n"
        "print(jupyterhub.orm.User.__tablename__, sqlalchemy.func.now())"
    )
    assert run(QUICKEN + program) == "users now()"


def test_modules_that_are_not_as_expected_get_the_real_one(tmp_path: Path) -> None:
    package(tmp_path, "jupyterhub", utils="from sqlalchemy.orm import Session")
    package(tmp_path, "sqlalchemy", orm="Session = 'the real one'")
    assert run(QUICKEN + "import jupyterhub.utils as u; print(u.Session)", tmp_path) == (
        "the real one"
    )


def test_a_server_does_not_ask_node(tmp_path: Path) -> None:
    text = "KEPT = 'the rest'\ndef _yarn_config(logger): return 'asked'\n"
    package(tmp_path, "jupyterlab", commands=text)
    ask = "import jupyterlab.commands as c; print(c._yarn_config(None), c.KEPT)"
    assert run(QUICKEN + ask, tmp_path) == "{'yarn config': {}, 'npm config': {}} the rest"


PYPI = """
import httpx
if httpx.PROXY:
    proxy = httpx.AsyncHTTPTransport()
class Manager:
    def __init__(self):
        self.client = httpx.AsyncClient(mounts={"https://": 1})
"""
HTTPX = """
PROXY = True
class AsyncHTTPTransport: pass
class AsyncClient:
    def __init__(self, mounts):
        print("made with", mounts)
    def get(self, url):
        return "got " + url
"""


def test_jupyterlabs_client_of_the_package_index_is_made_when_it_is_asked(tmp_path: Path) -> None:
    package(tmp_path, "jupyterlab")
    package(tmp_path / "jupyterlab", "extensions", pypi=PYPI)
    (tmp_path / "httpx.py").write_text(HTTPX)
    ask = (
        "from jupyterlab.extensions.pypi import Manager; client = Manager().client\n"
        "print('started'); print(client.get('this'), client.get('that'))"
    )
    expected = ["started", "made with {'https://': 1}", "got this got that"]
    assert run(QUICKEN + ask, tmp_path).splitlines() == expected


OVERRIDES = """
FOUND = {}
def _get_overrides(folder):
    return {plugin: dict(config) for plugin, config in FOUND.items()}, "none"
"""
TRANSLATION = "@jupyterlab/translation-extension:plugin"


@pytest.mark.parametrize(
    ("language", "packs", "locale"),
    [
        ("de", ["de_DE", "fr_FR"], "de_DE"),
        ("de-AT", ["de_DE"], "de_DE"),
        ("pt-BR", ["pt_PT", "pt_BR"], "pt_BR"),
        ("de", ["fr_FR"], None),
        ("de", [], None),
        ("en", ["en_GB"], None),
        ("", ["de_DE"], None),
    ],
)
def test_jupyterlab_begins_in_its_persons_language_if_there_is_a_pack(
    tmp_path: Path, language: str, packs: list[str], locale: str | None
) -> None:
    package(tmp_path, "jupyterlab_server", settings_utils=OVERRIDES)
    (installed := tmp_path / "packs-1.dist-info").mkdir()
    (installed / "METADATA").write_text("Name: packs\nVersion: 1\n")
    listed = "".join(f"{pack} = pack\n" for pack in packs)
    (installed / "entry_points.txt").write_text(f"[jupyterlab.languagepack]\n{listed}")
    ask = (
        f"import os; os.environ['BINDER_LANGUAGE'] = {language!r}\n{QUICKEN}"
        "import json, jupyterlab_server.settings_utils as s; told = [s._get_overrides('/')]\n"
        f"s.FOUND = {{{TRANSLATION!r}: {{'locale': 'fr_FR', 'more': 1}}}}\n"
        "print(json.dumps([*told, s._get_overrides('/')]))"
    )
    told, chosen = json.loads(run(ask, tmp_path))
    assert told == [{TRANSLATION: {"locale": locale}} if locale else {}, "none"]
    assert chosen == [{TRANSLATION: {"locale": "fr_FR", "more": 1}}, "none"], "somebody's choice"


ANNOUNCEMENTS = """
class CheckForUpdate:
    async def __call__(self):
        return "a newer one is there"
"""


@pytest.mark.parametrize(
    ("notice", "said"), [("", "a newer one is there"), ("Little is left.", "Little is left.")]
)
def test_jupyterlab_says_what_is_nearly_used_up(tmp_path: Path, notice: str, said: str) -> None:
    package(tmp_path, "jupyterlab")
    package(tmp_path / "jupyterlab", "handlers", announcements=ANNOUNCEMENTS)
    ask = (
        f"import os; os.environ['BINDER_NOTICE'] = {notice!r}\n{QUICKEN}"
        "import asyncio, jupyterlab.handlers.announcements as a\n"
        "print(asyncio.run(a.CheckForUpdate()()))"
    )
    assert run(ask, tmp_path) == said


def test_a_package_that_cannot_be_read_keeps_nobody_from_jupyterlab(tmp_path: Path) -> None:
    """In somebody's home, say, where whatever they installed is on the path."""
    package(tmp_path, "jupyterlab_server", settings_utils=OVERRIDES)
    (broken := tmp_path / "broken-1.dist-info").mkdir()
    (broken / "METADATA").write_text("Name: broken\nVersion: 1\n")
    (broken / "entry_points.txt").write_bytes(b"[\xff")
    ask = (
        f"import os; os.environ['BINDER_LANGUAGE'] = 'de'\n{QUICKEN}"
        "import jupyterlab_server.settings_utils as s; print(s._get_overrides('/'))"
    )
    assert run(ask, tmp_path) == "({}, 'none')"


CERTIFICATES = """
import ssl, aiohttp.connector as connector
def known(context): return context.cert_store_stats()["x509_ca"]
for context in (connector._SSL_CONTEXT_VERIFIED, connector._SSL_CONTEXT_UNVERIFIED):
    before = known(context)
    context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="example.org")
    print(before == 0, known(context) > 0, type(context) is ssl.SSLContext, context.verify_mode)
print(known(ssl.create_default_context()) > 0, "set_default_verify_paths" in vars(ssl.SSLContext))
"""


def test_certificates_are_read_for_the_first_connection_that_needs_them() -> None:
    late = run(QUICKEN + CERTIFICATES).splitlines()
    assert late == [
        *("True True True 2", "True True True 0"),
        "True False",
    ]
    assert run(CERTIFICATES).splitlines()[2] == late[2]


def test_in_a_container_only_the_server_is_changed(tmp_path: Path) -> None:
    """And what it starts finds the path as the image has it."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "sitecustomize.py").write_text("import builtins; builtins.THEIRS = True")
    text = (
        "import os, sys\n"
        "changed = [type(f).__module__ for f in sys.meta_path].count('binder_quickstart')\n"
        "print(changed, THEIRS, os.environ['PYTHONPATH'].split(os.pathsep), flush=True)\n"
        "print([p for p in sys.path if p.endswith(('/site', '/inside'))])\n"
    )
    for name in ("jupyterhub-singleuser", "other"):
        (tmp_path / name).write_text(text)
    env = {"PYTHONPATH": os.pathsep.join(map(str, (CONTAINERS, SHARED, theirs)))}
    said = {}
    for name in ("jupyterhub-singleuser", "other"):
        command = [sys.executable, "-B", str(tmp_path / name)]
        said[name] = subprocess.check_output(command, env=env, text=True).splitlines()
    assert said["jupyterhub-singleuser"] == [f"1 True ['{theirs}']", "[]"]
    assert said["other"] == [f"0 True {[str(CONTAINERS), str(SHARED), str(theirs)]}", "[]"]
