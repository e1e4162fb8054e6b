"""What an administrator can set about builds of the `local` engine."""

from __future__ import annotations

import sys

import jupyterhub
from traitlets import Bool, Float, Int, List, Unicode, default

from ...traits import Bytes, Cidr
from ..base import Builder
from .network import METADATA, Network, best_network


class Settings(Builder):
    """The traits of :class:`~.build.LocalBuilder`; nothing happens here."""

    base_packages = List(
        Unicode(),
        help="""
        Requirement lines every environment gets, solved together with the repository's own.

        The default is what repo2docker gives an empty repository, with bounds so wide that a
        repository may ask for older ones. A change gives every environment a new key.
        """,
    ).tag(config=True)

    default_python = Unicode(
        help="""
        Python version, `x.y`, of repositories that name none. Default: the Hub's own, which
        is there on every machine.
        """
    ).tag(config=True)

    interpreters = List(
        Unicode(),
        help="""
        Paths of further Python executables to offer. Interpreters in /usr/bin,
        /usr/local/bin, pyenv's and uv's folders are found without being named.
        """,
    ).tag(config=True)

    conda_channel_alias = Unicode(
        "https://conda.anaconda.org",
        help="""
        Address below which channels are that `environment.yml` calls by a name, such as
        conda-forge. A mirror, or a folder of this machine (`file:///srv/channels`), can take its
        place.
        """,
    ).tag(config=True)

    conda_shared_channels = List(
        Unicode(),
        ["conda-forge"],
        help="""
        Names or addresses of channels whose packages are kept in a cache that environments share
        files with. Where a repository names any other, its packages are downloaded for this build
        alone.
        """,
    ).tag(config=True)

    conda_credentials = Unicode(
        help="""
        Path of a file with credentials for private channels among the shared ones, as `pixi auth
        login` writes it (`credentials.json`). Default: none.
        """
    ).tag(config=True)

    conda_program = Unicode(
        help="""
        Path of micromamba, mamba or conda, to be used for `environment.yml` in place of our own
        installer. It downloads every package for every build. Default: ours.
        """
    ).tag(config=True)

    allow_python_downloads = Bool(
        False,
        help="""
        Whether `uv python install` may download a Python version that a repository asks for
        and this machine does not have. Default: no, since it takes the network and the trust
        of the administrator.
        """,
    ).tag(config=True)

    python_of_conda = Bool(
        True,
        help="""
        Whether a Python that a repository asks for in `runtime.txt` or the like, and that this
        machine does not have, is taken from conda-forge, as with repo2docker. Default: yes; it
        runs nowhere but in sandboxes.
        """,
    ).tag(config=True)

    system_packages = Bool(
        True,
        help="""
        Whether packages that `apt.txt` names, and R, are installed, into a small system of the
        environment's own that is made of the machine's own package sources. Default: yes, where
        this machine can; `doctor` says what it lacks.
        """,
    ).tag(config=True)

    system_base = List(
        Unicode(),
        help="""
        Debian packages that such a system has besides the ones Debian cannot do without; Python is
        always there. A change gives every environment with an `apt.txt` a new key.
        """,
    ).tag(config=True)

    system_days = Float(
        30,
        min=0,
        help="""
        Days after which such a system is made anew, with the updates that its packages have had
        (default 30; 0 for never). Environments with an `apt.txt` or R that are launched after that
        are built anew; those that somebody uses keep theirs, and old ones go as unused environments
        do.
        """,
    ).tag(config=True)

    r_packages = List(
        Unicode(),
        ["r-base-dev", "r-recommended", "r-cran-shiny"],
        help="""
        Debian packages that a system with R has besides R, its kernel and `remotes`: compilers for
        what comes from CRAN, the packages that come with every R, and Shiny, as with repo2docker.
        What repositories here often ask for can be added, such as `r-cran-tidyverse`. A change
        gives every environment with R a new key.
        """,
    ).tag(config=True)

    r_of_conda = Bool(
        False,
        help="""
        Whether R comes from conda-forge, of the version that `runtime.txt` asks for, also where it
        could come from this machine's package sources. Default: only where that cannot be.
        """,
    ).tag(config=True)

    cran_mirror = Unicode(
        "https://cloud.r-project.org",
        help="""
        Where packages of R come from that Debian has not, in builds and in servers. A change gives
        every environment with R a new key.
        """,
    ).tag(config=True)

    julia_pkg_server = Unicode(
        help="""
        Address of the server that packages and registries of Julia come from, in builds and in
        servers (`JULIA_PKG_SERVER`). A mirror, or a server that keeps what was asked for, can take
        the place of Julia's own. A change gives every environment with Julia a new key. Default:
        Julia's own.
        """
    ).tag(config=True)

    begin_ready = Bool(
        True,
        help="""
        Whether the service builds the environment of an empty repository when it starts, and
        anew when it is a week old. Other builds begin from it, so they are quicker. Default:
        yes; it takes some 300 MiB.
        """,
    ).tag(config=True)

    build_memory = Bytes(
        "4G", help="Bytes of memory that code of a repository may use in a build (4 GiB)."
    ).tag(config=True)

    build_processes = Int(
        1024, help="Processes and threads that code of a repository may have in a build (1024)."
    ).tag(config=True)

    max_environment_size = Bytes(
        "20G", help="Bytes one environment may take (default 20 GiB); 0 for no limit."
    ).tag(config=True)

    blocked_networks = List(
        Cidr(),
        list(METADATA),
        help="""
        Networks that code of a repository does not reach in a build, besides every address of this
        machine. Default: where clouds tell a machine its secrets. Add the local network, such as
        10.0.0.0/8, to keep builds out of it.
        """,
    ).tag(config=True)

    allowed_networks = List(
        Cidr(),
        help="""
        Networks or addresses that builds reach although they are within a blocked one: say, where
        a package index is. Default: none.
        """,
    ).tag(config=True)

    network = Unicode(
        help="""
        Network of code that runs during a build: `private` (internet, nothing of this
        machine; needs pasta), `none`, or `unsafe-host`. Default: the best there is.
        """
    ).tag(config=True)

    max_model_age = Float(
        7 * 86400,
        help="""
        Seconds for which new environments begin from the environment of an empty repository
        (default 7 days). Beginning from it is much quicker, but keeps its versions of the
        server's packages, so updates of those reach new environments only after this time.
        """,
    ).tag(config=True)

    max_cache_size = Bytes(
        "20G",
        help="""
        Bytes of downloaded packages to keep (default 20 GiB). Over that, the cache is emptied;
        environments keep their files, the next builds download again.
        """,
    ).tag(config=True)

    @default("base_packages")
    def _base_packages(self) -> list[str]:
        return [
            f"jupyterhub>=4.1,<{jupyterhub.version_info[0] + 1}",
            "jupyterlab>=3",
            "notebook>=6.4",
            "ipykernel",
            "ipywidgets>=7",
            "jupyter-resource-usage",
            "pip",
        ]

    @default("system_base")
    def _system_base(self) -> list[str]:
        small = ["bzip2", "ca-certificates", "curl", "git", "less", "nano", "openssh-client"]
        return [*small, "netbase", "procps", "tzdata", "unzip", "wget", "xz-utils"]

    @default("default_python")
    def _default_python(self) -> str:
        return f"{sys.version_info.major}.{sys.version_info.minor}"

    @default("network")
    def _network(self) -> str:
        best = best_network()
        return str(best if best is Network.PRIVATE else Network.NONE)
