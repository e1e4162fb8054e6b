"""Names of files that programs of a build look for in the current directory or above it.

Taken from the documentation of each, and from what `strace -f` shows that they ask the kernel for
there and in a home, found or not: uv 0.13, pip 26, setuptools 84, hatchling 1.33, flit-core 4,
poetry-core 2, pdm-backend 2, npm 11, Git 2.39, Python 3.11, repo2docker 2026.4 (of conda, R and
Julia the documentation alone). What a file of that name would do is tried by content that names a
folder of the repository, or by code.
"""

from __future__ import annotations

from itertools import chain

from binderhub_ext.core.environment import READS

UV = "uv.toml pyproject.toml .python-version .python-versions .env uv.lock pylock.toml \
requirements.in constraints.txt overrides.txt excludes.txt .venv/pyvenv.cfg .netrc _netrc \
.config/uv/uv.toml .config/uv/.python-version .config/uv/.python-versions .local/share/uv/python/x \
.cache/uv/CACHEDIR.TAG .lock"
PIP = "pip.conf pip.ini pip/pip.conf .pip/pip.conf .config/pip/pip.conf constraint.txt .pypirc"
SETUPTOOLS = "setup.py setup.cfg pydistutils.cfg .pydistutils.cfg distutils.cfg MANIFEST.in \
PKG-INFO docopt.py docopt/__init__.py setuptools.py pkg_resources.py wheel.py pybuilddir.txt \
build/lib/docopt.py build/bdist.linux-x86_64/wheel/docopt.py src/docopt.py test/docopt.py \
tests/docopt.py README README.md README.rst README.txt LICENSE-MIT AUTHORS NOTICE COPYING"
EGG = "PKG-INFO SOURCES.txt dependency_links.txt eager_resources.txt entry_points.txt \
namespace_packages.txt native_libs.txt not-zip-safe requires.txt top_level.txt zip-safe"
"""In the folder in which setuptools notes what a package is."""
HATCH = "hatch.toml hatch_build.py poetry.toml poetry.lock pdm.toml pdm.lock flit.ini tox.ini \
noxfile.py meson.build CMakeLists.txt Cargo.toml .cargo/config.toml rust-toolchain.toml \
rust-toolchain .hgignore .hg/hgrc pdm_build.py .pdm-build/.gitignore .pdm-python LICENSES/MIT.txt \
.pybuild/x build.py"
CONDA = ".condarc condarc .mambarc .conda/condarc conda-meta/history conda-lock.yml pixi.toml \
pixi.lock anaconda-project.yml condarc.d/x.yml"
NPM = "package.json .npmrc package-lock.json npm-shrinkwrap.json yarn.lock .yarnrc .yarnrc.yml \
pnpm-workspace.yaml .nvmrc lerna.json node_modules/x/index.js webpack.config.js binding.gyp \
node_modules/.package-lock.json node_modules/.store/x .npm/_logs/x .node_repl_history"
GIT = ".gitconfig .gitattributes .gitmodules .gitignore .git-credentials .mailmap .lfsconfig \
.config/git/config .config/git/ignore .config/git/attributes HEAD commondir config description \
packed-refs index shallow info/exclude info/attributes hooks/post-checkout objects/x refs/heads/x"
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
        (f"docopt.egg-info/{name}" for name in EGG.split()),
        *(
            words.split()
            for words in (
                *(UV, PIP, SETUPTOOLS, HATCH, CONDA, NPM, GIT, PYTHON, JUPYTER, REPO2DOCKER, SHELL),
            )
        ),
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
