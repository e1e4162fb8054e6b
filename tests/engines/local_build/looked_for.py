"""Names of files that programs of a build look for in the current directory or above it.

Taken from the documentation of each; what a file of that name would do is tried by content that
names a folder of the repository, or by code.
"""

from __future__ import annotations

from itertools import chain

from binderhub_ext.core.environment import READS

UV = "uv.toml pyproject.toml .python-version .python-versions .env uv.lock pylock.toml \
requirements.in constraints.txt overrides.txt excludes.txt .venv/pyvenv.cfg .netrc _netrc"
PIP = "pip.conf pip.ini pip/pip.conf .pip/pip.conf .config/pip/pip.conf constraint.txt .pypirc"
SETUPTOOLS = "setup.py setup.cfg pydistutils.cfg .pydistutils.cfg distutils.cfg MANIFEST.in \
PKG-INFO docopt.egg-info/PKG-INFO docopt.py docopt/__init__.py setuptools.py pkg_resources.py \
wheel.py build/lib/docopt.py"
HATCH = "hatch.toml hatch_build.py poetry.toml poetry.lock pdm.toml pdm.lock flit.ini tox.ini \
noxfile.py meson.build CMakeLists.txt Cargo.toml .cargo/config.toml rust-toolchain.toml"
CONDA = ".condarc condarc .mambarc .conda/condarc conda-meta/history conda-lock.yml pixi.toml \
pixi.lock anaconda-project.yml condarc.d/x.yml"
NPM = "package.json .npmrc package-lock.json npm-shrinkwrap.json yarn.lock .yarnrc .yarnrc.yml \
pnpm-workspace.yaml .nvmrc lerna.json node_modules/x/index.js webpack.config.js"
GIT = ".gitconfig .gitattributes .gitmodules .gitignore .git-credentials .mailmap .lfsconfig"
PYTHON = "sitecustomize.py usercustomize.py pyvenv.cfg python311._pth python3.11._pth x.pth \
conftest.py pytest.ini .pythonrc.py .pdbrc json.py typing_extensions.py notebook_shim.py \
jupyter_server.py jupyterhub.py __main__.py lib/python3.11/site-packages/x.pth"
JUPYTER = "jupyter_server_config.py jupyter_server_config.json jupyter_notebook_config.py \
jupyter_config.py jupyterhub_config.py jupyter_lab_config.py overrides.json ipython_config.py \
.jupyter/jupyter_server_config.py .ipython/profile_default/startup/0.py \
.local/share/jupyter/kernels/python3/kernel.json jupyter_server_config.d/x.json"
REPO2DOCKER = "repo2docker_config.py .dockerignore DESCRIPTION binder.yaml"
SHELL = ".bashrc .profile .bash_profile .envrc .tool-versions .curlrc .wgetrc Makefile ld.so.conf"

NAMES = sorted(
    set(chain(*READS.values())).union(
        *(
            words.split()
            for words in (
                *(UV, PIP, SETUPTOOLS, HATCH, CONDA, NPM, GIT, PYTHON, JUPYTER, REPO2DOCKER, SHELL),
            )
        )
    )
)

WHEELS = "planted"
"""A folder of the repository that settings point to."""

_SETTINGS = {
    "uv.toml": f'[pip]\nfind-links = ["./{WHEELS}"]\n',
    "pyproject.toml": f'[tool.uv.pip]\nfind-links = ["./{WHEELS}"]\n',
    "setup.cfg": f"[easy_install]\nfind_links = {WHEELS}\n[build]\nbuild_base = /srv/repo\n",
    ".python-version": "3.7\n",
    ".env": f"UV_FIND_LINKS=./{WHEELS}\nPIP_FIND_LINKS=./{WHEELS}\n",
    ".condarc": f"channels: [file:///srv/repo/{WHEELS}]\n",
    ".npmrc": f"registry=file:{WHEELS}\n",
    ".netrc": "default login eve password eve\n",
}
_CODE = """\
import sys
if sys.prefix != sys.base_prefix:
    open(sys.prefix + "/ran", "a").write(__file__)
"""


def content(name: str) -> str:
    """What a hostile file of that name says."""
    if name in _SETTINGS:
        return _SETTINGS[name]
    if name.endswith(".py"):
        return _CODE
    if name.endswith(".pth"):
        return _CODE.replace("\n", ";")
    return f"[global]\nfind-links = ./{WHEELS}\n"
