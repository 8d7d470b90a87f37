"""References in syncd.yaml: a secret comes from the environment or a file, and no text shows it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.config import Connection, load_config
from syncd.config.connections import short_secrets
from syncd.config.document import parse_document
from syncd.config.load import read_ledger_url
from syncd.config.references import Resolver
from syncd.sdk import ConfigError
from syncd.sdk.credentials import secret_in_url
from syncd.sdk.redactor import without_any_secret
from syncd.sdk.references import REFERENCE

MAPPING = "period: 2026-Q4\nobjectives: [{id: o, title: Fewer calls, key_results: [{id: calls, title: Calls fall, "
MAPPING += "kind: outcome, baseline: 9, target: 1}]}]\n"
TOKEN = 'type: github, token: "${SYNCD_TEST_TOKEN}"'


def connection(folder: Path, keys: str) -> Connection:
    (folder / "okrs.yaml").write_text(MAPPING)
    (folder / "syncd.yaml").write_text(f"mappings: okrs.yaml\nconnections:\n  code: {{{keys}}}\n")
    return load_config(folder / "syncd.yaml").connections["code"]


def problems(code: Connection) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        code.resolved()
    return [str(problem).partition("syncd.yaml:")[2] for problem in caught.value.problems]


def test_a_secret_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD_TEST_TOKEN", "hunter2-secret")
    assert connection(tmp_path, TOKEN).resolved().token.get_secret_value() == "hunter2-secret"


def test_a_secret_comes_from_the_file_that_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("hunter2-secret\n")
    monkeypatch.setenv("SYNCD_TEST_TOKEN_FILE", str(tmp_path / "token"))
    assert connection(tmp_path, TOKEN).resolved().token.get_secret_value() == "hunter2-secret"


@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", " {} ", "\t{}\n\n", "\ufeff{}", "\u200b{}\xa0"])
@pytest.mark.parametrize("by_file", [True, False])
def test_white_space_around_a_secret_is_no_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, around: str, by_file: bool
) -> None:
    """A line break at its end makes a header that no library sends, or a token that no server accepts."""
    value = around.format("hunter2-secret")
    if by_file:
        (tmp_path / "token").write_text(value, encoding="utf-8")
        monkeypatch.setenv("SYNCD_TEST_TOKEN_FILE", str(tmp_path / "token"))
    else:
        monkeypatch.setenv("SYNCD_TEST_TOKEN", value)
    code = connection(tmp_path, TOKEN)
    assert code.resolved().token.get_secret_value() == "hunter2-secret"
    assert code.without_secrets("hunter2-secret") == "***"


@pytest.mark.parametrize("value", ["hunter2\nsecret", "hunter2\u2026secret", "hunter2\tsecret"])
def test_secret_that_no_header_can_hold_is_refused_without_being_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("SYNCD_TEST_TOKEN", value)
    (problem,) = problems(connection(tmp_path, TOKEN))
    assert "token: holds a line break or another character that no header can hold" in problem
    assert "hunter2" not in problem


def test_secret_of_white_space_alone_is_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD_TEST_TOKEN", " \n")
    assert problems(connection(tmp_path, TOKEN))[0].startswith("3: SYNCD_TEST_TOKEN is not set")
    (tmp_path / "token").write_text("\n")
    monkeypatch.setenv("SYNCD_TEST_TOKEN_FILE", str(tmp_path / "token"))
    assert problems(connection(tmp_path, TOKEN)) == [f"3: SYNCD_TEST_TOKEN_FILE names {tmp_path / 'token'}: is empty"]


def test_publisher_whose_secret_is_missing_is_named_with_its_key_results_alone(tmp_path: Path) -> None:
    connection(tmp_path, TOKEN)
    with (tmp_path / "syncd.yaml").open("a") as file:
        file.write("publish:\n  - {to: code, issues: {calls: 'acme/web#1'}, comment: true}\n")
    config = load_config(tmp_path / "syncd.yaml")
    assert list(config.unopened()) == ["code"]
    assert "SYNCD_TEST_TOKEN is not set" in config.unopened()["code"]
    assert list(config.unopened("calls")) == ["code"]
    assert config.unopened("other") == {}


@pytest.mark.parametrize(
    ("url", "email", "warned"),
    [
        ("https://acme.atlassian.net", "", True),
        ("https://ACME.Atlassian.NET/", "", True),
        ("https://acme.atlassian.net", ", email: bot@acme.example", False),
        ("https://jira.acme.example", "", False),
        ("https://api.atlassian.com/ex/jira/1", "", False),
        ("https://atlassian.net.acme.example", "", False),
    ],
)
def test_cloud_token_without_email_is_warned_about(tmp_path: Path, url: str, email: str, warned: bool) -> None:
    connection(tmp_path, f'type: jira, url: "{url}", token: "${{T}}"{email}')
    warnings = list(load_config(tmp_path / "syncd.yaml").warnings())
    assert [problem.line for problem in warnings] == [3] * warned
    assert all("code: an API token of Jira Cloud needs the account's address" in str(problem) for problem in warnings)


def test_folder_of_mappings_that_cannot_be_listed_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its key results would be gone without a word. (Root may list every folder, so the system call fails here.)"""
    import os

    (tmp_path / "mappings/closed").mkdir(parents=True)
    (tmp_path / "mappings/okrs.yaml").write_text(MAPPING)
    (tmp_path / "syncd.yaml").write_text("mappings: mappings/\n")
    assert load_config(tmp_path / "syncd.yaml").periods
    real = os.scandir

    def scandir(path: object) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(ConfigError, match=r"closed cannot be read: permission denied"):
        load_config(tmp_path / "syncd.yaml")
    (tmp_path / "mappings/okrs.yaml").rename(tmp_path / "okrs.txt")
    with pytest.raises(ConfigError) as raised:
        load_config(tmp_path / "syncd.yaml")
    assert len(raised.value.problems) == 1  # not that nothing is there, too


