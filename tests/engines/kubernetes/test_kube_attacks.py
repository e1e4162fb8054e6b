"""What somebody may try from inside a pod: it is refused or contained."""

from __future__ import annotations

import pytest
from anyattacks import *  # noqa: F403
from intruder import Attack
from kubehub import KubeHub

from binderhub_ext.core.layout import DataDirectory


@pytest.fixture(scope="module")
def hub(kube_hub: KubeHub) -> KubeHub:
    return kube_hub


async def test_nothing_of_the_claim_is_there_but_what_is_ones_own(attack: Attack) -> None:
    layout: DataDirectory = attack.hub.layout
    paths = [layout.root, layout.homes, layout.home("ana"), layout.secrets, layout.hub_db]
    paths += [layout.root.parent / path.name for path in paths[1:]]
    told = await attack.try_(f"reads({[str(path) for path in paths]!r})")
    assert set(told.values()) <= {"ENOENT", "EACCES"}, told
    found = await attack.try_("[l.split()[3:5] for l in open('/proc/self/mountinfo')]")
    mine = attack.hub.layout.home("eve").name
    seen = [source for source, _ in found if "/homes/" in source or "/secrets" in source]
    assert all(source.endswith((f"/homes/{mine}", "serviceaccount")) for source in seen), seen
    await attack.all_is_well()
