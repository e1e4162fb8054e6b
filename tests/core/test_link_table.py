# ruff: noqa: E501
"""What people paste, and the launch it asks for: one row each, from the services' own pages.

A row is the paste, the canonical link of what it must be understood as, and whether something
must be said to have been guessed. The rows follow the documentation of Binder and BinderHub,
nbgitpuller, GitHub, GitLab, Bitbucket, Codeberg (Forgejo), nbviewer, Colab, Zenodo, figshare,
Dataverse, HydroShare, CKAN, pip, Docker and Git.
"""

from __future__ import annotations

import pytest

from binderhub_ext.core.links import write_link
from binderhub_ext.core.paste import understand
from binderhub_ext.core.providers import PROVIDERS, github, gitlab, table

R = "v2/gh/binder-examples/requirements"
SHA = "0c6be33e3bd5b2f9e9d9a4c5f5a8d6d7e8f90a1b"
GIST = "8a2b3c4d5e6f708192a3b4c5d6e7f801"
HUB = "https://hub.example.org"
BUCKET = "v2/git/https%3A%2F%2Fbitbucket.org%2Fteam%2Fname"
ZIP = "v2/archive/https%3A%2F%2Fexample.org%2Fa%2F"
BERG = "v2/git/https%3A%2F%2Fcodeberg.org%2Fowner%2Fname"

Rows = list[tuple[str, str, bool]]

GIT_URLS: Rows = [
    ("https://github.com/binder-examples/requirements", f"{R}/HEAD", False),
    ("https://github.com/binder-examples/requirements/", f"{R}/HEAD", False),
    ("https://github.com/binder-examples/requirements.git", f"{R}/HEAD", False),
    ("http://github.com/binder-examples/requirements", f"{R}/HEAD", False),
    ("https://www.github.com/binder-examples/requirements", f"{R}/HEAD", False),
    ("HTTPS://GitHub.com/binder-examples/requirements", f"{R}/HEAD", False),
    ("github.com/binder-examples/requirements", f"{R}/HEAD", False),
    ("  https://github.com/binder-examples/requirements\n", f"{R}/HEAD", False),
    ("<https://github.com/binder-examples/requirements>", f"{R}/HEAD", False),
    ('"https://github.com/binder-examples/requirements"', f"{R}/HEAD", False),
    ("git@github.com:binder-examples/requirements.git", f"{R}/HEAD", False),
    ("git@github.com:binder-examples/requirements", f"{R}/HEAD", False),
    ("ssh://git@github.com/binder-examples/requirements.git", f"{R}/HEAD", False),
    ("ssh://git@github.com:22/binder-examples/requirements.git", f"{R}/HEAD", False),
    ("git://github.com/binder-examples/requirements.git", f"{R}/HEAD", False),
    ("git+https://github.com/binder-examples/requirements.git", f"{R}/HEAD", False),
    ("git+https://github.com/binder-examples/requirements.git@v1.0#egg=x", f"{R}/v1.0", False),
    ("git+https://github.com/binder-examples/requirements@feature/x", f"{R}/feature/x", False),
    ("git+ssh://git@github.com/binder-examples/requirements.git@dev", f"{R}/dev", False),
    ("https://github.com/binder-examples/requirements.git#dev", f"{R}/dev", False),
    ("https://github.com/binder-examples/requirements.git#dev:sub", f"{R}/dev", False),
    ("git clone https://github.com/binder-examples/requirements.git", f"{R}/HEAD", False),
    ("$ git clone https://github.com/binder-examples/requirements", f"{R}/HEAD", False),
    ("git clone git@github.com:binder-examples/requirements.git here", f"{R}/HEAD", False),
    (
        "git clone --depth 1 -b dev https://github.com/binder-examples/requirements d && cd d",
        f"{R}/dev",
        False,
    ),
    (
        "git clone --branch=dev --recurse-submodules https://github.com/binder-examples/requirements",
        f"{R}/dev",
        False,
    ),
    (
        "git remote add origin git@github.com:binder-examples/requirements.git",
        f"{R}/HEAD",
        False,
    ),
    ("gh repo clone binder-examples/requirements", f"{R}/HEAD", True),
    ("pip install git+https://github.com/binder-examples/requirements@main", f"{R}/main", False),
    (
        'pip install "pkg @ git+https://github.com/binder-examples/requirements.git@main"',
        f"{R}/main",
        False,
    ),
    ("repo2docker https://github.com/binder-examples/requirements", f"{R}/HEAD", False),
    (
        "jupyter-repo2docker --ref dev -p 8888:8888 https://github.com/binder-examples/requirements",
        f"{R}/dev",
        False,
    ),
    (
        "gitpuller https://github.com/binder-examples/requirements main local",
        f"{R}/main",
        False,
    ),
    (
        "https://gitlab.com/mosaik/examples/mosaik-tutorials-on-binder",
        "v2/gl/mosaik%2Fexamples%2Fmosaik-tutorials-on-binder/HEAD",
        False,
    ),
    ("git@gitlab.com:group/sub/name.git", "v2/gl/group%2Fsub%2Fname/HEAD", False),
    ("https://gitlab.com/group/name.git", "v2/gl/group%2Fname/HEAD", False),
    ("https://bitbucket.org/team/name.git", f"{BUCKET}/HEAD", False),
    ("git clone https://someone@bitbucket.org/team/name.git", f"{BUCKET}/HEAD", True),
    ("git@bitbucket.org:team/name.git", f"{BUCKET}/HEAD", False),
    ("git@codeberg.org:owner/name.git", f"{BERG}/HEAD", False),
    (
        "git@git.example.org:owner/name.git",
        "v2/git/ssh%3A%2F%2Fgit%40git.example.org%2Fowner%2Fname.git/HEAD",
        False,
    ),
    (
        "ssh://git@git.example.org:2222/owner/name.git",
        "v2/git/ssh%3A%2F%2Fgit%40git.example.org%3A2222%2Fowner%2Fname.git/HEAD",
        False,
    ),
    (
        "https://git.example.org:443/owner/name.git",
        "v2/git/https%3A%2F%2Fgit.example.org%2Fowner%2Fname.git/HEAD",
        False,
    ),
    (
        "http://127.0.0.1:8000/course.git",
        "v2/git/http%3A%2F%2F127.0.0.1%3A8000%2Fcourse.git/HEAD",
        False,
    ),
    (
        "https://git.example.org/owner/name",
        "v2/git/https%3A%2F%2Fgit.example.org%2Fowner%2Fname/HEAD",
        True,
    ),
    (
        "https://git.kernel.org/pub/scm/git/git.git",
        "v2/git/https%3A%2F%2Fgit.kernel.org%2Fpub%2Fscm%2Fgit%2Fgit.git/HEAD",
        False,
    ),
]

