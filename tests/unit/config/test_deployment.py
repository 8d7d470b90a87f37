"""Deployments: which workspaces a syncd.yaml has, what holds in each, and what is wrong, with its file and line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from rights import as_nobody, open_folder

from syncd.config import Config, load_config
from syncd.config.deployment import Deployment, deployment_above, deployment_of, read_deployment
from syncd.config.load import read_ledger_url
from syncd.config.local_sources import not_exported
from syncd.config.pages_address import pages_address
from syncd.config.web_secrets import client_secret, web_secret_problems
from syncd.sdk import ConfigError

DEPLOYMENT = """\
workspaces: teams/*/syncd.yaml
ledger: postgresql+psycopg://syncd@db.acme.example/okrs
"""
OWN = "connections: {local: {type: files, root: data/}}\n"
MAPPING = """\
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - {id: calls, title: Calls fall, kind: outcome, baseline: 1200, target: 600}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A deployment of two workspaces in the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "syncd.yaml").write_text(DEPLOYMENT)
    add(tmp_path / "teams" / "search")
    add(tmp_path / "teams" / "support-desk")
    return tmp_path


def add(place: Path, own: str = OWN) -> None:
    (place / "mappings").mkdir(parents=True)
    (place / "syncd.yaml").write_text(own)
    (place / "mappings" / "okrs.yaml").write_text(MAPPING)


def load(workspace: str | None = "search", last: Config | None = None) -> Config:
    return load_config(Path("syncd.yaml"), workspace, last=last)


def problems(workspace: str | None = "search") -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(workspace)
    return [str(problem) for problem in caught.value.problems]


def test_a_workspace_has_the_name_of_its_folder_and_its_own_files(folder: Path) -> None:
    deployment = read_deployment(folder / "syncd.yaml")
    assert deployment is not None
    assert list(deployment.workspaces) == ["search", "support-desk"]
    assert deployment.refused == {}
    config = load("support-desk")
    assert config.workspace == deployment.workspaces["support-desk"]
    assert config.path == folder / "teams" / "support-desk" / "syncd.yaml"
    assert [mapping.file for mapping in config.mappings] == ["teams/support-desk/mappings/okrs.yaml"]


@pytest.mark.parametrize(
    "pattern",
    ["teams/*/syncd.yaml", "**/syncd.yaml", "teams/**/syncd.yaml", "t*/s*/*.yaml", "*/*-desk/syncd.yaml", "*/[s]*/s*"],
)
def test_a_workspace_that_is_named_is_that_of_the_list(folder: Path, pattern: str) -> None:
    """A single folder is looked for then, among a thousand."""
    for place in ("teams/more/deep", "teams/.hidden", "teams/Search", "others/search", "old/support-desk"):
        add(folder / place)
    (folder / "syncd.yaml").write_text(DEPLOYMENT.replace("teams/*/syncd.yaml", f"'{pattern}'"))
    of_all = read_deployment(folder / "syncd.yaml")
    assert of_all is not None
    names = ["search", "support-desk", "deep", ".hidden", "hidden", "Search", "*", "teams", folder.name, ""]
    for name in names:
        alone = deployment_of(of_all.path, of_all.document, of_all.settings)
        try:
            named: object = alone.chosen(name)
        except ConfigError as error:
            named = str(error)
        if name in of_all.workspaces:
            assert named == of_all.workspaces[name]
        elif name in of_all.refused:
            assert named == str(of_all.refused[name])
        elif of_all.workspaces:
            assert f"there is no workspace {name!r}" in str(named)
        else:
            assert str(named).splitlines() == [str(problem) for problem in of_all.refused.values()]


def test_a_workspace_knows_the_deployment_above_it(folder: Path) -> None:
    for name in ("search", "support-desk"):
        own = folder / "teams" / name / "syncd.yaml"
        assert deployment_above(own) == load(name).workspace
    add(folder / "elsewhere" / "search")
    assert deployment_above(folder / "elsewhere" / "search" / "syncd.yaml") is None
    assert deployment_above(folder / "syncd.yaml") is None
    (folder / "syncd.yaml").write_text("workspaces: [")
    assert deployment_above(own) is None


def test_a_project_is_no_deployment(folder: Path) -> None:
    assert read_deployment(folder / "teams" / "search" / "syncd.yaml") is None
    assert load_config(Path("teams/search/syncd.yaml")).workspace is None
    with pytest.raises(ConfigError) as caught:
        load_config(Path("teams/search/syncd.yaml"), "search")
    assert str(caught.value) == (
        "teams/search/syncd.yaml: has no `workspaces:`, so there is no 'search'; leave out --workspace, or name a "
        "deployment"
    )


