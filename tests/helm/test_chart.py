"""The chart: what it makes is what Kubernetes takes, and what it may not."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from charts import CHART, REPOSITORY, SMALL_SITE, helm, named, pod_specs, rendered, template
from prometheus_client import generate_latest
from ruamel.yaml import YAML
from traitlets.config import Config

from binderhub_ext import __version__
from binderhub_ext.config.check import check
from binderhub_ext.config.files import read
from binderhub_ext.engines.kubernetes import labels
from binderhub_ext.engines.kubernetes.cluster import POD_VARIABLES, Cluster
from binderhub_ext.engines.kubernetes.placement import Placement
from binderhub_ext.engines.kubernetes.prepull import manifest
from binderhub_ext.service.accounting.settings import Ledger
from binderhub_ext.service.launching import metrics  # noqa: F401 - makes the figures

VERSIONS = ("1.32", "1.33", "1.34")
EVERYTHING = """
publicUrl: https://hub.example.org
serverHosts: true
hub:
  config: {JupyterHub: {authenticator_class: dummy}}
  env:
    PLAIN: x
    SECRET: {secretKeyRef: {name: s, key: k}}
  nodeSelector: {pool: core}
  tolerations: {core: {key: core, operator: Exists, effect: NoSchedule}}
image: {pullSecrets: {one: true, other: false}}
images: {secret: push}
authorities: {configMap: ours}
ingress: {enabled: true, className: nginx, tlsSecret: tls}
httpRoute: {enabled: true, parentRefs: {gateway: {namespace: entry}}}
database: {postgresql: {host: db, secret: password}}
networkPolicy: {buildsReach: {registry: {cidr: 10.1.2.3/32, port: 5000}}}
tests: {repository: "https://github.com/o/r"}
builds:
  cache: {enabled: true}
  buildkit:
    {address: "tcp://buildkitd.builds:1234", secret: tls, namespace: builds, podLabels: {app: bk}}
monitoring: {serviceMonitor: {enabled: true}, alerts: {enabled: true}, dashboard: {enabled: true}}
prepull: {images: {class: "registry.example.org/binder:1", old: ""}}
placeholders: {count: 3, priorityClass: gives-way}
"""
SERVICE_ALONE = """
hub: {enabled: false}
existingHub: {apiUrl: "http://hub:8081/hub/api", proxyUrl: "http://proxy"}
"""
OF_EXTENSIONS = {"HTTPRoute", "ServiceMonitor", "PrometheusRule"}
MONITORED = "monitoring: {serviceMonitor: {enabled: true}}"
ALL = pytest.mark.parametrize("values", ["{}", EVERYTHING, SERVICE_ALONE, SMALL_SITE])


@ALL
@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_takes_all_of_it(values: str, version: str) -> None:
    for each in rendered(values=values):
        if each["kind"] not in OF_EXTENSIONS:
            kubernetes_validate.validate(each, version, strict=True)


def test_each_object_has_a_name_of_its_own() -> None:
    names = [(each["kind"], each["metadata"]["name"]) for each in rendered(values=EVERYTHING)]
    assert len(names) == len(set(names))


@ALL
def test_pods_are_restricted(values: str) -> None:
    """As Pod Security's level `restricted` has it; nothing is written but to what is mounted."""
    pods = dict(pod_specs(rendered(values=values)))
    assert pods
    for spec in pods.values():
        context = spec["securityContext"]
        assert context["runAsNonRoot"] and context["runAsUser"] == 1000
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
        assert all("hostPath" not in volume for volume in spec.get("volumes", []))
        for container in [*spec["containers"], *spec.get("initContainers", [])]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


@ALL
def test_only_who_needs_it_talks_to_the_api_server(values: str) -> None:
    with_token = {
        name
        for name, spec in pod_specs(rendered(values=values))
        if spec.get("automountServiceAccountToken", True)
    }
    assert with_token <= {"it-binder-hub", "it-binder-service"}


@ALL
def test_rights_are_listed_and_end_at_the_namespace(values: str) -> None:
    objects = rendered(values=values)
    assert not {each["kind"] for each in objects} & {"ClusterRole", "ClusterRoleBinding"}
    rules = [rule for each in objects if each["kind"] == "Role" for rule in each["rules"]]
    assert rules
    for rule in rules:
        assert "*" not in json.dumps(rule)
        assert not set(rule["resources"]) & {"configmaps", "roles", "pods/exec"}
    of_secrets = [rule for rule in rules if "secrets" in rule["resources"]]
    assert all(
        (rule["resources"], rule["verbs"]) == (["secrets"], ["create"]) for rule in of_secrets
    )
    # the Hub alone; the service makes none
    hubs = [each for each in objects if each["metadata"]["name"] == "it-binder-hub"]
    assert len(of_secrets) == sum(each["kind"] == "Role" for each in hubs)


