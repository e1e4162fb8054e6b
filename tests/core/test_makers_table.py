# ruff: noqa: E501
"""Link shapes by who makes them, with the launch they mean or the words of their refusal.

A row's second part is the canonical link, or `✗` and a part of what is said. The makers' sources:
MyST's launch button, Sphinx Book Theme's `header_buttons/launch.py`, sphinx-gallery, nbsphinx,
Thebe, Quarto, the generators of nbgitpuller and BinderHub, jupyterhub-ltiauthenticator,
jupyterhub-fancy-profiles, Software Heritage, and the sites' own pages.
"""

from __future__ import annotations

import pytest

from binderhub_ext.core.errors import BadLink
from binderhub_ext.core.links import write_link
from binderhub_ext.core.paste import understand

HUB = "https://hub.example.org"
BINDER = "https://mybinder.org"
GIST = "8a2b3c4d5e6f708192a3b4c5d6e7f801"
SHA = "0c6be33e3bd5b2f9e9d9a4c5f5a8d6d7e8f90a1b"
BERG = "v2/git/https%3A%2F%2Fcodeberg.org%2Fo%2Fr"
PULL = "https%3A%2F%2Fgithub.com%2Fo%2Fn"
PULL_TWICE = "https%253A%252F%252Fgithub.com%252Fo%252Fn"