def test_a_ledger_in_postgresql_is_a_schema_of_the_workspace() -> None:
    database = "postgresql+psycopg://syncd@db.acme.example/okrs"
    assert load("search").ledger_url() == f"{database}?schema=ws_search"
    assert load("support-desk").ledger_url() == f"{database}?schema=ws_support_desk"
    assert read_ledger_url(Path("syncd.yaml"), "search") == f"{database}?schema=ws_search"


@pytest.mark.parametrize(
    ("ledger", "url"),
    [
        ("postgresql+psycopg://u@h/okrs_{workspace}", "postgresql+psycopg://u@h/okrs_support-desk"),
        ("postgresql+psycopg://u@h/okrs_{shard}", "postgresql+psycopg://u@h/okrs_f?schema=ws_support_desk"),
        ("postgresql+psycopg://u@h{shard}/okrs", "postgresql+psycopg://u@hf/okrs?schema=ws_support_desk"),
        ("postgresql+psycopg://u@h/{shard}_{workspace}", "postgresql+psycopg://u@h/f_support-desk"),
        ("sqlite:///{shard}/{workspace}.db", "sqlite:///FOLDER/f/support-desk.db"),
        ("postgresql+psycopg://u@h/okrs?sslmode=require", "…/okrs?sslmode=require&schema=ws_support_desk"),
        ("postgresql+psycopg://{workspace}@h/okrs", "postgresql+psycopg://support-desk@h/okrs?schema=ws_support_desk"),
        ("sqlite:///ledgers/{workspace}.db", "sqlite:///FOLDER/ledgers/support-desk.db"),
        ("sqlite:////var/lib/{workspace}/syncd.db", "sqlite:////var/lib/support-desk/syncd.db"),
        ("${LEDGER}", "postgresql+psycopg://u:p%40ss@h/okrs?schema=ws_support_desk"),
    ],
)
def test_ledgers_are_apart(folder: Path, monkeypatch: pytest.MonkeyPatch, ledger: str, url: str) -> None:
    monkeypatch.setenv("LEDGER", "postgresql+psycopg://u:p%40ss@h/okrs")
    (folder / "syncd.yaml").write_text(f'workspaces: teams/*/syncd.yaml\nledger: "{ledger}"\n')
    expected = url.replace("FOLDER", str(folder)).replace("…", "postgresql+psycopg://u@h")
    assert load("support-desk").ledger_url() == expected