@ALL
def test_every_pod_has_a_policy(values: str) -> None:
    objects = rendered(values=values)
    policies = [each["spec"] for each in objects if each["kind"] == "NetworkPolicy"]
    chosen = [policy["podSelector"]["matchLabels"] for policy in policies]
    for each in objects:
        if each["kind"] == "Deployment":
            labels = each["spec"]["template"]["metadata"]["labels"]
            assert any(wanted.items() <= labels.items() for wanted in chosen), each["metadata"]


def test_servers_reach_the_hub_names_and_the_internet_alone() -> None:
    policy = named(rendered(), "NetworkPolicy", "servers")["spec"]
    names, hub, internet = policy["egress"]
    assert {each["port"] for each in names["ports"]} == {53}
    assert [each["port"] for each in hub["ports"]] == [8081]
    [block] = [each["ipBlock"] for each in internet["to"]]
    assert {"169.254.0.0/16", "10.0.0.0/8", "192.168.0.0/16"} <= set(block["except"])


def test_a_network_can_be_taken_off_the_list() -> None:
    """By its name, as everything in maps."""
    policy = named(rendered("networkPolicy.privateNetworks.ten=null"), "NetworkPolicy", "servers")
    assert "10.0.0.0/8" not in json.dumps(policy)


def test_builds_reach_a_daemon_of_ones_own_at_its_port_alone() -> None:
    objects = rendered(values=EVERYTHING)
    (rule,) = [
        each
        for each in named(objects, "NetworkPolicy", "builds")["spec"]["egress"]
        if any("namespaceSelector" in to and "podSelector" in to for to in each["to"])
    ]
    assert rule["ports"] == [{"port": 1234, "protocol": "TCP"}]
    assert rule["to"] == [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "builds"}},
            "podSelector": {"matchLabels": {"app": "bk"}},
        }
    ]
    config = json.loads(named(objects, "ConfigMap", "service")["data"]["service.json"])
    assert config["KubernetesBuilder"]["buildkit_address"] == "tcp://buildkitd.builds:1234"
    assert config["KubernetesBuilder"]["buildkit_secret"] == "tls"
    assert "buildkit" not in json.dumps(rendered())