MAKERS: dict[str, list[tuple[str, str]]] = {
    "BinderHub's form": [
        (f"{BINDER}/v2/gh/o/r/HEAD", "v2/gh/o/r/HEAD"),
        (f"{BINDER}/v2/gh/o/r/feature%2Fx", "v2/gh/o/r/feature/x"),
        (f"{BINDER}/v2/gh/o/r/feature/x", "v2/gh/o/r/feature/x"),
        (f"{BINDER}/v2/gh/o/r/{SHA}", f"v2/gh/o/r/{SHA}"),
        (f"{BINDER}/v2/gh/o/r/HEAD?filepath=a%2Fb.ipynb", "v2/gh/o/r/HEAD?filepath=a/b.ipynb"),
        (f"{BINDER}/v2/gh/o/r/HEAD?labpath=a%2Fb.ipynb", "v2/gh/o/r/HEAD?labpath=a/b.ipynb"),
        (f"{BINDER}/v2/gh/o/r/HEAD?urlpath=%2Fdoc%2Ftree%2Fa.ipynb", "v2/gh/o/r/HEAD?urlpath=doc/tree/a.ipynb"),
        (f"{BINDER}/v2/gl/g%2Fr/HEAD", "v2/gl/g%2Fr/HEAD"),
        (f"{BINDER}/v2/gl/g%2Fs%2Fr/dev", "v2/gl/g%2Fs%2Fr/dev"),
        (f"{BINDER}/v2/gist/u/{GIST}/HEAD", f"v2/gist/u/{GIST}"),
        (f"{BINDER}/v2/gist/u/{GIST}", f"v2/gist/u/{GIST}"),
        (f"{BINDER}/v2/gist/undefined/{GIST}/master", f"v2/gist/undefined/{GIST}"),
        (f"{BINDER}/v2/git/https%3A%2F%2Fcodeberg.org%2Fo%2Fr/main", f"{BERG}/main"),
        (f"{BINDER}/v2/zenodo/10.5281/zenodo.3242074/", "v2/zenodo/10.5281/zenodo.3242074"),
        (f"{BINDER}/v2/zenodo/10.5281/zenodo.3242074", "v2/zenodo/10.5281/zenodo.3242074"),
        (f"{BINDER}/v2/figshare/10.6084/m9.figshare.9782777.v1", "v2/figshare/10.6084/m9.figshare.9782777.v1"),
        (f"{BINDER}/v2/dataverse/10.7910/DVN/TJCLKP/", "v2/dataverse/10.7910/DVN/TJCLKP"),
        (f"{BINDER}/v2/hydroshare/b8f6eae9d89241cf8b5904033460af61", "v2/hydroshare/b8f6eae9d89241cf8b5904033460af61"),
        (f"{BINDER}/repo/o/r", "v2/gh/o/r/HEAD"),
        (f"{BINDER}/repo/o/r/index.ipynb", "v2/gh/o/r/HEAD?urlpath=index.ipynb"),
    ],
    "other Binders": [
        ("https://notebooks.gesis.org/binder/v2/gh/o/r/HEAD", "v2/gh/o/r/HEAD"),
        ("https://binder.example.org/v2/gh/o/r/HEAD", "v2/gh/o/r/HEAD"),
        (f"{HUB}/services/binder/v2/gh/o/r/main?files=home", "v2/gh/o/r/main?files=home"),
        ("https://mybinder.org/build/gh/o/r/main", "v2/gh/o/r/main"),
        ("v2/gh/o/r/main", "v2/gh/o/r/main"),
        ("/v2/gh/o/r/main?labpath=a.ipynb", "v2/gh/o/r/main?labpath=a.ipynb"),
    ],
    "MyST": [
        (f"{BINDER}/v2/gh/o/r/HEAD?urlpath=%2Flab%2Ftree%2Fdocs%2Fp.ipynb", "v2/gh/o/r/HEAD?urlpath=lab/tree/docs/p.ipynb"),
        (f"{BINDER}/v2/gh/o/r/main?urlpath=%2Flab%2Ftree%2F%2Fdocs%2Fp.ipynb", "v2/gh/o/r/main?urlpath=lab/tree/docs/p.ipynb"),
        (f"{BINDER}/v2/gl/org/repo/HEAD?urlpath=%2Flab%2Ftree%2Fp.ipynb", "v2/gl/org%2Frepo/HEAD?urlpath=lab/tree/p.ipynb"),
        (f"{BINDER}/v2/gl/org/sub/repo/HEAD", "v2/gl/org%2Fsub%2Frepo/HEAD"),
        (f"{BINDER}/v2/gl/org/sub/repo/dev", "✗ Write the slashes"),
        (f"{BINDER}/v2/git/https%3A%2F%2Fcodeberg.org%2Fo%2Fr/HEAD?urlpath=%2Flab%2Ftree%2Fp.md", f"{BERG}/HEAD?urlpath=lab/tree/p.md"),
        (f"{HUB}/hub/user-redirect/git-pull?repo={PULL}&urlpath=lab%2Ftree%2Fn%2F%2Fp.ipynb", "v2/gh/o/n/HEAD?labpath=p.ipynb"),
    ],
    "Sphinx Book Theme, Jupyter Book 1": [
        (f"{BINDER}/v2/gh/o/r/main?urlpath=tree/docs/a.ipynb", "v2/gh/o/r/main?urlpath=tree/docs/a.ipynb"),
        (f"{BINDER}/v2/gh/o/r/main?urlpath=lab/tree/docs/a.md", "v2/gh/o/r/main?urlpath=lab/tree/docs/a.md"),
        (f"{BINDER}/v2/gl/g%2Fr/main?urlpath=tree/a.ipynb", "v2/gl/g%2Fr/main?urlpath=tree/a.ipynb"),
        (f"{BINDER}/v2/git/https%3A//codeberg.org/o/r/main?urlpath=tree/docs/a.ipynb", f"{BERG}/main?urlpath=tree/docs/a.ipynb"),
        (f"{BINDER}/v2/git/https%3A//codeberg.org/o/r/feature/x", f"{BERG}/feature/x"),
        (f"{BINDER}/v2/git/https://codeberg.org/o/r/main", f"{BERG}/main"),
        (f"{BINDER}/v2/git/https%3A//git.example.org/a/b/c.git/v1", "v2/git/https%3A%2F%2Fgit.example.org%2Fa%2Fb%2Fc.git/v1"),
        (f"{BINDER}/v2/git/https%3A//codeberg.org/o/r", "✗ has no ref"),
        (f"{HUB}/hub/user-redirect/git-pull?repo=https://github.com/o/n&urlpath=tree/n/docs/a.ipynb&branch=main", "v2/gh/o/n/main?filepath=docs/a.ipynb&target=notebook"),
        (f"{HUB}/hub/user-redirect/git-pull?repo=https://github.com/o/n&urlpath=lab/tree/n/a.ipynb&branch=main", "v2/gh/o/n/main?labpath=a.ipynb"),
        ("https://colab.research.google.com/github/o/r/blob/main/docs/a.ipynb", "v2/gh/o/r/main?filepath=docs/a.ipynb"),
        ("https://deepnote.com/launch?url=https://github.com/o/r/blob/main/a.ipynb", "v2/gh/o/r/main?filepath=a.ipynb"),
    ],
    "sphinx-gallery": [
        (f"{BINDER}/v2/gh/o/r/main?filepath=notebooks/auto_examples/plot_a.ipynb", "v2/gh/o/r/main?filepath=notebooks/auto_examples/plot_a.ipynb"),
        (f"{BINDER}/v2/gh/o/r/main?urlpath=lab/tree/notebooks/auto_examples/plot_a.ipynb", "v2/gh/o/r/main?urlpath=lab/tree/notebooks/auto_examples/plot_a.ipynb"),
    ],
    "nbsphinx": [
        (f"{BINDER}/v2/gh/spatialaudio/nbsphinx/0.9?filepath=doc/subdir/a.ipynb", "v2/gh/spatialaudio/nbsphinx/0.9?filepath=doc/subdir/a.ipynb"),
    ],
    "Thebe": [
        (f"{BINDER}/build/gh/o/r/HEAD", "v2/gh/o/r/HEAD"),
        (f"{BINDER}/build/gl/g%2Fr/HEAD", "v2/gl/g%2Fr/HEAD"),
        (f"{BINDER}/build/git/https%3A%2F%2Fcodeberg.org%2Fo%2Fr/main", f"{BERG}/main"),
        (f"{BINDER}/build/gist/u/{GIST}", f"v2/gist/u/{GIST}"),
    ],
    "Quarto": [
        (f"{BINDER}/v2/gh/o/r/HEAD?labpath=a.ipynb", "v2/gh/o/r/HEAD?labpath=a.ipynb"),
        (f"{BINDER}/v2/gh/o/r/HEAD?labpath=a.ipynb&urlpath=rstudio", "v2/gh/o/r/HEAD?labpath=a.ipynb"),
        (f"{BINDER}/v2/gh/o/r/HEAD?urlpath=rstudio", "v2/gh/o/r/HEAD?urlpath=rstudio"),
        (f"{BINDER}/v2/gh/o/r/HEAD?urlpath=vscode", "v2/gh/o/r/HEAD?urlpath=vscode"),
        ("https://github.com/codespaces/new/o/r?resume=1", "v2/gh/o/r/HEAD"),
    ],
    "Voilà, Pluto, Shiny, dashboards": [
        (f"{BINDER}/v2/gh/o/r/HEAD?urlpath=voila%2Frender%2Fa.ipynb%3Fx%3D1", "v2/gh/o/r/HEAD?urlpath=voila/render/a.ipynb%3Fx%3D1"),
        (f"{BINDER}/v2/gh/o/r/HEAD?urlpath=shiny/app/", "v2/gh/o/r/HEAD?urlpath=shiny/app/"),
        (f"{BINDER}/v2/gh/o/r/HEAD?urlpath=proxy/8501/", "v2/gh/o/r/HEAD?urlpath=proxy/8501/"),
        (f"{BINDER}/v2/gh/o/r/HEAD?urlpath=desktop", "v2/gh/o/r/HEAD?urlpath=desktop"),
        (f"{BINDER}/v2/gh/o/r/HEAD?urlpath=vscode/%3Ffolder%3D/home/jovyan", "v2/gh/o/r/HEAD?urlpath=vscode/%3Ffolder%3D/home/jovyan"),
        (f"{BINDER}/v2/gh/o/r/HEAD?urlpath=lab/workspaces/x", "v2/gh/o/r/HEAD?urlpath=lab/workspaces/x"),
        (f"{BINDER}/v2/gh/o/r/HEAD?urlpath=pluto/open?url%3Dhttps%253A//h.org/a.jl", "v2/gh/o/r/HEAD?urlpath=pluto/open%3Furl%3Dhttps%253A//h.org/a.jl"),
    ],
    "nbgitpuller": [
        (f"{HUB}/hub/user-redirect/git-pull?repo={PULL}&branch=main&urlpath=lab%2Ftree%2Fn%2Fa%2Findex.ipynb", "v2/gh/o/n/main?labpath=a/index.ipynb"),
        (f"{HUB}/hub/user-redirect/git-pull?repo={PULL}&branch=main&urlpath=tree%2Fn%2Findex.ipynb", "v2/gh/o/n/main?filepath=index.ipynb&target=notebook"),
        (f"{HUB}/hub/user-redirect/git-pull?repo={PULL}&urlpath=rstudio%2F", "v2/gh/o/n/HEAD?urlpath=rstudio/"),
        (f"{HUB}/hub/user-redirect/git-pull?repo={PULL}&subPath=a.ipynb&app=lab&depth=1", "v2/gh/o/n/HEAD?labpath=a.ipynb"),
        (f"{HUB}/hub/user-redirect/git-pull?repo={PULL}&targetPath=course&urlpath=lab%2Ftree%2Fcourse%2Fi.ipynb", "v2/gh/o/n/HEAD?labpath=i.ipynb"),
        (f"{HUB}/hub/user-redirect/git-pull?repo={PULL}&app=unknown", "v2/gh/o/n/HEAD"),
        (f"{HUB}/hub/user-redirect/mine/git-pull?repo={PULL}", "v2/gh/o/n/HEAD?server=mine"),
        (f"{HUB}/hub/user-redirect/My_Own/git-pull?repo={PULL}", "v2/gh/o/n/HEAD"),
        (f"{HUB}/user/ann/git-pull?repo=https://gitlab.com/g/n&branch=dev", "v2/gl/g%2Fn/dev"),
        (f"{HUB}/hub/user-redirect/git-pull?repo=git%40github.com%3Ao%2Fn.git", "v2/gh/o/n/HEAD"),
        (f"{HUB}/hub/user-redirect/interact?account=data-8&repo=textbook&branch=gh-pages&path=nb/a.ipynb", "v2/gh/data-8/textbook/gh-pages?filepath=nb/a.ipynb"),
        (f"https://nbgitpuller.readthedocs.io/en/latest/link.html?hub=https://h.org&repo={PULL}&branch=main&app=notebook", "v2/gh/o/n/main?target=notebook"),
        (f"{HUB}/hub/user-redirect/git-pull?repo=quay.io/a/b", "✗ pulls an image"),
        (f"{HUB}/hub/user-redirect/git-pull?branch=main", "✗ leads to a running server"),
    ],
    "Moodle, Canvas (LTI)": [
        (f"{HUB}/hub/lti/launch?next=%2Fhub%2Fuser-redirect%2Fgit-pull%3Frepo%3D{PULL_TWICE}", "v2/gh/o/n/HEAD"),
        (f"{HUB}/hub/lti/launch?custom_next=%2Fhub%2Fuser-redirect%2Fgit-pull%3Frepo%3D{PULL_TWICE}", "v2/gh/o/n/HEAD"),
        (f"{HUB}/hub/lti13/oauth_login?target_link_uri=https%3A%2F%2Fhub.example.org%2Fhub%2Fuser-redirect%2Fgit-pull%3Frepo%3D{PULL_TWICE}", "v2/gh/o/n/HEAD"),
        (f"{HUB}/hub/lti13/oauth_login?login_hint=x", "✗ leads to a running server"),
    ],
    "JupyterHub, fancy profiles (2i2c)": [
        (f"{HUB}/hub/login?next=%2Fhub%2Fuser-redirect%2Fgit-pull%3Frepo%3D{PULL_TWICE}%26branch%3Dmain", "v2/gh/o/n/main"),
        (f"{HUB}/hub/login?next=%2Fservices%2Fbinder%2Fv2%2Fgh%2Fo%2Fn%2Fmain", "v2/gh/o/n/main"),
        (f"{HUB}/hub/spawn?next=%2Fhub%2Fuser-redirect%2Fgit-pull%3Frepo%3D{PULL_TWICE}", "v2/gh/o/n/HEAD"),
        (f"{HUB}/hub/spawn#fancy-forms-config=%7B%22profile%22%3A%22gpu%22%7D", "✗ fills in another hub's form"),
        (f"{HUB}/hub/login?next=/hub/spawn%23fancy-forms-config=%7B%22image%3Aunlisted_choice%22%3A%22quay.io%2Fa%2Fb%3A1%22%7D", "v2/image/quay.io%2Fa%2Fb%3A1"),
        (f"{HUB}/hub/spawn#fancy-forms-config=%7B%22gitPuller%3Arepo%22%3A%22{PULL}%22%2C%22gitPuller%3Abranch%22%3A%22dev%22%2C%22gitPuller%3AfilePath%22%3A%22a.ipynb%22%7D", "v2/gh/o/n/dev?filepath=a.ipynb"),
        (f"{HUB}/hub/spawn#fancy-forms-config=%7B%22image%3Aunlisted_choice%22%3A%22quay.io%2Fa%2Fb%3A1%22%2C%22default_url%3Aunlisted_choice%22%3A%22%2Flab%2Ftree%22%7D", "v2/image/quay.io%2Fa%2Fb%3A1"),
        (f"{HUB}/hub/spawn#fancy-forms-config=%5B%5D", "✗ cannot be read"),
        (f"{HUB}/hub/spawn#fancy-forms-config={'%5B' * 3000}", "✗ cannot be read"),
        (f"{HUB}/user/ann/lab/tree/a.ipynb", "✗ leads to a running server"),
        (f"{HUB}/hub/spawn", "✗ leads to a running server"),
    ],
    "GitHub": [
        ("https://github.com/o/r/blob/main/a.ipynb", "v2/gh/o/r/main?filepath=a.ipynb"),
        ("https://github.com/o/r/tree/main/docs", "v2/gh/o/r/main?filepath=docs"),
        ("https://github.com/o/r/pull/7", "v2/gh/o/r/refs/pull/7/head"),
        ("https://github.com/o/r/releases/tag/v1", "v2/gh/o/r/v1"),
        ("https://github.dev/o/r/blob/main/a.py", "v2/gh/o/r/main?filepath=a.py"),
        ("https://vscode.dev/github/o/r", "v2/gh/o/r/HEAD"),
        ("https://raw.githubusercontent.com/o/r/main/a.ipynb", "v2/gh/o/r/main?filepath=a.ipynb"),
        ("https://o.github.io/r/page", "v2/gh/o/r/HEAD"),
        ("https://github.com/topics/jupyter", "✗ needs an owner and a name"),
        ("https://github.com/codespaces", "✗ needs an owner and a name"),
    ],
    "Codespaces, Gitpod, Ona": [
        ("https://codespaces.new/o/r", "v2/gh/o/r/HEAD"),
        ("https://codespaces.new/o/r/tree/dev", "v2/gh/o/r/dev"),
        ("https://github.com/codespaces/new/o/r/tree/dev", "v2/gh/o/r/dev"),
        ("https://github.com/codespaces/new/o/r?ref=dev", "v2/gh/o/r/dev"),
        ("https://github.com/codespaces/new?hide_repo_select=true&ref=main&repo=1234", "✗ by a number only"),
        ("https://gitpod.io/#https://github.com/o/r/tree/dev", "v2/gh/o/r/dev"),
        ("https://gitpod.io/#NAME=x/https://github.com/o/r", "v2/gh/o/r/HEAD"),
        ("https://gitpod.io/new/#https://gitlab.com/g/r", "v2/gl/g%2Fr/HEAD"),
        ("https://app.ona.com/#https://github.com/o/r", "v2/gh/o/r/HEAD"),
    ],
    "viewers and notebook sites": [
        ("https://nbviewer.org/github/o/r/blob/main/a.ipynb", "v2/gh/o/r/main?filepath=a.ipynb"),
        (f"https://nbviewer.org/gist/u/{GIST}", f"v2/gist/u/{GIST}"),
        ("https://molab.marimo.io/github/o/r/blob/main/x.py", "v2/gh/o/r/main?filepath=x.py"),
        ("https://molab.marimo.io/github/o/r/blob/main/x.py/wasm", "v2/gh/o/r/main?filepath=x.py"),
        ("https://molab.marimo.io/notebooks/nb_1234", "✗ shows no repository"),
        ("https://marimo.app/github.com/o/r/blob/main/x.py", "v2/gh/o/r/main?filepath=x.py"),
        ("https://cocalc.com/github/o/r/blob/main/a.ipynb", "v2/gh/o/r/main?filepath=a.ipynb"),
        ("https://cocalc.com/projects/1234/files/", "✗ shows no repository"),
        ("https://kaggle.com/kernels/welcome?src=https://github.com/o/r/blob/main/a.ipynb", "v2/gh/o/r/main?filepath=a.ipynb"),
        ("https://www.kaggle.com/code/someone/a-notebook", "✗ A page of Kaggle"),
        ("https://studiolab.sagemaker.aws/import/github/o/r/blob/main/a.ipynb", "v2/gh/o/r/main?filepath=a.ipynb"),
        ("https://deepnote.com/workspace/x/project/y", "✗ A page of Deepnote"),
        ("https://colab.research.google.com/drive/1abc", "✗ Google Drive"),
        ("https://drive.google.com/file/d/1abc/view", "✗ Google Drive"),
    ],
    "Renku, OSF, SWAN": [
        ("https://renkulab.io/p/ns/project", "✗ A page of Renku"),
        ("https://app.renkulab.io/p/ns/project", "✗ A page of Renku"),
        ("https://renkulab.io/p/ns/project/sessions/01ABC/start?repository=x", "✗ A page of Renku"),
        ("https://osf.io/abcde/", "v2/osf/abcde"),
        ("https://osf.io/preprints/osf/abcde", "✗ This address of OSF"),
        ("https://swan.cern.ch/?projurl=https://github.com/o/r.git", "v2/gh/o/r/HEAD"),
        ("https://cern.ch/swanserver/cgi-bin/go?projurl=https://gitlab.cern.ch/a/b.git", "v2/git/https%3A%2F%2Fgitlab.cern.ch%2Fa%2Fb.git/HEAD"),
    ],
    "Software Heritage": [
        (f"swh:1:dir:{SHA};origin=https://github.com/o/r;visit=swh:1:snp:{SHA};anchor=swh:1:rev:{SHA};path=/docs", f"v2/gh/o/r/{SHA}?filepath=docs"),
        (f"swh:1:rev:{SHA};origin=https%3A//github.com/o/r", f"v2/gh/o/r/{SHA}"),
        (f"swh:1:rev:{SHA}", "✗ does not say where its files come from"),
        (f"https://archive.softwareheritage.org/swh:1:dir:{SHA};origin=https://github.com/o/r/", "v2/gh/o/r/HEAD"),
        (f"https://archive.softwareheritage.org/browse/origin/directory/?origin_url=https://gitlab.com/g/r&revision={SHA}", f"v2/gl/g%2Fr/{SHA}"),
        (f"https://archive.softwareheritage.org/swh:1:cnt:{SHA}/", "✗ does not say where its files come from"),
    ],
    "pages of a hub like this": [
        (f"{HUB}/services/binder/open?link={PULL}", "v2/gh/o/n/HEAD"),
        (f"{HUB}/jhub/services/binder/?link=v2%2Fgh%2Fo%2Fr%2Fmain%3Fmem%3D1G", "v2/gh/o/r/main?mem=1G"),
        (f"{HUB}/services/binder/open?link=https%3A%2F%2Fhub.example.org%2Fservices%2Fbinder%2Fopen%3Flink%3Do%252Fr", "v2/gh/o/r/HEAD"),
        (f"{HUB}/services/binder/open?link=", "✗ not known to be a repository"),
    ],
    "mails, chats and searches": [
        ("https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fmybinder.org%2Fv2%2Fgh%2Fo%2Fr%2FHEAD&data=05%7C02", "v2/gh/o/r/HEAD"),
        ("https://www.google.com/url?q=https://github.com/o/r&sa=D&source=editors&ust=1", "v2/gh/o/r/HEAD"),
        ("https://l.facebook.com/l.php?u=https%3A%2F%2Fgithub.com%2Fo%2Fr%2Fblob%2Fmain%2Fa.ipynb&h=AT1", "v2/gh/o/r/main?filepath=a.ipynb"),
        ("https://www.google.com/url?q=https://example.org/course", "✗ “https://example.org/course” is not known"),
        ("https://shop.example.org/?from=https://github.com/o/r&to=https://github.com/p/q", "✗ not known to be a repository"),
        ("“https://github.com/o/r”.", "v2/gh/o/r/HEAD"),
        ("\u2018https://github.com/o/r/blob/main/l\u2019été.ipynb\u2019", "v2/gh/o/r/main?filepath=l%E2%80%99%C3%A9t%C3%A9.ipynb"),
        ("see »https://github.com/o/r«, please", "v2/gh/o/r/HEAD"),
    ],
    "sites nobody knows": [
        ("https://git.example.org/owner/name", "v2/git/https%3A%2F%2Fgit.example.org%2Fowner%2Fname/HEAD"),
        ("https://example.org/course/index.html", "✗ not known to be a repository"),
        ("https://example.org/launch?x=1", "✗ not known to be a repository"),
        ("https://example.org/", "✗ not known to be a repository"),
    ],
}  # fmt: skip
ROWS = [(maker, *row) for maker, rows in MAKERS.items() for row in rows]