def test_a_ledger_that_a_reference_names_is_checked_when_it_is_resolved(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER", "sqlite:///syncd.db")
    (folder / "syncd.yaml").write_text('workspaces: teams/*/syncd.yaml\nledger: "${LEDGER}"\n')
    with pytest.raises(ConfigError, match=r"syncd.yaml:2: ledger is one SQLite file for all workspaces; write \{works"):
        load().ledger_url()


def test_what_the_deployment_says_is_the_default_of_its_workspaces(folder: Path) -> None:
    (folder / "syncd.yaml").write_text(
        DEPLOYMENT + "schedule: 1h\ntimezone: Europe/Berlin\nretain: {events: 30d, cycles: 60d}\n"
        "web:\n  address: https://okrs.acme.example\n"
        "  login:\n    oidc: {issuer: https://id.acme.example, client_id: syncd, client_secret: '${OIDC}'}\n"
        "  roles: {viewer: ['*']}\n"
    )
    (folder / "teams/search/syncd.yaml").write_text(
        OWN + "timezone: Asia/Tokyo\nretain: {cycles: 90d}\nweb: {roles: {operator: [ann@acme.example]}}\n"
    )
    search, support = load("search").settings, load("support-desk").settings
    assert (search.schedule, support.schedule) == ("1h", "1h")
    assert (search.timezone, support.timezone) == ("Asia/Tokyo", "Europe/Berlin")
    assert (search.retain.events.days, search.retain.cycles.days) == (30, 90)
    assert support.retain.cycles.days == 60
    assert search.web.login == support.web.login is not None
    assert search.web.roles != support.web.roles


def test_a_secret_of_the_deployment_is_missed_where_it_is_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = "web:\n  address: https://okrs.acme.example\n  login:\n    oidc:\n      issuer: https://id.acme.example\n"
    login += "      client_id: syncd\n      client_secret: ${OIDC_SECRET}\n"
    (folder / "syncd.yaml").write_text(DEPLOYMENT + login)
    assert [str(problem).partition(" is not set")[0] for problem in web_secret_problems(load())] == [
        "syncd.yaml:9: OIDC_SECRET"
    ]
    monkeypatch.setenv("OIDC_SECRET", "correct horse battery staple")
    assert client_secret(load()) == "correct horse battery staple"


def test_an_own_login_has_nothing_of_the_one_of_the_deployment(folder: Path) -> None:
    oidc = "login: {oidc: {issuer: https://id.acme.example, client_id: syncd, client_secret: '${OIDC}'}}"
    (folder / "syncd.yaml").write_text(f"{DEPLOYMENT}web: {{address: https://okrs.acme.example, {oidc}}}\n")
    (folder / "teams/search/syncd.yaml").write_text(OWN + "web: {login: {tokens: {ci: '${CI_TOKEN}'}}}\n")
    assert list(load().settings.web.token_names) == ["ci"]
    assert [str(problem).partition(" is not set")[0] for problem in web_secret_problems(load())] == [
        "teams/search/syncd.yaml:2: CI_TOKEN"
    ]


def test_a_workspace_is_loaded_again_only_if_its_files_or_the_deployment_changed(folder: Path) -> None:
    first = load()
    assert load(last=first) is first
    (folder / "teams/support-desk/syncd.yaml").write_text(OWN + "schedule: 1h\n")
    assert load(last=first) is first
    (folder / "syncd.yaml").write_text(DEPLOYMENT + "schedule: 1h\n")
    second = load(last=first)
    assert second.settings.schedule == "1h"
    assert load(last=second) is second
    (folder / "teams/search/syncd.yaml").write_text(OWN + "schedule: 2h\n")
    assert load(last=second).settings.schedule == "2h"


# -- what is wrong


def test_without_a_name_the_workspaces_are_listed(folder: Path) -> None:
    assert problems(None) == [
        "syncd.yaml:1: this is a deployment of many workspaces; choose one with --workspace: search, support-desk"
    ]
    for number in range(30):
        add(folder / "teams" / f"team-{number:02}")
    assert problems(None)[0].endswith(", team-16, team-17 and 12 more")


def test_an_unknown_name_gets_the_nearest() -> None:
    assert problems("serch") == ["syncd.yaml:1: there is no workspace 'serch'; did you mean 'search'?"]
    assert problems("../search")[0].startswith("syncd.yaml:1: there is no workspace '../search'; did you mean 'search'")


@pytest.mark.parametrize(
    ("deployment", "message"),
    [
        (
            "workspaces: team/*/syncd.yaml\nledger: postgresql+psycopg://u@h/d\n",
            "syncd.yaml:1: workspaces is 'team/*/syncd.yaml', and no file is there; write a glob that starts at this "
            "folder, such as teams/*/syncd.yaml",
        ),
        (
            "workspaces: /etc/*/syncd.yaml\nledger: postgresql+psycopg://u@h/d\n",
            "syncd.yaml:1: workspaces is '/etc/*/syncd.yaml', and no file is there; write a glob that starts at this "
            "folder, such as teams/*/syncd.yaml",
        ),
        (
            "workspaces: ''\nledger: postgresql+psycopg://u@h/d\n",
            "syncd.yaml:1: workspaces is '', and no file is there; write a glob that starts at this folder, such as "
            "teams/*/syncd.yaml",
        ),
        ("workspaces: [a, b]\n", "syncd.yaml:1: workspaces must be a text, not a list"),
        (
            "workspaces: teams/*/syncd.yaml\nledger: sqlite:///syncd.db\n",
            "syncd.yaml:2: ledger is one SQLite file for all workspaces; write {workspace} into its name, such as "
            "sqlite:///ledgers/{workspace}.db",
        ),
        (
            "workspaces: teams/*/syncd.yaml\n",
            "syncd.yaml:1: ledger is one SQLite file for all workspaces; write {workspace} into its name, such as "
            "sqlite:///ledgers/{workspace}.db",
        ),
        (
            "workspaces: teams/*/syncd.yaml\nledger: postgresql+psycopg://u@h/d?schema=okrs\n",
            "syncd.yaml:2: ledger names a schema, and each workspace has one of its own, ws_NAME; leave out schema=",
        ),
        (
            "workspaces: teams/*/syncd.yaml\nledger: sqlite:///{workspace}.db\nrunner: procrastinate\n",
            "syncd.yaml:3: runner: procrastinate needs one PostgreSQL database for all workspaces, or sixteen; write "
            "ledger: postgresql+psycopg://user@host/db, or postgresql+psycopg://user@host/db_{shard}",
        ),
        (
            "workspaces: teams/*/syncd.yaml\nledger: sqlite:///{shard}.db\n",
            "syncd.yaml:2: ledger is one SQLite file for all workspaces; write {workspace} into its name, such as "
            "sqlite:///ledgers/{workspace}.db",
        ),
        (
            "workspaces: teams/*/syncd.yaml\nledger: postgresql+psycopg://u@h/{workspace}\nrunner: procrastinate\n",
            "syncd.yaml:3: runner: procrastinate needs one PostgreSQL database for all workspaces, or sixteen; write "
            "ledger: postgresql+psycopg://user@host/db, or postgresql+psycopg://user@host/db_{shard}",
        ),
        (DEPLOYMENT + "runner: celery\n", "syncd.yaml:3: runner is 'celery'; write 'threads' or 'procrastinate'"),
        (
            DEPLOYMENT + "worker: {heartbeat: 10s, reclaim: 12s}\n",
            "syncd.yaml:3: worker is wrong: reclaim must be at least twice heartbeat; write heartbeat: 10s and "
            "reclaim: 25s",
        ),
        (
            DEPLOYMENT + "timezone: Mars\n",
            "syncd.yaml:3: timezone is 'Mars', which is no time zone; write one such as Europe/Berlin",
        ),
        *(
            (
                f"{DEPLOYMENT}{written}\n",
                f"syncd.yaml:3: {written.partition(':')[0]} is of each workspace, not of the deployment; write it into "
                "the files that `workspaces:` names (teams/*/syncd.yaml)",
            )
            for written in (
                "connections: {local: {type: files, root: data/}}",
                "mappings: okrs/",
                "publish: [{to: local, file: okrs.json}]",
                "notify: {to: '${CHANNEL}'}",
                "heartbeat: https://hc.example/a",
                "settle: 7d",
                "backup: {to: backups/}",
            )
        ),
    ],
)
def test_a_wrong_deployment_is_a_sentence(folder: Path, deployment: str, message: str) -> None:
    (folder / "syncd.yaml").write_text(deployment)
    assert problems() == [message]


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (
            OWN + "ledger: sqlite:///own.db\n",
            "teams/search/syncd.yaml:2: ledger is of the deployment (syncd.yaml), not of a workspace; remove it here",
        ),
        (
            OWN + "workspaces: more/*/syncd.yaml\n",
            "teams/search/syncd.yaml:2: workspaces is of the deployment (syncd.yaml), not of a workspace; remove it "
            "here",
        ),
        (OWN + "schedule: 0s\n", "teams/search/syncd.yaml:2: schedule must be at least 1s"),
        ("", "teams/search/syncd.yaml: is empty; `syncd init` writes one to start from"),
        ("- a\n", "teams/search/syncd.yaml:1: the file must be a block of keys, not a list"),
        (OWN + "retian: {}\n", "teams/search/syncd.yaml:2: unknown key 'retian'; did you mean 'retain'?"),
    ],
)
def test_a_wrong_workspace_is_a_sentence_and_disturbs_no_other(folder: Path, own: str, message: str) -> None:
    (folder / "teams/search/syncd.yaml").write_text(own)
    assert problems() == [message]
    assert load("support-desk").settings.schedule == "15m"