SHORT: Rows = [
    ("binder-examples/requirements", f"{R}/HEAD", True),
    ("binder-examples/requirements@dev", f"{R}/dev", True),
    ("binder-examples/requirements#dev", f"{R}/dev", True),
    ("binder-examples/requirements/feature/x", f"{R}/feature/x", True),
    ("github:binder-examples/requirements", f"{R}/HEAD", False),
    ("gh:binder-examples/requirements@dev", f"{R}/dev", False),
    ("gh/binder-examples/requirements/HEAD", f"{R}/HEAD", False),
    ("gl:group/sub/name", "v2/gl/group%2Fsub%2Fname/HEAD", False),
    ("gitlab:group/name#dev", "v2/gl/group%2Fname/dev", False),
    (f"gist:user/{GIST}", f"v2/gist/user/{GIST}", False),
    ("zenodo/10.5281/zenodo.3242074", "v2/zenodo/10.5281/zenodo.3242074", False),
]

GITHUB: Rows = [
    ("https://github.com/binder-examples/requirements/tree/dev", f"{R}/dev", False),
    ("https://github.com/binder-examples/requirements/tree/v1.0.2", f"{R}/v1.0.2", False),
    (
        "https://github.com/binder-examples/requirements/tree/main/nb",
        f"{R}/main?filepath=nb",
        False,
    ),
    ("https://github.com/binder-examples/requirements/tree/dev/nb", f"{R}/dev?filepath=nb", True),
    ("https://github.com/binder-examples/requirements/tree/feature/x", f"{R}/feature/x", True),
    (
        "https://github.com/binder-examples/requirements/tree/feature/x/nb",
        f"{R}/feature/x?filepath=nb",
        True,
    ),
    (
        "https://github.com/binder-examples/requirements/tree/feature%2Fx/nb",
        f"{R}/feature/x?filepath=nb",
        False,
    ),
    (
        f"https://github.com/binder-examples/requirements/tree/{SHA}/nb",
        f"{R}/{SHA}?filepath=nb",
        False,
    ),
    (
        "https://github.com/binder-examples/requirements/blob/master/index.ipynb",
        f"{R}/master?filepath=index.ipynb",
        False,
    ),
    (
        "https://github.com/binder-examples/requirements/blob/dev/index.ipynb",
        f"{R}/dev?filepath=index.ipynb",
        False,
    ),
    (
        "https://github.com/binder-examples/requirements/blob/main/a%20b/c.ipynb?plain=1#L3",
        f"{R}/main?filepath=a%20b/c.ipynb",
        False,
    ),
    (
        "https://github.com/binder-examples/requirements/blob/release/1.x/index.ipynb",
        f"{R}/release/1.x?filepath=index.ipynb",
        True,
    ),
    (
        "https://github.com/binder-examples/requirements/blob/release/index.ipynb",
        f"{R}/release?filepath=index.ipynb",
        False,
    ),
    (
        "https://github.com/binder-examples/requirements/raw/refs/heads/main/index.ipynb",
        f"{R}/main?filepath=index.ipynb",
        False,
    ),
    (
        "https://github.com/binder-examples/requirements/blame/main/index.ipynb",
        f"{R}/main?filepath=index.ipynb",
        False,
    ),
    (
        "https://raw.githubusercontent.com/binder-examples/requirements/main/index.ipynb",
        f"{R}/main?filepath=index.ipynb",
        False,
    ),
    (
        "https://raw.githubusercontent.com/binder-examples/requirements/refs/heads/main/index.ipynb",
        f"{R}/main?filepath=index.ipynb",
        False,
    ),
    ("https://github.com/binder-examples/requirements/commits/dev/", f"{R}/dev", False),
    (f"https://github.com/binder-examples/requirements/commit/{SHA}", f"{R}/{SHA}", False),
    ("https://github.com/binder-examples/requirements/pull/7", f"{R}/refs/pull/7/head", True),
    ("https://github.com/binder-examples/requirements/pull/7/files", f"{R}/refs/pull/7/head", True),
    (
        f"https://github.com/binder-examples/requirements/pull/7/commits/{SHA}",
        f"{R}/{SHA}",
        False,
    ),
    ("https://github.com/binder-examples/requirements/releases/tag/v1.0", f"{R}/v1.0", False),
    ("https://github.com/binder-examples/requirements/releases/tag/a/b", f"{R}/a/b", False),
    (
        "https://github.com/binder-examples/requirements/releases/download/v1.0/x.zip",
        f"{R}/v1.0",
        False,
    ),
    ("https://github.com/binder-examples/requirements/releases", f"{R}/HEAD", True),
    ("https://github.com/binder-examples/requirements/releases/latest", f"{R}/HEAD", True),
    ("https://github.com/binder-examples/requirements/issues/3", f"{R}/HEAD", True),
    ("https://github.com/binder-examples/requirements/actions", f"{R}/HEAD", True),
    ("https://github.com/binder-examples/requirements#readme", f"{R}/HEAD", False),
    ("https://github.com/binder-examples/requirements?tab=readme-ov-file", f"{R}/HEAD", False),
    (
        "https://github.com/binder-examples/requirements/archive/refs/heads/main.zip",
        f"{R}/main",
        False,
    ),
    (
        "https://github.com/binder-examples/requirements/archive/refs/tags/v1.0.tar.gz",
        f"{R}/v1.0",
        False,
    ),
    ("https://github.com/binder-examples/requirements/archive/dev.zip", f"{R}/dev", False),
    (
        "https://codeload.github.com/binder-examples/requirements/zip/refs/heads/main",
        f"{R}/main",
        False,
    ),
    ("https://github.com/binder-examples/requirements/compare/main...dev", f"{R}/dev", True),
    ("https://api.github.com/repos/binder-examples/requirements", f"{R}/HEAD", False),
    ("https://github.dev/binder-examples/requirements/tree/dev", f"{R}/dev", False),
    ("https://vscode.dev/github/binder-examples/requirements", f"{R}/HEAD", False),
    ("https://codespaces.new/binder-examples/requirements", f"{R}/HEAD", False),
    ("https://gitpod.io/#https://github.com/binder-examples/requirements", f"{R}/HEAD", False),
    ("https://binder-examples.github.io/requirements/intro.html", f"{R}/HEAD", True),
    (f"https://gist.github.com/user/{GIST}", f"v2/gist/user/{GIST}", False),
    (f"https://gist.github.com/user/{GIST}.git", f"v2/gist/user/{GIST}", False),
    (f"https://gist.github.com/user/{GIST}/{SHA}", f"v2/gist/user/{GIST}/{SHA}", False),
    (f"https://gist.github.com/user/{GIST}#file-a-ipynb", f"v2/gist/user/{GIST}", False),
    (
        f"https://gist.githubusercontent.com/user/{GIST}/raw/{SHA}/a.ipynb",
        f"v2/gist/user/{GIST}/{SHA}?filepath=a.ipynb",
        False,
    ),
    (
        f"https://gist.github.com/{GIST}",
        f"v2/git/https%3A%2F%2Fgist.github.com%2F{GIST}.git/HEAD",
        False,
    ),
]

