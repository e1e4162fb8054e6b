"""The repositories that come with the service are had without any network."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from binderhub_ext.core.errors import RefNotFound
from binderhub_ext.core.progress import unheard
from binderhub_ext.core.shipped import NAMES, SHIPPED
from binderhub_ext.repos import shipped
from binderhub_ext.repos.checkout import checkout
from binderhub_ext.repos.shipped import ShippedProvider


@pytest.fixture
def provider(tmp_path: Path) -> ShippedProvider:
    return ShippedProvider(data_dir=str(tmp_path / "data"))


@pytest.mark.parametrize("name", NAMES)
async def test_its_files_are_there(provider: ShippedProvider, tmp_path: Path, name: str) -> None:
    commit = await provider.resolve(SHIPPED.repo(name), "HEAD")
    assert provider.find(commit) is None
    source = await provider.fetch(commit, unheard)
    await checkout(source, tmp_path / "files")
    folder = Path(shipped.__file__).parents[1] / "examples" / name
    found = {path.name: path.read_bytes() for path in (tmp_path / "files").iterdir()}
    assert found == {path.name: path.read_bytes() for path in folder.iterdir()}
    assert provider.find(commit) == source


async def test_another_release_may_have_another_version(provider: ShippedProvider) -> None:
    commit = await provider.resolve(SHIPPED.repo("tides"), "HEAD")
    old = replace(commit, id="0123456789abcdef")
    with pytest.raises(RefNotFound, match="Launch again"):
        await provider.fetch(old, unheard)


def test_the_example_needs_no_packages() -> None:
    """Every cell runs with nothing but Python, and writes a file that grows."""
    folder = Path(shipped.__file__).parents[1] / "examples" / "tides"
    cells = json.loads((folder / "index.ipynb").read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert not any(cell.get("outputs") for cell in cells)
    plain = "\n".join(code).replace("from IPython.display import SVG\n", "SVG = str\n")
    compile(plain, "index.ipynb", "exec")
    imported = {
        line.split()[1] for line in plain.splitlines() if line.startswith(("from", "import"))
    }
    assert imported == {"datetime", "math", "pathlib"}
    scope: dict[str, object] = {}
    exec("\n".join(code[:2]).replace("from IPython.display import SVG\n", "SVG = str\n"), scope)
    assert "polyline" in str(eval("drawn(tide)", scope))


async def test_two_who_ask_at_once(provider: ShippedProvider) -> None:
    commit = await provider.resolve(SHIPPED.repo("scratch"), "HEAD")
    one, two = await asyncio.gather(*(provider.fetch(commit, unheard) for _ in range(2)))
    assert one == two