@pytest.mark.parametrize("name", ["Search", "search_team", "-search", "search-", "s" * 61, "équipe", "a b"])
def test_a_folder_that_can_be_no_workspace_is_a_sentence_and_disturbs_no_other(folder: Path, name: str) -> None:
    add(folder / "teams" / name)
    assert problems(name) == [
        f"teams/{name}/syncd.yaml: is in the folder {name!r}, which is the workspace's name; write lower-case letters, "
        "digits and '-' only, at most 60, such as search-team"
    ]
    assert load("search").workspace is not None


def test_two_folders_of_one_name_are_no_workspace(folder: Path) -> None:
    (folder / "syncd.yaml").write_text(DEPLOYMENT.replace("teams/*/syncd.yaml", "'**/syncd.yaml'"))
    add(folder / "more" / "search")
    assert problems() == [
        "teams/search/syncd.yaml: is the workspace 'search' by the name of its folder, and so is "
        "more/search/syncd.yaml; rename one of the folders"
    ]
    assert load("support-desk").workspace is not None


def test_a_link_that_leads_out_is_not_followed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    add(outside / "stolen")
    (folder / "teams/stolen").symlink_to(outside / "stolen")
    assert problems("stolen")[0].startswith("teams/stolen/syncd.yaml: is a link that leads out of ")
    assert load("search").workspace is not None