GITLAB: Rows = [
    ("https://gitlab.com/group/name/-/tree/dev", "v2/gl/group%2Fname/dev", False),
    (
        "https://gitlab.com/group/sub/name/-/tree/main/nb?ref_type=heads",
        "v2/gl/group%2Fsub%2Fname/main?filepath=nb",
        False,
    ),
    (
        "https://gitlab.com/group/name/-/blob/main/a/b.ipynb",
        "v2/gl/group%2Fname/main?filepath=a/b.ipynb",
        False,
    ),
    (
        "https://gitlab.com/group/name/-/raw/main/b.ipynb?inline=false",
        "v2/gl/group%2Fname/main?filepath=b.ipynb",
        False,
    ),
    (
        "https://gitlab.com/group/name/-/blob/feature/x/b.ipynb",
        "v2/gl/group%2Fname/feature/x?filepath=b.ipynb",
        True,
    ),
    (
        "https://gitlab.com/group/name/blob/master/b.ipynb",
        "v2/gl/group%2Fname/master?filepath=b.ipynb",
        False,
    ),
    (f"https://gitlab.com/group/name/-/commit/{SHA}", f"v2/gl/group%2Fname/{SHA}", False),
    ("https://gitlab.com/group/name/-/commits/dev", "v2/gl/group%2Fname/dev", False),
    ("https://gitlab.com/group/name/-/tags/v1.0", "v2/gl/group%2Fname/v1.0", False),
    ("https://gitlab.com/group/name/-/releases/v1.0", "v2/gl/group%2Fname/v1.0", False),
    ("https://gitlab.com/group/name/-/releases", "v2/gl/group%2Fname/HEAD", True),
    (
        "https://gitlab.com/group/name/-/merge_requests/5/diffs",
        "v2/gl/group%2Fname/refs/merge-requests/5/head",
        True,
    ),
    (
        "https://gitlab.com/group/name/-/archive/v1/name-v1.zip",
        "v2/gl/group%2Fname/v1",
        False,
    ),
    (
        "https://gitlab.com/-/ide/project/group/name/edit/main/-/b.ipynb",
        "v2/gl/group%2Fname/main?filepath=b.ipynb",
        False,
    ),
    ("https://gitlab.com/group/name/-/issues", "v2/gl/group%2Fname/HEAD", True),
    ("https://group.gitlab.io/name/", "v2/gl/group%2Fname/HEAD", True),
    (
        "https://gitlab.example.org/group/name/-/blob/main/b.ipynb",
        "v2/git/https%3A%2F%2Fgitlab.example.org%2Fgroup%2Fname/main?filepath=b.ipynb",
        True,
    ),
]