def test_a_reference_that_is_not_set_is_named_with_its_line(tmp_path: Path) -> None:
    (problem,) = problems(connection(tmp_path, TOKEN))
    assert problem.startswith("3: SYNCD_TEST_TOKEN is not set; set it in the environment, or name a file that holds it")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD_TEST_TOKEN_FILE", str(tmp_path / "none"))
    (problem,) = problems(connection(tmp_path, TOKEN))
    assert problem == f"3: SYNCD_TEST_TOKEN_FILE names {tmp_path / 'none'}: no such file or directory"


def test_an_address_that_is_wrong_once_it_is_resolved_is_named_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCD_TEST_TOKEN", "hunter2-secret")
    monkeypatch.setenv("SYNCD_TEST_ADDRESS", "git.acme.example")
    (problem,) = problems(connection(tmp_path, f'{TOKEN}, url: "${{SYNCD_TEST_ADDRESS}}"'))
    assert problem.startswith("3: is not valid once its references are resolved: url: ")
    assert "hunter2" not in problem


def test_a_secret_is_masked_in_any_text_and_the_address_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD_TEST_TOKEN", "hunter2-secret")
    monkeypatch.setenv("SYNCD_TEST_ADDRESS", "https://git.acme.example")
    code = connection(tmp_path, f'{TOKEN}, url: "${{SYNCD_TEST_ADDRESS}}"')
    text = "https://git.acme.example refuses hunter2-secret and hunter2-secret"
    assert code.without_secrets(text) == "https://git.acme.example refuses *** and ***"
    assert set(code.redactor.secrets()) == {"hunter2-secret"}