def test_what_holds_peoples_things_survives() -> None:
    """An uninstallation keeps claims and secrets."""
    kept = {
        (each["kind"], each["metadata"]["name"])
        for each in rendered(values=SMALL_SITE)
        if each["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep"
    }
    assert kept == {
        ("PersistentVolumeClaim", "it-binder-data"),
        ("PersistentVolumeClaim", "it-binder-hub-database"),
        ("PersistentVolumeClaim", "it-binder-service-database"),
        ("Secret", "it-binder"),
        ("PersistentVolumeClaim", "it-binder-registry"),
        ("Secret", "it-binder-registry"),
    }


def test_a_claim_that_is_there_is_used() -> None:
    objects = rendered("data.existingClaim=theirs")
    assert "it-binder-data" not in json.dumps(objects)
    hub = named(objects, "Deployment", "hub")["spec"]["template"]["spec"]
    assert "theirs" in json.dumps(hub["volumes"])
    config = named(objects, "ConfigMap", "hub")["data"]["hub.json"]
    assert json.loads(config)["Cluster"]["data_claim"] == "theirs"


def test_an_administrator_has_the_last_word() -> None:
    values = "hub: {config: {JupyterHub: {hub_bind_url: 'http://:9'}, X: {some: [1]}}}"
    config = json.loads(named(rendered(values=values), "ConfigMap", "hub")["data"]["hub.json"])
    assert config["JupyterHub"]["hub_bind_url"] == "http://:9"
    assert config["JupyterHub"]["db_url"] == "sqlite:////srv/database/hub.sqlite"
    assert config["X"] == {"some": [1]}


def test_the_ledger_counts_what_servers_get() -> None:
    spawner = "{mem_limit: 6G, sizes: {gpu: {extra_resource_limits: {nvidia.com/gpu: '2'}}}}"
    more = "KubeSpawner: {environment: {A: b}}"
    values = f"servers: {{config: {{BinderKubeSpawner: {spawner}, {more}}}}}"
    text = named(rendered(values=values), "ConfigMap", "service")["data"]["service.json"]
    given = Ledger(config=Config(json.loads(text))).given()
    assert (given.default.memory, given.gpus) == (6 << 30, {"gpu": 2})
    assert "environment" not in text


def test_prepare_knows_where_servers_run() -> None:
    """And the policy that keeps what pulls there from the network is for the pods it makes."""
    places = "node_selector: {pool: people}, tolerations: [{key: people, operator: Exists}]"
    values = f"servers: {{config: {{BinderKubeSpawner: {{{places}}}}}}}"
    objects = rendered(values=values)
    text = named(objects, "ConfigMap", "service")["data"]["service.json"]
    placement = Placement.of_size(Config(json.loads(text)), "")
    assert placement.selector == {"pool": "people"} and placement.tolerations[0]["key"] == "people"
    made = manifest("image", placement, Cluster(config=Config(json.loads(text))))
    policy = named(objects, "NetworkPolicy", "pull")["spec"]
    chosen = policy["podSelector"]["matchLabels"]
    assert chosen.items() <= made["spec"]["template"]["metadata"]["labels"].items()
    assert policy["policyTypes"] == ["Ingress", "Egress"] and policy.keys().isdisjoint(
        {"ingress", "egress"}
    )


def test_what_prepare_makes_ends_with_the_service() -> None:
    [container] = dict(pod_specs(rendered()))["it-binder-service"]["containers"]
    told = {each["name"]: each.get("valueFrom") for each in container["env"]}
    fields = [told[name]["fieldRef"]["fieldPath"] for name in POD_VARIABLES]
    assert fields == ["metadata.name", "metadata.uid"]


def test_alerts_and_dashboard_ask_for_figures_that_there_are() -> None:
    """Under the names that the service gives them, of this namespace and this claim."""
    objects = rendered(values=EVERYTHING)
    rules = json.dumps(named(objects, "PrometheusRule", "")["spec"])
    board = named(objects, "ConfigMap", "dashboard")["data"]["binder-at-home.json"]
    assert json.loads(board)["panels"]
    asked = set(re.findall(r"\bbinderhub_\w+", rules + board))
    told = set(re.findall(r"^# TYPE (binderhub_\w+)", generate_latest().decode(), re.MULTILINE))
    suffix = r"_(total|bucket|created)$"
    assert {re.sub(suffix, "", each) for each in asked} <= {re.sub(suffix, "", m) for m in told}
    assert 'namespace=\\"ns\\"' in rules and "it-binder-data" in rules
    assert not {"NAMESPACE", "CLAIM", "REGISTRY"} & set(re.findall(r"\w+", rules))


def test_figures_are_asked_for_where_they_can_be_had() -> None:
    """The service lets in the proxy alone; where the proxy is not ours, it lets in everybody."""
    for values, part in ((EVERYTHING, "proxy"), (f"{SERVICE_ALONE}{MONITORED}", "service")):
        monitor = named(rendered(values=values), "ServiceMonitor", "")["spec"]
        assert monitor["selector"]["matchLabels"]["component"] == part
        assert monitor["endpoints"][0]["path"] == "/services/binder/metrics"


def test_authorities_are_where_hub_and_service_look() -> None:
    for name, spec in pod_specs(rendered(values=EVERYTHING)):
        if name in ("it-binder-hub", "it-binder-service"):
            (container,) = spec["containers"]
            place = next(e["value"] for e in container["env"] if e["name"] == "SSL_CERT_FILE")
            (mount,) = [m for m in container["volumeMounts"] if m["name"] == "authorities"]
            assert place == f"{mount['mountPath']}/ca.crt"


def test_nodes_have_images_before_people_come() -> None:
    pods = dict(pod_specs(rendered(values=EVERYTHING)))
    pulled = [each["image"] for each in pods["it-binder-prepull"]["initContainers"]]
    assert pulled == ["registry.example.org/binder:1"]
    assert pods["it-binder-placeholder"]["priorityClassName"] == "gives-way"


def test_databases_elsewhere() -> None:
    objects = rendered(values=EVERYTHING)
    config = json.loads(named(objects, "ConfigMap", "service")["data"]["service.json"])
    assert config["BinderApp"]["db_url"] == "postgresql+psycopg://binder@db:5432/service"
    assert "service-database" not in json.dumps(objects)


@pytest.mark.parametrize("values", ["{}", EVERYTHING])
def test_hub_and_service_know_every_setting(values: str, tmp_path: Path) -> None:
    """What the chart writes is read by the very check that reads an administrator's file."""
    for part in ("hub", "service"):
        text = named(rendered(values=values), "ConfigMap", part)["data"][f"{part}.json"]
        file = tmp_path / f"{part}.json"
        file.write_text(text)
        check(read(file).config, [file])


def test_the_hub_is_known_by_one_name(tmp_path: Path) -> None:
    """Network policies choose pods by a label that the engine gives them."""
    objects = rendered()
    config = json.loads(named(objects, "ConfigMap", "hub")["data"]["hub.json"])
    policy = named(objects, "NetworkPolicy", "servers")["spec"]["podSelector"]["matchLabels"]
    assert policy[labels.HUB] == Cluster(config=Config(config)).hub


def test_a_changed_setting_restarts_whom_it_concerns() -> None:
    def sums(*settings: str) -> dict[str, str]:
        return {
            each["metadata"]["name"]: each["spec"]["template"]["metadata"]
            .get("annotations", {})
            .get("checksum/config", "")
            for each in rendered(*settings)
            if each["kind"] == "Deployment"
        }

    before, after = sums(), sums("hub.config.JupyterHub.log_level=DEBUG")
    assert {name for name in before if before[name] != after[name]} == {"it-binder-hub"}


def test_hosts_of_their_own() -> None:
    objects = rendered(values=EVERYTHING)
    for kind, hosts in (
        ("Ingress", [rule["host"] for rule in named(objects, "Ingress", "")["spec"]["rules"]]),
        ("HTTPRoute", named(objects, "HTTPRoute", "")["spec"]["hostnames"]),
    ):
        assert hosts == ["hub.example.org", "*.hub.example.org"], kind
    config = json.loads(named(objects, "ConfigMap", "hub")["data"]["hub.json"])
    assert config["JupyterHub"]["subdomain_host"] == "https://hub.example.org"


@pytest.mark.parametrize(
    "settings",
    [
        ["ingress.enabled=true"],
        ["httpRoute.enabled=true", "publicUrl=https://hub.example.org"],
        ["hub.enabled=false"],
        ["database.postgresql.host=db"],
        ["images.repository="],
        ["placeholders.count=1"],
        ["registry.enabled=true"],
    ],
)
def test_what_is_missing_is_said(settings: list[str]) -> None:
    done = template(*settings)
    assert done.returncode
    assert any(
        word in done.stderr
        for word in (
            *("publicUrl:", "parentRefs:", "apiUrl:", "secret:", "images.repository:"),
            *("placeholders.priorityClass:", "set one of the two"),
        )
    )


def test_the_chart_is_of_this_version() -> None:
    chart = YAML(typ="safe").load(CHART / "Chart.yaml")
    assert chart["appVersion"] == __version__


# ---- values and their schema

SCHEMA = json.loads((CHART / "values.schema.json").read_text())
VALUES = YAML(typ="safe").load(CHART / "values.yaml")
BY_NAME = ("resources", "labels", "privateNetworks", "nodes")
"""Maps of which anything can be taken out by its name."""


def places(schema: dict[str, Any], *above: str) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every place that has a name, and what the schema says of it."""
    for name, inner in schema.get("properties", {}).items():
        yield (*above, name), inner
        yield from places(inner, *above, name)


def slips(schema: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """A wrong name beside every right one, wherever only known names may be."""
    for name, inner in schema.get("properties", {}).items():
        if schema.get("additionalProperties") is False:
            yield (f"{name}x",)
        yield from ((name, *path) for path in slips(inner))


def test_slips_are_refused_by_name() -> None:
    values: dict[str, Any] = {}
    paths = [path for path in slips(SCHEMA) if "parentRefs" not in path]
    for *above, name in paths:
        place = values
        for each in above:
            place = place.setdefault(each, {})
        place[name] = 1
    assert len(paths) > 70
    done = template(values=json.dumps(values))
    assert done.returncode
    assert not [path for path in paths if f"'{path[-1]}'" not in done.stderr], done.stderr


def test_every_value_is_described_and_has_a_default() -> None:
    for path, said in places(SCHEMA):
        value: Any = VALUES
        if path[0] in ("global",) or "parentRefs" in path:
            continue
        assert said["description"].endswith("."), path
        for name in path:
            assert name in value, path
            value = value[name]


def counted_on(values: dict[str, Any], *above: str) -> Iterator[str]:
    """What values begin with and is not empty; and maps with nothing in them that counts."""
    for name, value in values.items():
        if name in BY_NAME or (value in ("", {}) and name != "config"):
            continue
        below = [*counted_on(value, *above, name)] if isinstance(value, dict) else []
        yield from below or [".".join((*above, name))]


def test_values_of_an_older_release_are_refused_with_the_way_to_upgrade(tmp_path: Path) -> None:
    """As `--reuse-values` takes them: they are in place of what this chart's begin with."""
    text = (CHART / "templates" / "_values.tpl").read_text()
    said = YAML(typ="safe").load(text.split('"binder.values" -}}')[1].split("{{- end")[0])
    listed = {f"{place}.{name}".lstrip(".") for place, names in said.items() for name in names}
    assert listed == {*counted_on(VALUES)}
    older = shutil.copytree(CHART, tmp_path / "chart")
    values = {name: value for name, value in VALUES.items() if name != "registry"}
    values["builds"] = {"config": {}}
    (older / "values.yaml").write_text(json.dumps(values))
    done = helm("template", "it", str(older), f"--set={REPOSITORY}")
    assert done.returncode and "--reset-then-reuse-values" in done.stderr
    for name in ("registry.enabled", "builds.buildkit", "builds.cache.enabled"):
        assert name in done.stderr
    assert "nil pointer" not in done.stderr
    assert template("hub.resources=null", "data.storageClass=null").returncode == 0


def test_there_is_no_program_in_values() -> None:
    text = (CHART / "values.yaml").read_text() + (CHART / "values.schema.json").read_text()
    assert "import " not in text and "|\n" not in text


def test_no_image_of_strangers() -> None:
    """But the registry's, where one is asked for."""

    def images(values: str) -> set[str]:
        pods = pod_specs(rendered(values=values))
        return {container["image"] for _, spec in pods for container in spec["containers"]}

    ours = f"binder-at-home/binder:{__version__}"
    assert images(EVERYTHING) == {ours}
    assert images(SMALL_SITE) == {ours, VALUES["registry"]["image"]}


def test_every_template_is_used() -> None:
    """A template that makes nothing with everything switched on would never be tried."""
    done = template(values=EVERYTHING)
    said = done.stdout + template(values=SMALL_SITE).stdout
    files = {
        path.name
        for path in (CHART / "templates").rglob("*.yaml")
        if f"/{path.relative_to(CHART)}" not in said
    }
    assert not files


def test_the_folder_of_the_chart_has_nothing_else() -> None:
    assert {path.name for path in CHART.iterdir()} == {
        *(".helmignore", "Chart.yaml", "files", "templates", "values.schema.json", "values.yaml")
    }
    assert Path(CHART / "templates" / "NOTES.txt").exists()


def test_the_trial_has_the_names_of_the_chart() -> None:
    from binderhub_ext.up import trial

    text = (CHART / "templates" / "tests.yaml").read_text()
    assert trial.__name__ in text and trial.TOKEN in text and "BINDER_HUB_API" in text


def test_what_only_renders_is_given_its_secrets() -> None:
    """Two renderings are the same then, and nothing of the chart's stands beside what was given."""
    given = ("tokens.secret=ours", "registry.secret=images")
    done = [template(*given, values=SMALL_SITE) for _ in range(2)]
    assert done[0].returncode == 0, done[0].stderr
    assert done[0].stdout == done[1].stdout
    objects = rendered(*given, values=SMALL_SITE)
    assert not [each for each in objects if each["kind"] == "Secret"]
    pods = dict(pod_specs(objects))
    for part in ("hub", "service", "proxy"):
        assert '"name": "ours"' in json.dumps(pods[f"it-binder-{part}"])
    assert '"secretName": "images"' in json.dumps(pods["it-binder-registry"]["volumes"])
    assert '"secretName": "images"' in json.dumps(pods["it-binder-service"]["volumes"])
    assert pods["it-binder-prepull"]["imagePullSecrets"] == [{"name": "images"}]
    alone = rendered("tokens.secret=ours", values=SERVICE_ALONE)
    assert not [each for each in alone if each["kind"] == "Secret"]
    refused = template("existingHub.secret=ours", values=SERVICE_ALONE)
    assert refused.returncode and "tokens: {secret: ours}" in refused.stderr