def test_only_a_regular_file_is_read(folder: Path) -> None:
    (folder / "teams/pipe").mkdir()
    os.mkfifo(folder / "teams/pipe/syncd.yaml")
    assert problems("pipe") == ["teams/pipe/syncd.yaml: cannot be read: it is a named pipe; name a regular file"]
    assert load("search").workspace is not None


def test_the_pages_of_a_workspace_are_below_the_address_of_the_deployment(folder: Path) -> None:
    (folder / "syncd.yaml").write_text(f"{DEPLOYMENT}web: {{address: https://okrs.acme.example}}\n")
    assert pages_address(load("search")) == "https://okrs.acme.example/w/search"
    own = f"{OWN}web: {{address: https://search.acme.example, owners_check_in: true}}\n"
    (folder / "teams" / "search" / "syncd.yaml").write_text(own)
    assert pages_address(load("search")) == "https://search.acme.example"
    assert pages_address(load("support-desk")) == "https://okrs.acme.example/w/support-desk"


def test_keys_of_the_deployments_pages_are_named_where_a_workspace_has_them(folder: Path) -> None:
    (folder / "syncd.yaml").write_text(
        f"{DEPLOYMENT}web: {{address: https://okrs.acme.example, groups_claim: teams, metrics: open}}\n"
    )
    assert list(load().web_warnings()) == list(load("support-desk").web_warnings())  # what the deployment has is right
    own = "web:\n  address: https://search.acme.example\n  groups_claim: roles\n  metrics: open\n  login:\n    oidc: "
    oidc = "{issuer: https://id.acme.example, client_id: syncd, client_secret: '${OIDC}'}\n  roles: {viewer: ['*']}\n"
    (folder / "teams/search/syncd.yaml").write_text(OWN + own + oidc)
    there = "the pages of the deployment go by syncd.yaml; write web.{0} there, or remove it here"
    alone = "web.{0} of a workspace counts only where it is served alone, with --workspace; " + there
    assert [str(problem) for problem in load().web_warnings()] == [
        "teams/search/syncd.yaml:3: web.address of a workspace changes only links in what is sent; "
        + there.format("address"),
        "teams/search/syncd.yaml:7: " + alone.format("login.oidc"),
        "teams/search/syncd.yaml:4: " + alone.format("groups_claim"),
        "teams/search/syncd.yaml:5: " + alone.format("metrics"),
    ]


READS = "measure: {from: workspace, name: support-desk, key_result: calls}"


def read_from(place: str, measure: str = READS) -> None:
    """Lets the key result of a workspace be measured so."""
    path = Path("teams", place, "mappings", "okrs.yaml")
    path.write_text(MAPPING.replace("target: 600}", f"target: 600, {measure}}}"))


def refused(workspace: str = "search") -> list[str]:
    """What `validate` refuses of the workspace's reading."""
    return [str(problem) for problem in not_exported(load(workspace))]


def test_a_workspace_reads_what_another_exports(folder: Path) -> None:
    assert "workspace" not in load().connections  # nothing is read of another
    read_from("search")
    assert refused() == [
        "teams/search/mappings/okrs.yaml:6: calls: workspace: the workspace 'support-desk' exports no key result "
        "'calls'; `export: [calls]` in its syncd.yaml lets others read it"
    ]
    (folder / "teams/support-desk/syncd.yaml").write_text(f"{OWN}export: [calls]\n")
    assert refused() == []
    assert list(load().connections) == ["local", "workspace"]