def test_names_of_teams_roles_databases_and_mailboxes_are_no_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"TEAM": "platform-crew", "MAIL": "bot-mail@acme.example", "FOLDER": "/srv/okr-data/q4", "ROLE": "okr-role"}
    for name, value in names.items():
        monkeypatch.setenv(f"SYNCD_TEST_{name}", value)
    monkeypatch.setenv("SYNCD_TEST_TOKEN", "hunter6-secret")
    keys = (
        'type: jira, url: "https://jira.acme.example/${SYNCD_TEST_TEAM}", email: "${SYNCD_TEST_MAIL}", '
        'token: "${SYNCD_TEST_TOKEN}", ca: "${SYNCD_TEST_FOLDER}"'
    )
    code = connection(tmp_path, keys)
    code.resolved()
    database = "postgresql+psycopg://${SYNCD_TEST_ROLE}:${SYNCD_TEST_TOKEN}@db-server-1/okr_data_2026_q4_production"
    for ledger in (database, "sqlite:////srv/${SYNCD_TEST_TEAM}/2026-q4-production-0123.db"):
        (tmp_path / "syncd.yaml").write_text(f'mappings: okrs.yaml\nledger: "{ledger}"\n')
        load_config(tmp_path / "syncd.yaml").ledger_url()
    text = " ".join([*names.values(), "db-server-1 okr_data_2026_q4_production 2026-q4-production-0123.db"])
    assert code.without_secrets(text) == without_any_secret(text) == text
    assert code.without_secrets("hunter6-secret") == without_any_secret("hunter6-secret") == "***"


@pytest.mark.parametrize("url", ["sqlite:///:memory:", "sqlite:///:memory:?timeout=5", "sqlite:///"])
def test_a_ledger_in_memory_is_refused_wherever_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("SYNCD_TEST_LEDGER", url)
    path = tmp_path / "syncd.yaml"
    path.write_text('ledger: "${SYNCD_TEST_LEDGER}"\n')
    for instead in (None, url):
        with pytest.raises(ConfigError, match=r"ledger is .*, which names no file; write sqlite"):
            read_ledger_url(path, instead=instead)


@pytest.mark.parametrize(
    "url", ["postgresql+psycopg://bot:Pl4nt/pw#1@h/db", "postgresql+psycopg://h/db?password=Pl4nt%2Fpw%231"]
)
def test_password_of_a_ledger_is_masked_as_its_database_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("SYNCD_TEST_LEDGER", url)
    connection(tmp_path, TOKEN)
    (tmp_path / "syncd.yaml").write_text('mappings: okrs.yaml\nledger: "${SYNCD_TEST_LEDGER}"\n')
    load_config(tmp_path / "syncd.yaml").ledger_url()
    assert without_any_secret("password Pl4nt/pw#1 is wrong") == "password *** is wrong"


def test_key_in_the_place_of_the_name_of_its_file_is_masked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD_TEST_KEY", '{"private_key": "hunter7-secret"}\n')
    monkeypatch.setenv("SYNCD_TEST_LONG", "hunter8" * 40)
    keys = 'type: sheets, credentials: "${SYNCD_TEST_KEY} ${SYNCD_TEST_LONG}"'
    code = connection(tmp_path, keys)
    code.resolved()
    assert code.without_secrets(f"credentials names {'hunter8' * 40}, which is no file") == (
        "credentials names ***, which is no file"
    )


def test_value_that_does_not_fit_is_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD_TEST_ADDRESS", "hunter9-secret")  # a token in the place of an address
    (problem,) = problems(connection(tmp_path, 'type: http, url: "${SYNCD_TEST_ADDRESS}"'))
    assert "url: is '***'; write it with https:// in front" in problem


def test_secret_that_is_too_short_to_be_masked_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCD_TEST_TOKEN", "hunter2")
    code = connection(tmp_path, TOKEN)
    (problem,) = problems(code)
    assert problem.endswith("token has 7 characters, too few to be masked in messages; make a new secret of at least 8")
    assert list(short_secrets([code]))
    monkeypatch.setenv("SYNCD_TEST_TOKEN", "hunter22")
    assert not list(short_secrets([code]))
    monkeypatch.delenv("SYNCD_TEST_TOKEN")
    assert not list(short_secrets([code])), "a missing secret fails its connection alone"