OTHER_FORGES: Rows = [
    ("https://bitbucket.org/team/name/get/v1.zip", f"{BUCKET}/v1", False),
    ("https://codeberg.org/owner/name/commits/branch/dev", f"{BERG}/dev", False),
    ("https://codeberg.org/owner/name/releases/download/v1/x.zip", f"{BERG}/v1", False),
    ("https://codeberg.org/owner/name/archive/main.tar.gz", f"{BERG}/main", False),
    ("https://codeberg.org/owner/name/issues/2", f"{BERG}/HEAD", True),
    ("https://git.sr.ht/~user/name", "v2/git/https%3A%2F%2Fgit.sr.ht%2F~user%2Fname/HEAD", False),
    (
        f"https://git.sr.ht/~user/name/commit/{SHA}",
        f"v2/git/https%3A%2F%2Fgit.sr.ht%2F~user%2Fname/{SHA}",
        False,
    ),
    (
        "https://git.sr.ht/~user/name/archive/v1.tar.gz",
        "v2/git/https%3A%2F%2Fgit.sr.ht%2F~user%2Fname/v1",
        False,
    ),
    (
        "https://git.sr.ht/~user/name/log",
        "v2/git/https%3A%2F%2Fgit.sr.ht%2F~user%2Fname/HEAD",
        True,
    ),
    (
        "https://huggingface.co/owner/name",
        "v2/hf/owner/name/HEAD",
        False,
    ),
    (
        f"https://huggingface.co/owner/name/commit/{SHA}",
        f"v2/hf/owner/name/{SHA}",
        False,
    ),
    (
        "https://huggingface.co/owner/name/discussions",
        "v2/hf/owner/name/HEAD",
        True,
    ),
    ("https://bitbucket.org/team/name", f"{BUCKET}/HEAD", False),
    ("https://bitbucket.org/team/name/src/main/", f"{BUCKET}/main", False),
    (
        "https://bitbucket.org/team/name/src/main/nb/a.ipynb",
        f"{BUCKET}/main?filepath=nb/a.ipynb",
        False,
    ),
    (
        f"https://bitbucket.org/team/name/src/{SHA}/a.ipynb?at=dev",
        f"{BUCKET}/dev?filepath=a.ipynb",
        False,
    ),
    ("https://bitbucket.org/team/name/branch/feature/x", f"{BUCKET}/feature/x", False),
    (f"https://bitbucket.org/team/name/commits/{SHA}", f"{BUCKET}/{SHA}", False),
    ("https://bitbucket.org/team/name/commits/tag/v1", f"{BUCKET}/v1", False),
    ("https://bitbucket.org/team/name/downloads/", f"{BUCKET}/HEAD", True),
    ("https://codeberg.org/owner/name", f"{BERG}/HEAD", False),
    ("https://codeberg.org/owner/name/src/branch/main", f"{BERG}/main", False),
    (
        "https://codeberg.org/owner/name/src/branch/main/a.ipynb",
        f"{BERG}/main?filepath=a.ipynb",
        False,
    ),
    (
        "https://codeberg.org/owner/name/src/branch/fix/x/a.ipynb",
        f"{BERG}/fix/x?filepath=a.ipynb",
        True,
    ),
    (
        "https://codeberg.org/owner/name/raw/branch/main/a.ipynb",
        f"{BERG}/main?filepath=a.ipynb",
        False,
    ),
    ("https://codeberg.org/owner/name/src/tag/v1/a.ipynb", f"{BERG}/v1?filepath=a.ipynb", False),
    (f"https://codeberg.org/owner/name/src/commit/{SHA}", f"{BERG}/{SHA}", False),
    (f"https://codeberg.org/owner/name/commit/{SHA}", f"{BERG}/{SHA}", False),
    ("https://codeberg.org/owner/name/pulls/4", f"{BERG}/refs/pull/4/head", True),
    ("https://codeberg.org/owner/name/releases/tag/v1", f"{BERG}/v1", False),
    (
        "https://git.example.org/owner/name/src/branch/main/a.ipynb",
        "v2/git/https%3A%2F%2Fgit.example.org%2Fowner%2Fname/main?filepath=a.ipynb",
        True,
    ),
    (
        "https://git.sr.ht/~user/name/tree/feature/x/item/a.ipynb",
        "v2/git/https%3A%2F%2Fgit.sr.ht%2F~user%2Fname/feature/x?filepath=a.ipynb",
        False,
    ),
    (
        "https://huggingface.co/spaces/owner/name/tree/main",
        "v2/hf/spaces/owner/name/main",
        False,
    ),
    ("https://hf.co/owner/name", "v2/hf/owner/name/HEAD", False),
    ("https://huggingface.co/spaces/owner/name.git", "v2/hf/spaces/owner/name/HEAD", False),
    ("git clone https://huggingface.co/datasets/o/n", "v2/hf/datasets/o/n/HEAD", False),
    (
        "https://huggingface.co/datasets/owner/name/blob/main/nb/a.ipynb",
        "v2/hf/datasets/owner/name/main?filepath=nb/a.ipynb",
        False,
    ),
    (
        "https://huggingface.co/owner/name/tree/refs%2Fpr%2F1",
        "v2/hf/owner/name/refs/pr/1",
        False,
    ),
    ("https://huggingface.co/owner/name/commits/main", "v2/hf/owner/name/main", False),
    (
        "https://mybinder.org/v2/git/https%3A%2F%2Fhuggingface.co%2Fspaces%2Fo%2Fn/main",
        "v2/hf/spaces/o/n/main",
        False,
    ),
    (
        "https://dev.azure.com/org/proj/_git/name?path=/nb/a.ipynb&version=GBmain",
        "v2/git/https%3A%2F%2Fdev.azure.com%2Forg%2Fproj%2F_git%2Fname/main?filepath=nb/a.ipynb",
        False,
    ),
]

