"""The files in deploy/: each is checked by the program that will read it, and they name what the service has."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from debian import program
from waiting import HANG

from syncd.service.metrics import Metrics, prometheus_text
from syncd.workspaces.worker_metrics import WorkerMetrics

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
MOST_EXPOSED = 2.0  # of systemd's exposure levels, from 0 to 10


def run(*command: str | Path, folder: Path = ROOT) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=HANG)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def served() -> set[str]:
    """The names of all metrics."""
    pages = [(ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("operating.md", "workspaces.md")]
    return set(re.findall(r"^\| `(syncd_\w+)` \| (?:gauge|counter)", "\n".join(pages), re.MULTILINE))


def expressions(value: Any) -> Iterator[str]:
    """Every `expr` in a document."""
    if isinstance(value, dict):
        yield from (text for key, text in value.items() if key == "expr" and isinstance(text, str))
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from expressions(inner)


# -- PostgreSQL


def test_the_page_shows_the_statements_that_the_file_has() -> None:
    """Every test on PostgreSQL uses the role that this file makes: tests/postgres_server.py."""
    page = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
    shown = page.partition("```sql\n")[2].partition("```")[0].replace("'…'", ":'password'")
    file = (DEPLOY / "postgresql" / "ledger.sql").read_text(encoding="utf-8")
    of_role = file.partition("\\endif\n")[2]  # before it the password is read, and looked at
    statements = re.sub(r" *--.*", "", of_role)
    assert statements.split() == shown.split()


# -- Prometheus and Grafana


@pytest.mark.parametrize(
    "arguments",
    [
        "check config scrape.yaml",
        pytest.param("check rules alerts.yaml", marks=pytest.mark.nightly),  # testing them reads them too
        "test rules alerts.test.yaml",
    ],
)
def test_promtool_accepts_the_files_and_the_rules_pass_their_tests(arguments: str) -> None:
    promtool = program("prometheus", "usr/bin/promtool")
    run(promtool, *arguments.split(), folder=DEPLOY / "prometheus")


def test_each_alert_has_a_test_in_which_it_fires() -> None:
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text(encoding="utf-8"))
    tests = yaml.safe_load((DEPLOY / "prometheus" / "alerts.test.yaml").read_text(encoding="utf-8"))
    fired = {case["alertname"] for test in tests["tests"] for case in test["alert_rule_test"] if case.get("exp_alerts")}
    assert {rule["alert"] for group in rules["groups"] for rule in group["rules"]} == fired


@pytest.mark.parametrize("file", ["prometheus/alerts.yaml", "grafana/dashboard.json"])
def test_each_metric_that_is_asked_for_is_served(file: str) -> None:
    asked = {
        name
        for text in expressions(yaml.safe_load((DEPLOY / file).read_text(encoding="utf-8")))
        for name in re.findall(r"\bsyncd_\w+", text)
    }
    assert len(asked) > 8
    assert asked - served() == set()
    assert "syncd_build_info" in served()


def test_each_panel_of_the_dashboard_asks_for_something() -> None:
    document = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text(encoding="utf-8"))
    panels = [panel for panel in document["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in document["panels"]}) == len(document["panels"])
    assert all(panel["title"] and panel["targets"] for panel in panels)


def test_outcomes_of_cycles_are_served_from_zero_on() -> None:
    """`increase` does not see the first event of a series that begins with it."""
    assert b'syncd_cycles_total{outcome="broken"} 0.0' in prometheus_text(Metrics().counted())


# -- systemd


def test_the_unit_is_hardened() -> None:
    if shutil.which("systemd-analyze") is None:
        analyze = program("systemd", "usr/bin/systemd-analyze")
    else:
        analyze = Path("systemd-analyze")
    rating = run(analyze, "security", "--offline=true", DEPLOY / "systemd" / "syncd.service")
    match = re.search(r"Overall exposure level for syncd.service: ([\d.]+)", rating)
    assert match is not None
    assert float(match[1]) <= MOST_EXPOSED


def test_the_unit_starts_reloads_and_limits_the_service() -> None:
    unit = (DEPLOY / "systemd" / "syncd.service").read_text(encoding="utf-8")
    assert re.search(r"^ExecStart=\S+/syncd run ", unit, re.MULTILINE)
    assert re.search(r"^ExecReload=/bin/kill -HUP \$MAINPID$", unit, re.MULTILINE)
    for key in ("MemoryMax", "TasksMax", "CPUQuota", "Restart", "TimeoutStopSec"):
        assert re.search(rf"^{key}=\S", unit, re.MULTILINE), key
    named = set(re.findall(r"%d/(\w+)", unit))
    assert named == set(re.findall(r"^LoadCredential=(\w+):", unit, re.MULTILINE))


# -- Kubernetes and Compose


def manifests(file: str = "syncd.yaml") -> dict[str, Any]:
    text = (DEPLOY / "kubernetes" / file).read_text(encoding="utf-8")
    return {document["kind"]: document for document in yaml.safe_load_all(text)}


@pytest.mark.parametrize("version", ["1.31", "1.37"])
@pytest.mark.parametrize("file", ["syncd.yaml", "workers.yaml"])
def test_kubernetes_accepts_the_manifests(file: str, version: str) -> None:
    for document in manifests(file).values():
        kubernetes_validate.validate(document, version, strict=True)


def test_pods_are_confined_limited_and_probed() -> None:
    documents = manifests()
    pods = [documents["StatefulSet"]["spec"]["template"]["spec"]]
    pods.append(documents["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"])
    pods.append(manifests("workers.yaml")["Deployment"]["spec"]["template"]["spec"])
    for pod in pods:
        (container,) = pod["containers"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 10001  # the Dockerfile's
        assert container["securityContext"] == {
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"cpu", "memory"} <= container["resources"]["limits"].keys()
        mounts = {mount["name"] for mount in container["volumeMounts"]}
        volumes = {volume["name"] for volume in pod["volumes"]} | {"ledger"}
        assert mounts <= volumes
    for pod in (pods[0], pods[-1]):
        (service,) = pod["containers"]
        probes = {name: service[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
        assert probes == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}
        secrets = {item["value"] for item in service["env"]}
        assert all(path.startswith("/run/secrets/syncd/") for path in secrets)


def test_two_workers_share_the_workspaces() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]["worker"]
    kubernetes = manifests("workers.yaml")["Deployment"]["spec"]
    assert (compose["deploy"]["replicas"], kubernetes["replicas"]) == (2, 2)
    (container,) = kubernetes["template"]["spec"]["containers"]
    assert compose["command"] == container["args"]
    assert compose["command"][0] == "worker"


def test_metrics_of_a_worker_are_on_the_page() -> None:
    page = (ROOT / "docs" / "workspaces.md").read_text(encoding="utf-8")
    for line in WorkerMetrics().text().decode().splitlines():
        if line.startswith("# HELP ") and not line.split()[2].endswith("_created"):
            _, _, name, text = line.split(" ", 3)
            assert re.search(rf"^\| `{name}` \| (?:gauge|counter) \| {re.escape(text)} \|$", page, re.MULTILINE), name


def test_compose_limits_every_service() -> None:
    document = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    for name, service in document["services"].items():
        assert {"mem_limit", "cpus", "pids_limit"} <= service.keys(), name
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name