def test_webhook_secret_that_is_too_short_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD_TEST_TOKEN", "hunter2-secret")
    monkeypatch.setenv("SYNCD_TEST_HOOK", "hook")
    code = connection(tmp_path, f'{TOKEN}, webhook_secret: "${{SYNCD_TEST_HOOK}}"')
    (problem,) = short_secrets([code])
    assert problem.message.startswith("webhook_secret has 4 characters, too few")


def test_what_was_resolved_is_masked_wherever_it_is_printed_and_hosts_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCD_TEST_URL", "https://bot:hunter3-secret@wiki.acme.example/hooks/0123456789-hunter4")
    monkeypatch.setenv("SYNCD_TEST_HOST", "wiki.acme.example")
    monkeypatch.setenv("SYNCD_TEST_TOKEN", "hunter5-secret")
    connection(tmp_path, 'type: http, url: "${SYNCD_TEST_URL}", token: "${SYNCD_TEST_TOKEN}"').resolved()
    connection(tmp_path, 'type: http, url: "https://${SYNCD_TEST_HOST}/v1"').resolved()
    shown = without_any_secret("https://wiki.acme.example/hooks/0123456789-hunter4 hunter3-secret hunter5-secret")
    assert shown == "https://wiki.acme.example/hooks/*** *** ***"


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("postgresql+psycopg://u@h/db?password=hunter2-secret", "password"),
        ("https://u:hunter2-secret@h/", "password"),
        ("https://hunter2-secret@h/", "key"),
        ("https://hunter2-secret:@h/", "key"),
        ("https://h/v1?api_key=hunter2-secret", "key"),
        ("https://h/v1?page=7&access_token=hunter2-secret#top", "key"),
        ("https://h/v1?sig=hunter2-secret", "key"),
        ("https://u:${PASSWORD}hunter2-secret@h/", "password"),
        ("postgresql+psycopg://u:hunter2-secret${PASSWORD}@h/db", "password"),
        ("https://hunter2-secret${PASSWORD}@h/", "key"),
    ],
)
def test_secret_written_out_in_an_address_is_refused_and_not_repeated(tmp_path: Path, url: str, secret: str) -> None:
    assert secret_in_url(url) == secret
    assert secret_in_url(url.replace("hunter2-secret", "${PASSWORD}")) is None
    if url.startswith("https"):
        with pytest.raises(ConfigError) as raised:
            connection(tmp_path, f'type: http, url: "{url}"')
        (problem,) = raised.value.problems
        message = f"url holds a {secret} written out; write ${{NAME}} there and set NAME outside"
        assert (problem.line, problem.message) == (3, message)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://okr-role@h/db?sslkey=/etc/key.pem&target_session_attrs=read-write",
        "https://h:8443/a?page=7",
    ],
)
def test_address_without_a_secret_is_taken(url: str) -> None:
    assert secret_in_url(url) is None


MALFORMED = [
    "${NAME:-hunter2}",
    "${file:/run/hunter2}",
    "${hunter2",
    "${}",
    "a ${A}${B c}",
    "${{ hunter2 }}",
    "${1}",
    "${É}",
]


@pytest.mark.parametrize("text", MALFORMED)
@pytest.mark.parametrize(
    ("keys", "name"),
    [
        ("connections:\n  code: {type: github, token: TEXT}", "token"),
        ('connections:\n  code: {type: http, url: "https://h", headers: {X-Page: TEXT}}', "X-Page"),
        ("\nheartbeat: TEXT", "heartbeat"),
        ("\nledger: TEXT", "ledger"),
        ("\nnotify: {to: [TEXT]}", "to"),
        ("\nweb: {login: {tokens: {ci: TEXT}}}", "ci"),
        ("\ntimezone: TEXT", "timezone"),
    ],
)
def test_malformed_reference_is_refused_wherever_it_is_written_and_not_repeated(
    tmp_path: Path, text: str, keys: str, name: str
) -> None:
    (tmp_path / "okrs.yaml").write_text(MAPPING)
    (tmp_path / "syncd.yaml").write_text(f"mappings: okrs.yaml\n{keys.replace('TEXT', json.dumps(text))}\n")
    with pytest.raises(ConfigError) as raised:
        load_config(tmp_path / "syncd.yaml")
    (problem,) = raised.value.problems
    variable = name.upper().replace("-", "_")
    assert (problem.line, problem.message) == (
        3,
        f'{name} has a "${{" that begins no reference; write a name alone, as '
        f'"${{{variable}}}", and set {variable}, or {variable}_FILE, outside',
    )