ARCHIVES: Rows = [
    ("https://osf.io/ezcuj", "v2/osf/ezcuj", False),
    ("https://osf.io/EZCUJ/files/osfstorage", "v2/osf/ezcuj", False),
    ("https://osf.io/project/ezcuj/wiki/home/", "v2/osf/ezcuj", False),
    ("10.17605/OSF.IO/EZCUJ", "v2/osf/ezcuj", False),
    ("https://example.org/a/course.zip", f"{ZIP}course.zip", True),
    ("https://example.org/a/x.tar.gz?dl=1", f"{ZIP}x.tar.gz%3Fdl%3D1", True),
    (
        f"https://example.org/a/x.TXZ#sha256={'0A' * 32}",
        f"{ZIP}x.TXZ%23sha256%3D{'0a' * 32}",
        True,
    ),
    (
        "https://gitlab.example.org/g/n/-/archive/main/n-main.zip",
        "v2/git/https%3A%2F%2Fgitlab.example.org%2Fg%2Fn/main",
        True,
    ),
    (
        "[the code](https://github.com/o/n) and [the data](https://example.org/a/x.zip)",
        "v2/gh/o/n/HEAD",
        True,
    ),
    ("10.5281/zenodo.3242074", "v2/zenodo/10.5281/zenodo.3242074", False),
    ("doi:10.5281/zenodo.3242074", "v2/zenodo/10.5281/zenodo.3242074", False),
    ("DOI: 10.5281/zenodo.3242074", "v2/zenodo/10.5281/zenodo.3242074", False),
    ("https://doi.org/10.5281/zenodo.3242074", "v2/zenodo/10.5281/zenodo.3242074", False),
    ("http://dx.doi.org/10.5281/zenodo.3242074", "v2/zenodo/10.5281/zenodo.3242074", False),
    ("doi.org/10.5281/zenodo.3242074", "v2/zenodo/10.5281/zenodo.3242074", False),
    ("https://zenodo.org/record/3242074", "v2/zenodo/10.5281/zenodo.3242074", False),
    ("https://zenodo.org/records/3242074", "v2/zenodo/10.5281/zenodo.3242074", False),
    (
        "https://zenodo.org/records/3242074/files/a.zip?download=1",
        "v2/zenodo/10.5281/zenodo.3242074",
        False,
    ),
    ("https://zenodo.org/doi/10.5281/zenodo.3242074", "v2/zenodo/10.5281/zenodo.3242074", False),
    (
        "[![DOI](https://zenodo.org/badge/DOI/10.5281/zenodo.3242074.svg)]"
        "(https://doi.org/10.5281/zenodo.3242074)",
        "v2/zenodo/10.5281/zenodo.3242074",
        False,
    ),
    ("10.6084/m9.figshare.9782777.v1", "v2/figshare/10.6084/m9.figshare.9782777.v1", False),
    (
        "https://doi.org/10.6084/m9.figshare.9782777",
        "v2/figshare/10.6084/m9.figshare.9782777",
        False,
    ),
    (
        "https://figshare.com/articles/dataset/Some_title/9782777/1",
        "v2/figshare/10.6084/m9.figshare.9782777.v1",
        False,
    ),
    (
        "https://kilthub.figshare.com/articles/dataset/Some_title/9782777",
        "v2/figshare/10.6084/m9.figshare.9782777",
        True,
    ),
    ("10.7910/DVN/TJCLKP", "v2/dataverse/10.7910/DVN/TJCLKP", False),
    (
        "https://dataverse.harvard.edu/dataset.xhtml?persistentId=doi:10.7910/DVN/TJCLKP",
        "v2/dataverse/10.7910/DVN/TJCLKP",
        False,
    ),
    (
        "https://dataverse.harvard.edu/citation?persistentId=doi:10.7910/DVN/TJCLKP",
        "v2/dataverse/10.7910/DVN/TJCLKP",
        False,
    ),
    (
        "https://dataverse.harvard.edu/file.xhtml?persistentId=doi:10.7910/DVN/6ZXAGT/3YRRYJ",
        "v2/dataverse/10.7910/DVN/6ZXAGT",
        True,
    ),
    ("10.12345/ABC/DEF", "v2/dataverse/10.12345/ABC/DEF", True),
    (
        "https://www.hydroshare.org/resource/8f7c2f0341ef4180b0dbe97f59130756/",
        "v2/hydroshare/8f7c2f0341ef4180b0dbe97f59130756",
        False,
    ),
    (
        "https://doi.org/10.4211/hs.8f7c2f0341ef4180b0dbe97f59130756",
        "v2/hydroshare/8f7c2f0341ef4180b0dbe97f59130756",
        False,
    ),
    (
        "https://demo.ckan.org/dataset/sample-dataset-1",
        "v2/ckan/https%3A%2F%2Fdemo.ckan.org%2Fdataset%2Fsample-dataset-1",
        True,
    ),
    (
        "https://demo.ckan.org/dataset/sample-dataset-1?activity_id=ab12",
        "v2/ckan/https%3A%2F%2Fdemo.ckan.org%2Fdataset%2Fsample-dataset-1%3Factivity_id%3Dab12",
        True,
    ),
    (
        "https://demo.ckan.org/dataset/sample-dataset-1/history/ab12",
        "v2/ckan/https%3A%2F%2Fdemo.ckan.org%2Fdataset%2Fsample-dataset-1%3Factivity_id%3Dab12",
        True,
    ),
]