@pytest.mark.parametrize(
    ("maker", "link", "meaning"), ROWS, ids=[f"{m}-{k}"[:80] for m, k, _ in ROWS]
)
def test_shape(maker: str, link: str, meaning: str) -> None:
    if meaning.startswith("✗"):
        with pytest.raises(BadLink) as refused:
            understand(link)
        assert meaning.removeprefix("✗ ") in str(refused.value)
    else:
        assert write_link(understand(link).request) == meaning


SAID = [
    (f"{BINDER}/v2/gl/org/repo/HEAD", "Took “org/repo” as the repository"),
    (f"{BINDER}/v2/git/https%3A//codeberg.org/o/r/main", "as the repository and “main” as the ref"),
    (f"{BINDER}/v2/gh/o/r/HEAD?labpath=a.ipynb&urlpath=rstudio", "Left out urlpath=rstudio"),
    (f"{HUB}/hub/user-redirect/git-pull?repo={PULL}&targetPath=course", "not in a folder “course”"),
    (f"{HUB}/hub/user-redirect/git-pull?repo={PULL}&app=unknown", "no interface “unknown”"),
    (f"{HUB}/hub/user-redirect/My_Own/git-pull?repo={PULL}", "“My_Own”"),
    ("https://git.example.org/owner/name", "as the address of a Git repository"),
    ("https://www.google.com/url?q=https://github.com/o/r", "that a link of google.com leads to"),
    (f"swh:1:dir:{SHA};origin=https://github.com/o/r", "names no commit"),
]


@pytest.mark.parametrize(("link", "sentence"), SAID)
def test_what_was_assumed_is_said(link: str, sentence: str) -> None:
    assert sentence in " ".join(understand(link).guessed)


def test_the_table_is_as_large_as_promised() -> None:
    assert len({link for _, link, _ in ROWS}) == len(ROWS) >= 120
