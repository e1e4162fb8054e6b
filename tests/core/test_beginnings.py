"""What can be opened without a repository of one's own, and where it may not be."""

from __future__ import annotations

import pytest

from binderhub_ext.core.beginnings import beginnings
from binderhub_ext.core.errors import BadLink
from binderhub_ext.core.launch import Files
from binderhub_ext.core.opens import link_to
from binderhub_ext.core.paste import understand
from binderhub_ext.core.policy import Policy
from binderhub_ext.core.projects import is_project_folder, project_folder
from binderhub_ext.core.providers import PROVIDERS, table
from binderhub_ext.core.shipped import SHIPPED
from binderhub_ext.hubpages import opens

EXAMPLE = "v2/shipped/tides?labpath=index.ipynb&environment=plain"


def test_links_to_what_comes_with_the_service() -> None:
    found = beginnings(Policy(), PROVIDERS)
    assert found["tides"] == EXAMPLE
    assert found["scratch"] == "v2/shipped/scratch?labpath=notebook.ipynb&environment=plain"


@pytest.mark.parametrize(
    ("policy", "there"),
    [
        (Policy(allowed_specs=("gh/my-university/",)), set()),
        (Policy(banned_specs=("shipped/tides",)), {"scratch"}),
        (Policy(files=(Files.NONE,)), {"scratch", "tides"}),
    ],
)
def test_nothing_is_offered_that_would_be_refused(policy: Policy, there: set[str]) -> None:
    assert set(beginnings(policy, PROVIDERS)) == there


def test_a_hub_that_keeps_nothing_says_so_in_the_link() -> None:
    assert "files=none" in beginnings(Policy(files=(Files.NONE,)), PROVIDERS)["tides"]


def test_a_hub_without_the_provider_offers_nothing() -> None:
    assert beginnings(Policy(), table(PROVIDERS["gh"])) == {}


def test_it_has_a_project_as_every_repository() -> None:
    repo = SHIPPED.repo("scratch")
    assert is_project_folder(project_folder(repo))
    assert project_folder(repo).endswith("/scratch")
    assert (repo.title, repo.page) == ("scratch", "")
    with pytest.raises(BadLink, match="tides, scratch"):
        SHIPPED.repo("../secrets")


SIGN_IN = "/hub/api/oauth2/authorize?client_id=service-binder&state=x&opens="


@pytest.mark.parametrize(
    ("address", "title"),
    [
        (f"{SIGN_IN}v2%2Fgh%2Focean%2Fpenguins%2Fmain", "penguins"),
        (f"{SIGN_IN}v2%2Fshipped%2Ftides", "tides"),
        (f"{SIGN_IN}v2%2Fimage%2Fquay.io%252Fjupyter%252Fscipy", "quay.io/jupyter/scipy"),
        ("/hub/user-redirect/git-pull?repo=https%3A%2F%2Fgithub.com%2Focean%2Fwaves", "waves"),
        # what anybody can have written says nothing
        (f"{SIGN_IN}Your+account+is+locked%2C+call+0900", ""),
        (f"{SIGN_IN}v2%2Fgh%2F%3Cb%3E%2Fx%2Fmain", ""),
        (f"{SIGN_IN}%FF", ""),
        ("/hub/user-redirect/lab?repo=x", ""),
        ("//evil.example/?opens=", ""),
        ("http://[", ""),
        ("", ""),
    ],
)
def test_what_a_sign_in_is_for(address: str, title: str) -> None:
    assert opens(address, PROVIDERS) == title


def test_a_sign_in_is_told_the_repository_and_nothing_else() -> None:
    asked = understand("v2/gh/o/n/main?filepath=secret.ipynb&x=y").request
    assert link_to(asked, PROVIDERS) == "v2/gh/o/n/main"