BINDER: Rows = [
    ("https://mybinder.org/v2/gh/binder-examples/requirements/HEAD", f"{R}/HEAD", False),
    ("https://mybinder.org/v2/gh/binder-examples/requirements/HEAD/", f"{R}/HEAD", False),
    ("mybinder.org/v2/gh/binder-examples/requirements/HEAD", f"{R}/HEAD", False),
    ("/v2/gh/binder-examples/requirements/HEAD", f"{R}/HEAD", False),
    ("v2/gh/binder-examples/requirements/HEAD?urlpath=lab", f"{R}/HEAD?urlpath=lab", False),
    ("https://mybinder.org/v2/gh/binder-examples/requirements", f"{R}/HEAD", True),
    (
        "https://mybinder.org/v2/gh/binder-examples/requirements/master?filepath=index.ipynb",
        f"{R}/master?filepath=index.ipynb",
        False,
    ),
    (
        "https://mybinder.org/v2/gh/binder-examples/requirements/HEAD?labpath=a%2Findex.ipynb",
        f"{R}/HEAD?labpath=a/index.ipynb",
        False,
    ),
    (
        "https://mybinder.org/v2/gh/binder-examples/requirements/HEAD?urlpath=lab/tree/index.ipynb",
        f"{R}/HEAD?urlpath=lab/tree/index.ipynb",
        False,
    ),
    (
        "https://mybinder.org/v2/gh/binder-examples/requirements/HEAD?urlpath=%2Fdoc%2Ftree%2Findex.ipynb",
        f"{R}/HEAD?urlpath=doc/tree/index.ipynb",
        False,
    ),
    (
        "https://mybinder.org/v2/gh/binder-examples/requirements/HEAD?filepath=a&labpath=b&urlpath=c",
        f"{R}/HEAD?labpath=b",
        True,
    ),
    (
        "https://mybinder.org/v2/gh/binder-examples/requirements/HEAD?filepath=a&urlpath=c",
        f"{R}/HEAD?filepath=a",
        True,
    ),
    (
        "https://mybinder.org/v2/gh/binder-examples/r/master?urlpath=rstudio",
        "v2/gh/binder-examples/r/master?urlpath=rstudio",
        False,
    ),
    (
        "https://mybinder.org/v2/gh/voila-dashboards/voila/stable?urlpath=voila%2Ftree%2Fnotebooks",
        "v2/gh/voila-dashboards/voila/stable?urlpath=voila/tree/notebooks",
        False,
    ),
    (
        "https://mybinder.org/v2/gh/owner/env/main?urlpath=git-pull%3Frepo%3Dhttps%253A%252F%252F"
        "github.com%252Fowner%252Fcontent%26urlpath%3Dlab%252Ftree%252Fcontent%252Fa.ipynb",
        "v2/gh/owner/env/main?urlpath=lab/tree/content/a.ipynb&content=gh/owner/content/HEAD",
        False,
    ),
    ("https://mybinder.org/v2/gh/o/n/feature/x", "v2/gh/o/n/feature/x", False),
    ("https://mybinder.org/v2/gh/o/n/feature%2Fx", "v2/gh/o/n/feature/x", False),
    (f"https://mybinder.org/v2/gh/o/n/{SHA}", f"v2/gh/o/n/{SHA}", False),
    (
        "https://mybinder.org/v2/git/https%3A%2F%2Fgithub.com%2Fbinder-examples%2Fconda/HEAD",
        "v2/gh/binder-examples/conda/HEAD",
        False,
    ),
    (
        "https://mybinder.org/v2/gl/mosaik%2Fexamples%2Fmosaik-tutorials-on-binder/master",
        "v2/gl/mosaik%2Fexamples%2Fmosaik-tutorials-on-binder/master",
        False,
    ),
    (f"https://mybinder.org/v2/gist/user/{GIST}/master", f"v2/gist/user/{GIST}", False),
    (
        "https://mybinder.org/v2/zenodo/10.5281/zenodo.3242074/",
        "v2/zenodo/10.5281/zenodo.3242074",
        False,
    ),
    (
        "https://mybinder.org/v2/zenodo/10.5281%2Fzenodo.3242074?urlpath=lab",
        "v2/zenodo/10.5281/zenodo.3242074?urlpath=lab",
        False,
    ),
    (
        "https://mybinder.org/v2/figshare/10.6084/m9.figshare.9782777.v1",
        "v2/figshare/10.6084/m9.figshare.9782777.v1",
        False,
    ),
    (
        "https://mybinder.org/v2/dataverse/10.7910/DVN/TJCLKP/",
        "v2/dataverse/10.7910/DVN/TJCLKP",
        False,
    ),
    (
        "https://mybinder.org/v2/hydroshare/https%3A%2F%2Fwww.hydroshare.org%2Fresource%2F8f7c2f0341ef4180b0dbe97f59130756",
        "v2/hydroshare/8f7c2f0341ef4180b0dbe97f59130756",
        False,
    ),
    (
        "https://mybinder.org/v2/ckan/https%3A%2F%2Fdemo.ckan.org%2Fdataset%2Fsample-dataset-1",
        "v2/ckan/https%3A%2F%2Fdemo.ckan.org%2Fdataset%2Fsample-dataset-1",
        False,
    ),
    ("https://notebooks.gesis.org/binder/v2/gh/o/n/main", "v2/gh/o/n/main", False),
    ("https://mybinder.org/build/gh/o/n/main", "v2/gh/o/n/main", False),
    (
        "http://mybinder.org/repo/binder-examples/requirements",
        f"{R}/HEAD",
        True,
    ),
    (
        "http://mybinder.org/repo/binder-examples/requirements/notebooks/index.ipynb",
        f"{R}/HEAD?urlpath=notebooks/index.ipynb",
        True,
    ),
    (
        "[![Binder](https://mybinder.org/badge_logo.svg)]"
        "(https://mybinder.org/v2/gh/binder-examples/requirements/HEAD?filepath=index.ipynb)",
        f"{R}/HEAD?filepath=index.ipynb",
        False,
    ),
    (
        "[![Binder](https://mybinder.org/badge.svg)](https://mybinder.org/v2/gh/o/n/HEAD?filepath=a(1).ipynb)",
        "v2/gh/o/n/HEAD?filepath=a%281%29.ipynb",
        False,
    ),
    (
        '<a href="https://mybinder.org/v2/gh/o/n/HEAD?urlpath=lab&amp;x=1">'
        '<img src="https://mybinder.org/badge_logo.svg" alt="Binder"></a>',
        "v2/gh/o/n/HEAD?urlpath=lab&x=1",
        False,
    ),
    (
        ".. image:: https://mybinder.org/badge_logo.svg\n"
        " :target: https://mybinder.org/v2/gh/binder-examples/requirements/HEAD",
        f"{R}/HEAD",
        False,
    ),
    (
        "`Try it <https://mybinder.org/v2/gh/binder-examples/requirements/HEAD>`_",
        f"{R}/HEAD",
        False,
    ),
    (
        "image:https://mybinder.org/badge_logo.svg[link=https://mybinder.org/v2/gh/o/n/HEAD]",
        "v2/gh/o/n/HEAD",
        False,
    ),
    (
        "Clone https://github.com/o/n or try https://mybinder.org/v2/gh/o/n/HEAD?urlpath=lab.",
        "v2/gh/o/n/HEAD?urlpath=lab",
        True,
    ),
    ("https://github.com/o/n is what I mean", "v2/gh/o/n/HEAD", True),
]