def test_what_the_files_show_is_refused_before_a_sync(folder: Path) -> None:
    desk = folder / "teams/support-desk"
    (desk / "syncd.yaml").write_text(f"{OWN}export: [calls]\n")
    at = "teams/search/mappings/okrs.yaml:6: calls: workspace: "
    read_from("search", READS.replace("support-desk", "support"))
    assert refused() == [f"{at}there is no workspace 'support' in this deployment"]
    read_from("search", READS.replace("key_result: calls", "key_result: cals"))
    assert refused() == [f"{at}the workspace 'support-desk' exports no key result 'cals'; did you mean 'calls'?"]
    read_from("search", f"unit: calls/week, {READS}")
    read_from("support-desk", "unit: calls/day, measure: {from: local, file: a.csv, cell: B2}")
    assert refused() == [
        f"{at}the workspace 'support-desk' counts calls in 'calls/day', and 'calls/week' is expected; write the same "
        "unit, or convert it by a formula"
    ]
    read_from("search", f"unit: calls/week, {READS[:-1]}, unit: calls/day}}")
    assert refused() == []
    (desk / "mappings/okrs.yaml").write_text("nonsense: 1\n")
    assert refused() == []  # its own `validate` says so


def test_a_circle_of_workspaces_is_refused(folder: Path) -> None:
    for name, other in (("search", "support-desk"), ("support-desk", "third"), ("third", "search")):
        if name == "third":
            add(folder / "teams/third")
        (folder / "teams" / name / "syncd.yaml").write_text(f"{OWN}export: [calls]\n")
        read_from(name, READS.replace("support-desk", other))
    for name, other in (("search", "support-desk"), ("third", "search")):
        assert refused(name) == [
            f"teams/{name}/mappings/okrs.yaml:6: calls: workspace: calls of the workspace {other!r} is measured from "
            "itself, in a circle of workspaces; measure one of them from its own sources"
        ]


@pytest.mark.parametrize(
    ("measure", "problem"),
    [
        (
            READS.replace("support-desk", "search"),
            "name is 'search', which is this workspace itself; name another one",
        ),
        (READS.replace(", key_result: calls", ""), "'key_result' is missing"),
        (
            f"{READS[:-1]}, as: {{percent: true}}}}",
            "measure has 'as', which is for texts, and the value of a key result is a number; drop it",
        ),
    ],
)
def test_a_reading_of_another_workspace_that_makes_no_sense_is_refused(measure: str, problem: str) -> None:
    read_from("search", measure)
    assert [each.partition("okrs.yaml:6: ")[2] for each in problems()] == [problem]


def test_a_project_in_no_deployment_reads_no_workspace(folder: Path) -> None:
    read_from("search")
    with pytest.raises(ConfigError) as caught:
        load_config(Path("teams/search/syncd.yaml"))
    assert [str(problem) for problem in caught.value.problems] == [
        "teams/search/mappings/okrs.yaml:6: from: workspace reads from other workspaces of a deployment, and this "
        "project is in none"
    ]
    (folder / "teams/search/syncd.yaml").write_text("connections: {workspace: {type: workspace}}\n")
    with pytest.raises(ConfigError, match="there is no connector 'workspace'"):
        load_config(Path("teams/search/syncd.yaml"))


def test_an_export_names_a_key_result_and_the_name_of_the_connection_is_taken(folder: Path) -> None:
    (folder / "teams/search/syncd.yaml").write_text(
        "connections: {workspace: {type: files, root: .}}\nexport: [calls, cals]\n"
    )
    assert problems() == [
        "teams/search/syncd.yaml:1: connection 'workspace': by this name a workspace reads the others; choose another "
        "name",
        "teams/search/syncd.yaml:2: there is no key result 'cals'; did you mean 'calls'?",
    ]


def test_a_workspace_in_a_closed_folder_is_not_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_folder() as folder:
        monkeypatch.chdir(folder)
        (folder / "syncd.yaml").write_text(DEPLOYMENT)
        add(folder / "teams" / "search")
        add(folder / "teams" / "support")
        assert list(load_deployment().workspaces) == ["search", "support"]
        (folder / "teams" / "search").chmod(0o000)

        def is_refused_alone() -> bool:
            with pytest.raises(ConfigError) as caught:
                load_deployment().chosen("search")
            deployment = load_deployment()
            assert (list(deployment.workspaces), list(deployment.refused)) == (["support"], ["search"])
            return str(caught.value) == "teams/search: cannot be read: permission denied"

        assert as_nobody(is_refused_alone)
        (folder / "teams").chmod(0o000)

        def is_told() -> bool:
            with pytest.raises(ConfigError) as caught:
                _ = load_deployment().workspaces
            return str(caught.value) == "syncd.yaml:1: teams cannot be read: permission denied"

        assert as_nobody(is_told)


def load_deployment() -> Deployment:
    deployment = read_deployment(Path("syncd.yaml").absolute())
    assert deployment is not None
    return deployment