@pytest.mark.parametrize("text", MALFORMED)
def test_malformed_reference_is_never_sent(tmp_path: Path, text: str) -> None:
    resolve = Resolver(parse_document("{}", "syncd.yaml"), {"A": "a", "NAME": "n"})
    resolve(text, ("token",))
    assert len(resolve.problems) == 1


@given(before=st.text("${}aB1_:", max_size=5), name=st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True))
def test_every_dollar_and_brace_is_part_of_a_reference_or_refused(before: str, name: str) -> None:
    text = f"{before}${{{name}}}"
    resolve = Resolver(parse_document("{}", "syncd.yaml"), {}, str)
    resolve.environment = dict.fromkeys(REFERENCE.findall(text), "value")
    resolved = resolve(text, ("token",))
    assert bool(resolve.problems) is ("${" in resolved)


@pytest.mark.parametrize("text", ["hunter2-${A}", "${A}hunter2", "hunter2", "${A} ", "12345678"])
@pytest.mark.parametrize(
    "keys",
    [
        "connections:\n  code: {type: github, token: TEXT}",
        "connections:\n  code: {type: github, token: '${A}', webhook_secret: TEXT}",
        "\nweb: {metrics_token: TEXT}",
        "\nweb: {login: {tokens: {ci: TEXT}}}",
    ],
)
def test_secret_that_is_partly_written_out_is_refused_and_not_repeated(tmp_path: Path, text: str, keys: str) -> None:
    (tmp_path / "okrs.yaml").write_text(MAPPING)
    written = text if text.isdigit() else json.dumps(text)
    (tmp_path / "syncd.yaml").write_text(f"mappings: okrs.yaml\n{keys.replace('TEXT', written)}\n")
    with pytest.raises(ConfigError) as raised:
        load_config(tmp_path / "syncd.yaml")
    (problem,) = raised.value.problems
    assert problem.line == 3
    assert "is a secret written out; write" in problem.message
    assert not any(secret in problem.message for secret in ("hunter2", "12345678"))


@pytest.mark.parametrize(
    "keys",
    [
        'type: github, token: "${A}"',
        'type: github, token: "${A}${B}"',
        'type: http, url: "https://h", headers: {Authorization: "Bearer ${A}"}',
        'type: http, url: "https://u:${A}@h/${B}/v1?key=${C}"',
    ],
)
def test_references_and_the_text_around_them_are_taken(tmp_path: Path, keys: str) -> None:
    assert connection(tmp_path, keys)


def test_dollars_before_a_template_are_no_reference(tmp_path: Path) -> None:
    publish = 'publish: [{to: code, method: POST, path: /v1, body: {text: "${{ value }} earned"}}]'
    connection(tmp_path, 'type: http, url: "https://h"')
    (tmp_path / "syncd.yaml").write_text((tmp_path / "syncd.yaml").read_text() + publish)
    assert load_config(tmp_path / "syncd.yaml").publications


def test_resolved_settings_show_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "hunter2-secret")
    keys = 'type: http, url: "https://h/${KEY}", proxy: "http://u:${KEY}@p", headers: {X-Api-Key: "${KEY}"}'
    settings = connection(tmp_path, keys).resolved()
    assert settings.headers == {"X-Api-Key": "hunter2-secret"}
    assert "hunter2" not in f"{settings!r} {settings}"