OURS: Rows = [
    (
        f"{HUB}/services/binder/v2/gh/o/n/main?files=home&volume=data&server=my-course",
        "v2/gh/o/n/main?files=home&volume=data&server=my-course",
        False,
    ),
    (
        f"{HUB}/services/binder/v2/gh/o/n/main?volume=a:ro&volume=b:data/b:rw&volume=c:data/c",
        "v2/gh/o/n/main?volume=a:ro&volume=b:data/b:rw&volume=c:data/c",
        False,
    ),
    (f"{HUB}/services/binder/v2/gh/o/n/main?files=project", "v2/gh/o/n/main", False),
    (f"{HUB}/services/binder/v2/gh/o/n/main?files=NONE", "v2/gh/o/n/main?files=none", False),
    (
        f"{HUB}/services/binder/v2/gh/o/n/main?mem=4096M&cpu=500m",
        "v2/gh/o/n/main?mem=4G&cpu=0.5",
        False,
    ),
    (
        f"{HUB}/services/binder/v2/gh/o/n/main?mem=1.5GiB&idle=90m",
        "v2/gh/o/n/main?mem=1536M&idle=1h30m",
        False,
    ),
    (
        f"{HUB}/services/binder/v2/gh/o/n/main?size=large&idle=3600",
        "v2/gh/o/n/main?size=large&idle=1h",
        False,
    ),
    (
        f"{HUB}/services/binder/v2/gh/o/n/main?share=ann&share=bob",
        "v2/gh/o/n/main?share=ann&share=bob",
        False,
    ),
    (
        f"{HUB}/services/binder/v2/gh/o/n/main?target=voila&filepath=/a.ipynb",
        "v2/gh/o/n/main?filepath=a.ipynb&target=voila",
        False,
    ),
    (
        f"{HUB}/services/binder/v2/gh/o/n/main?target=lab&filepath=a.ipynb",
        "v2/gh/o/n/main?labpath=a.ipynb",
        False,
    ),
    (
        f"{HUB}/services/binder/v2/gh/o/n/main?token=abc&colour=red",
        "v2/gh/o/n/main?colour=red",
        False,
    ),
    (
        f"{HUB}/services/binder/v2/gh/o/n/main?image=quay.io/jupyter/base-notebook:latest",
        "v2/gh/o/n/main?image=quay.io/jupyter/base-notebook:latest",
        False,
    ),
    (
        f"{HUB}/services/binder/v2/image/quay.io%2Fjupyter%2Fbase-notebook:latest?files=home",
        "v2/image/quay.io%2Fjupyter%2Fbase-notebook%3Alatest?files=home",
        False,
    ),
]

IMAGES: Rows = [
    (
        "quay.io/jupyter/scipy-notebook:latest",
        "v2/image/quay.io%2Fjupyter%2Fscipy-notebook%3Alatest",
        False,
    ),
    ("docker://ghcr.io/owner/name:1", "v2/image/ghcr.io%2Fowner%2Fname%3A1", False),
    ("docker pull jupyter/base-notebook", "v2/image/jupyter%2Fbase-notebook", True),
    (
        "docker run -it --rm -p 8888:8888 quay.io/jupyter/base-notebook:x start.sh",
        "v2/image/quay.io%2Fjupyter%2Fbase-notebook%3Ax",
        False,
    ),
    ("https://hub.docker.com/r/rocker/binder", "v2/image/docker.io%2Frocker%2Fbinder", True),
    (
        "https://quay.io/repository/jupyter/base-notebook",
        "v2/image/quay.io%2Fjupyter%2Fbase-notebook",
        True,
    ),
]

