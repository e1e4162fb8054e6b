"""What is planned for repositories of R where this machine can make no system, or shall not."""

from __future__ import annotations

import pytest
from small_repositories import MakeSource, build

from binderhub_ext.core.errors import Unsupported
from binderhub_ext.engines.local.build import LocalBuilder
from binderhub_ext.engines.local.mapping import Obstacle

NO_APT = Obstacle("No apt.", "Get one.")
FILES = {"runtime.txt": "r-4.1-2022-01-01\n", "install.R": "install.packages('tide')\n"}


async def test_where_no_system_can_be_made(
    repository: MakeSource, builder: LocalBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is of the version that is asked for, and what is not had is said before the build."""
    monkeypatch.setattr("binderhub_ext.engines.local.build.obstacle", lambda settings: NO_APT)
    plan = await builder._plan(repository(FILES))
    assert plan.conda and not plan.packages
    shown = plan.environment
    assert shown.kind.startswith("R 4.1, not R 4.1 as of 2022-01-01, and Python ")
    assert shown.kind.endswith(" from conda with install.R")
    (note,) = shown.notes
    assert note.endswith("R 4.1 is taken, with packages as they are today")
    assert plan.besides[0] == "r-base 4.1.*"
    assert {"r-irkernel", "r-remotes", "r-recommended", "r-shiny"} == {*plan.besides[1:]}
    with pytest.raises(Unsupported, match=r"^apt\.txt: .* No apt\. .*: Get one\."):
        await builder.plan(repository({**FILES, "apt.txt": "gdal-bin"}))


@pytest.mark.parametrize(
    ("runtime", "asked"),
    [
        ("r-4.1.3", "r-base 4.1.3"),
        ("r-4.10-2022-01-01", "r-base 4.10.*"),
        ("r-2022-01-01", "r-base"),
        ("r-devel", "r-base"),
        ("r-4", "r-base 4.*"),
        ("r-4[build=x]", "r-base"),
    ],
)
async def test_which_r_is_asked_of_conda(
    runtime: str, asked: str, repository: MakeSource, builder: LocalBuilder
) -> None:
    builder.r_of_conda = True
    builder.r_packages = ["r-cran-tidyverse", "r-base-dev"]
    plan = await builder._plan(repository({"runtime.txt": runtime, "DESCRIPTION": "Package: x"}))
    assert plan.besides == (asked, "r-irkernel", "r-remotes", "r-tidyverse")


async def test_all_of_it_is_in_the_key(repository: MakeSource, builder: LocalBuilder) -> None:
    builder.r_of_conda = True
    source, other = repository(FILES), repository({**FILES, "runtime.txt": "r-4.2-2022-01-01"})
    keys = {(await builder.plan(source)).key, (await builder.plan(other)).key}
    builder.cran_mirror = "https://cran.example.org"
    keys.add((await builder.plan(source)).key)
    builder.r_packages = []
    assert len({*keys, (await builder.plan(source)).key}) == 4


async def test_where_conda_has_none_the_ways_on_are_said(
    repository: MakeSource, builder: LocalBuilder
) -> None:
    builder.r_of_conda, builder.conda_channel_alias = True, "file:///nowhere"
    with pytest.raises(Unsupported) as caught:
        await build(builder, repository(FILES))
    message = caught.value.message
    assert message.startswith("runtime.txt: this engine takes R from conda's channels"), message
    assert "environment=plain" in message and "docker" in message
