"""The documented repository with a web program of a release, without Java and with another program.

What is not shown: OpenRefine itself, whose releases tests do not reach.
"""

from __future__ import annotations

import re

from documented import files_of
from sandboxhub import SandboxHub, whoever_runs_it

from binderhub_ext.engines.base import Program
from binderhub_ext.engines.local.build import LocalBuilder

PAGE = "how-to/web-programs-beside-the-notebook.md"

REFINE = """\
#!/bin/sh
data=$(echo "$*" | sed 's/.*-d \\([^ ]*\\).*/\\1/')
mkdir -p "$data" && echo "$*" >>"$data/index.html"
exec python3 -m http.server --bind "$2" --directory "$data" "$4"
"""
"""Keeps what it was told each time where its projects would be, and shows that."""

RELEASE = "chmod 755 refine && tar -cz --transform s,^,release/, refine"


@whoever_runs_it
async def test_a_release_that_post_build_unpacks(sandbox_hub: SandboxHub) -> None:
    """It answers at its port behind the proxy, and what it keeps is there the next time."""
    files = files_of(PAGE)
    assert files.pop("apt.txt") == "default-jre-headless\n"
    fetched = 'wget -qO- "$release"'
    assert fetched in files["postBuild"]
    files["postBuild"] = files["postBuild"].replace(fetched, RELEASE)
    image = sandbox_hub.build({**files, "refine": REFINE})
    commit, project = sandbox_hub.repository(files, "rosa/refine")
    launch = sandbox_hub.launch("rosa", image=image, commit=commit, project=project)
    async with sandbox_hub.client() as client:
        for times in (1, 2):
            await client.start(launch)
            shown = await client.page(launch, "proxy/3333/")
            lines = re.findall(r"-i 127\.0\.0\.1 -p 3333 -H \* -d (\S+)", shown)
            assert lines == ["/home/jovyan/.local/share/openrefine"] * times, shown
            beside = await LocalBuilder(data_dir=str(sandbox_hub.data)).programs_beside(launch)
            assert Program("python3", (3333,), True) in beside
            await client.stop("rosa")