POINTERS: Rows = [
    (
        f"{HUB}/hub/user-redirect/git-pull?repo=https%3A%2F%2Fgithub.com%2Fo%2Fn&branch=main"
        "&urlpath=lab%2Ftree%2Fn%2Fa%2Findex.ipynb",
        "v2/gh/o/n/main?labpath=a/index.ipynb",
        False,
    ),
    (
        f"{HUB}/hub/user-redirect/git-pull?repo=https%3A%2F%2Fgithub.com%2Fo%2Fn&branch=main"
        "&urlpath=tree%2Fn%2Findex.ipynb",
        "v2/gh/o/n/main?filepath=index.ipynb&target=notebook",
        False,
    ),
    (
        f"{HUB}/hub/user-redirect/git-pull?repo=https%3A%2F%2Fgithub.com%2Fo%2Fn&targetPath=course"
        "&urlpath=lab%2Ftree%2Fcourse%2Findex.ipynb",
        "v2/gh/o/n/HEAD?labpath=index.ipynb",
        True,
    ),
    (
        f"{HUB}/hub/user-redirect/git-pull?repo=https%3A%2F%2Fgithub.com%2Fo%2Fn&urlpath=rstudio%2F",
        "v2/gh/o/n/HEAD?urlpath=rstudio/",
        False,
    ),
    (
        f"{HUB}/hub/user-redirect/git-pull?repo=https%3A%2F%2Fgithub.com%2Fo%2Fn&urlpath=lab%2Ftree%2Fn%2F",
        "v2/gh/o/n/HEAD?target=lab",
        False,
    ),
    (
        f"{HUB}/hub/user-redirect/git-pull?repo=https://github.com/o/n&subPath=a/b.ipynb&app=lab",
        "v2/gh/o/n/HEAD?labpath=a/b.ipynb",
        False,
    ),
    (
        f"{HUB}/user/ann/git-pull?repo=https://gitlab.com/g/n&branch=dev",
        "v2/gl/g%2Fn/dev",
        False,
    ),
    (
        f"{HUB}/hub/user-redirect/interact?account=data-8&repo=textbook&branch=gh-pages&path=nb/a.ipynb",
        "v2/gh/data-8/textbook/gh-pages?filepath=nb/a.ipynb",
        False,
    ),
    (
        f"{HUB}/hub/login?next=%2Fhub%2Fuser-redirect%2Fgit-pull%3Frepo%3Dhttps%253A%252F%252F"
        "github.com%252Fo%252Fn%26branch%3Dmain",
        "v2/gh/o/n/main",
        False,
    ),
    (
        f"{HUB}/hub/login?next=%2Fservices%2Fbinder%2Fv2%2Fgh%2Fo%2Fn%2Fmain",
        "v2/gh/o/n/main",
        False,
    ),
    (
        "https://nbgitpuller.readthedocs.io/en/latest/link.html?hub=https://h.org"
        "&repo=https://github.com/o/n&branch=main&app=notebook",
        "v2/gh/o/n/main?target=notebook",
        False,
    ),
    ("https://nbviewer.org/github/o/n/blob/main/a/b.ipynb", "v2/gh/o/n/main?filepath=a/b.ipynb", False),
    ("https://nbviewer.jupyter.org/github/o/n/tree/main/a/", "v2/gh/o/n/main?filepath=a", False),
    ("https://nbviewer.org/github/o/n/", "v2/gh/o/n/HEAD", False),
    (f"https://nbviewer.org/gist/user/{GIST}", f"v2/gist/user/{GIST}", False),
    (
        "https://nbviewer.org/urls/raw.githubusercontent.com/o/n/main/b.ipynb",
        "v2/gh/o/n/main?filepath=b.ipynb",
        False,
    ),
    (
        "https://nbviewer.org/format/slides/github/o/n/blob/main/b.ipynb",
        "v2/gh/o/n/main?filepath=b.ipynb",
        False,
    ),
    ("https://colab.research.google.com/github/o/n/blob/main/b.ipynb", "v2/gh/o/n/main?filepath=b.ipynb", False),
    ("https://colab.research.google.com/github/o/n", "v2/gh/o/n/HEAD", False),
    (f"https://colab.research.google.com/gist/user/{GIST}/b.ipynb", f"v2/gist/user/{GIST}", False),
    ("https://githubtocolab.com/o/n/blob/main/b.ipynb", "v2/gh/o/n/main?filepath=b.ipynb", False),
    (
        "https://studiolab.sagemaker.aws/import/github/o/n/blob/main/b.ipynb",
        "v2/gh/o/n/main?filepath=b.ipynb",
        False,
    ),
    (
        "https://kaggle.com/kernels/welcome?src=https://github.com/o/n/blob/main/b.ipynb",
        "v2/gh/o/n/main?filepath=b.ipynb",
        False,
    ),
    (
        "[![Open In Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
        "(https://colab.research.google.com/github/o/n/blob/main/b.ipynb)",
        "v2/gh/o/n/main?filepath=b.ipynb",
        False,
    ),
]  # fmt: skip

TABLE = [
    *GIT_URLS, *SHORT, *GITHUB, *GITLAB, *OTHER_FORGES, *ARCHIVES, *BINDER, *OURS, *IMAGES,
    *POINTERS,
]  # fmt: skip

OWN_FORGES = table(
    *PROVIDERS.values(),
    github("ghe", "github.example.org", "Our GitHub"),
    gitlab("inst", "gitlab.example.org", "Our GitLab"),
)
CONFIGURED = [
    ("https://github.example.org/o/n/tree/dev", "v2/ghe/o/n/dev"),
    ("git@github.example.org:o/n.git", "v2/ghe/o/n/HEAD"),
    ("https://gitlab.example.org/a/b/c/-/blob/main/x.ipynb", "v2/inst/a%2Fb%2Fc/main?filepath=x.ipynb"),
    ("ssh://git@gitlab.example.org/a/b.git", "v2/inst/a%2Fb/HEAD"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "link", "guessed"), TABLE, ids=[row[0][:70] for row in TABLE])
def test_paste(text: str, link: str, guessed: bool) -> None:
    found = understand(text)
    assert write_link(found.request) == link
    assert bool(found.guessed) == guessed, found.guessed


@pytest.mark.parametrize(("text", "link"), CONFIGURED)
def test_paste_from_a_forge_of_ones_own(text: str, link: str) -> None:
    found = understand(text, providers=OWN_FORGES)
    assert write_link(found.request, providers=OWN_FORGES) == link
    assert not found.guessed


def test_the_table_is_as_large_as_promised() -> None:
    assert len({text for text, _, _ in TABLE}) == len(TABLE) >= 150
