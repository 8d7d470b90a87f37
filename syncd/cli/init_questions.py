"""The questions of `syncd init` on a terminal. They ask which systems have the numbers, and for one number of each
system. Each answer is tried at once.

`asked` of each connector lists the keys to ask for, and their descriptions are the questions. No secret is written: the
answer to a question for a secret is the name of the environment variable that holds it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from math import floor
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer
import yaml
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from syncd.cli.init_files import mapping, project
from syncd.cli.lines import wrapped
from syncd.cli.output import say
from syncd.config.catalogue import connector, connector_types
from syncd.config.document import Document, parse_document
from syncd.config.draft import config_of_new, draft_of_new
from syncd.cycle.check_connections import NEEDED, check_connection
from syncd.cycle.model import Watcher
from syncd.cycle.try_measure import Tried, try_measure
from syncd.okr.spans import Period
from syncd.okr.words import number
from syncd.sdk import ConfigError, RetryPolicy, can_pull
from syncd.sdk.cells import PLAIN_NUMBER
from syncd.sdk.figures import full_number
from syncd.sdk.numbers import BEYOND, is_beyond

_TITLE, _OWNER = 300, 100  # characters that a mapping file allows
_AT_THE_END = "pace: end   # or linear: as much each day"
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_FEW = RetryPolicy(attempts=2, longest_wait=5, deadline=20)  # tries: a person waits at the terminal
Keys = dict[str, Any]


class Questions:
    """Asks for the first files of a project in a folder."""

    def __init__(self, folder: Path, period: Period, now: datetime) -> None:
        self._path = folder / "syncd.yaml"
        self._period = period
        self._now = now
        self._connections: dict[str, Keys] = {}

    def ask(self) -> Mapping[str, str] | None:
        """Asks the questions, and returns the files by name; None if the person named no system."""
        systems = [name for name in connector_types() if can_pull(connector(name))]
        for line in wrapped(
            "Enter alone takes what stands in [brackets]. Nothing is written before the last answer, and no "
            "secret ever."
        ):
            say(line)
        say()
        for name in systems:
            for line in wrapped(connector(name).summary, f"  {name:<10} ", " " * 13):
                say(line)
        names = self._systems(systems)
        if not names:
            return None
        measures = {name: self._system(name) for name in names}
        say()
        title = _short(
            "What is to change for your customers, in a sentence?", "Customers find answers without calling us", _TITLE
        )
        owner = _short("Who is responsible for it?", os.environ.get("USER", "support"), _OWNER)
        key_results = [self._key_result(name, keys, tried) for name, (keys, tried) in measures.items()]
        tests = [
            f"  - name: A number that {name} measures is its value\n    at: {self._period.first}\n"
            f"    given: {{{name}-first: 5}}\n    expect: {{{name}-first: {{value: 5}}}}\n"
            for name in names
        ]
        text = mapping(self._period, "first", _yaml(title), _yaml(owner), "\n".join(key_results), "".join(tests))
        lines = [f"  {name}: {_yaml(keys)}\n" for name, keys in self._connections.items()]
        return {**project("".join(lines)), "mappings/okrs.yaml": text}

    def _systems(self, systems: list[str]) -> list[str]:
        while True:
            say()
            given = _ask("Which of them hold your numbers? (Enter alone writes an example)", "")
            names = re.findall(r"[\w.-]+", given)
            unknown = [name for name in names if name not in systems]
            if not unknown:
                return list(dict.fromkeys(names))
            for line in wrapped(f"there is no {unknown[0]}; write some of {', '.join(systems)}", "  "):
                say(line)

    def _system(self, name: str) -> tuple[Keys, Tried]:
        """Asks for a connection and a measure until both work, or until they are valid and the person continues."""
        say()
        say(name)
        kind = connector(name)
        assert can_pull(kind)  # of these alone
        self._until_it_works(lambda: self._connection(name, kind.Settings))
        answers: tuple[Keys, Tried]

        def measure() -> bool:
            nonlocal answers
            keys = {"from": name, **_answers(kind.Measure, kind.Measure.asked, name)}
            tried = self._tried(keys)
            answers = keys, tried
            return not tried.failed

        self._until_it_works(measure)
        return answers

    def _until_it_works(self, ask: Callable[[], bool]) -> None:
        """Asks until the answers work. Asks again after invalid answers. After other failures, the person may
        continue.
        """
        while True:
            try:
                if ask():
                    return
            except ConfigError as error:
                _say_problems(error)
                say("  this is not valid, so it is asked again; Ctrl-C ends")
                continue
            if _ask("  answer again?", "yes").lower() not in ("y", "yes"):
                return

    def _connection(self, name: str, settings: type[Any]) -> bool:
        """Asks for the keys of a connection and checks the connection as `doctor` does. Returns whether all checks
        passed.

        ConfigError if the keys are wrong.
        """
        self._connections[name] = {"type": name, **_answers(settings, settings.asked, name)}
        config = config_of_new(self._path, self._written)
        try:
            checks = list(check_connection(config, config.connections[name], [], self._now, _FEW.fresh(name)))
        except ConfigError as error:
            _say_problems(error)
            return False
        for check in checks:
            for line in wrapped(check.detail, f"  {'✓' if check.ok else '✗'} {check.name:<14} ", " " * 6):
                say(line)
        return all(check.ok for check in checks if check.name in NEEDED)

    @property
    def _written(self) -> Document:
        return parse_document(f"connections: {_yaml(self._connections)}\n", "these answers")

    def _tried(self, keys: Keys) -> Tried:
        """Computes a measure and shows the answer. ConfigError if its keys are wrong."""
        measure = parse_document(_yaml(keys), "these answers")
        draft = draft_of_new(self._path, self._written, measure, self._period)
        tried = try_measure(draft, None, lambda: self._now, _FEW, Watcher())
        mark = "✗" if tried.failed else "✓"
        shown = f"{number(tried.answer.number, 'unknown')} so far in {self._period.id}"
        reason = f": {tried.reason}" if tried.reason else ""
        for line in wrapped(f"{shown}{reason}", f"  {mark} ", " " * 6):
            say(line)
        return tried

    def _key_result(self, name: str, keys: Keys, tried: Tried) -> str:
        kind = connector(name)
        assert can_pull(kind)  # of these alone
        now = tried.answer.number
        is_output = kind.Measure.kind == "records"
        say()
        title = _short(
            f"{name}: what is this number to reach, in a sentence?", f"The number of {name} reaches its target", _TITLE
        )
        target = _target(name, self._period, _suggestion(now, self._share) if is_output else None, now, is_output)
        start = output_keys(now, target, self._share) if is_output else outcome_keys(now)
        lines = [f"- id: {name}-first", f"  title: {_yaml(title)}", *(f"  {line}" for line in start)]
        lines += [f"  target: {_digits(target)}", f"  measure: {_yaml(keys)}"]
        return "".join(f"      {line}\n" for line in lines)

    @property
    def _share(self) -> float:
        """The share of the period that has passed when today ends. A new project is thus on pace all day."""
        today = self._now.astimezone(self._period.zone).date()
        return ((today - self._period.first).days + 1) / self._period.days


def output_keys(now: float | None, target: float, share: float) -> Sequence[str]:
    """The keys for an output with the count `now`. The pace is even if `now / target` is at least `share`, the share of
    the period that has passed. Otherwise it is `end`.
    """
    return ["kind: output", *(() if now and now / target >= share else (_AT_THE_END,))]


def outcome_keys(now: float | None) -> Sequence[str]:
    """The keys for an outcome with the number `now`. If the number is unknown, the baseline is left out. With the
    baseline 0, the first number could seem to have moved the wrong way.
    """
    start = "# baseline: where it starts, once it is known" if now is None else f"baseline: {_digits(now)}"
    return ["kind: outcome", start, _AT_THE_END]


def _suggestion(now: float | None, share: float) -> float | None:
    """A target for which the work so far is on pace."""
    return float(max(1, floor(now / share))) if now else None


def _answers(model: type[BaseModel], asked: Any, name: str) -> Keys:
    """The answers for the keys of a model, without empty answers and answers that equal the default."""
    keys = asked or [
        key for key, info in model.model_fields.items() if info.is_required() and key not in ("type", "from_")
    ]
    answers: Keys = {}
    for key in keys:
        info = model.model_fields[key]
        answer = (
            _secret(name, key)
            if _is_secret(info)
            else _ask(f"  {info.alias or key}: {info.description}", _default(info))
        )
        if answer and (info.is_required() or answer != _default(info)):
            answers[info.alias or key] = answer
    return answers


def _secret(name: str, key: str) -> str:
    """A reference to the environment variable of a secret; empty for none.

    If the variable is not set, asks for its value too, but only uses the value to try the connection now.
    """
    while True:
        variable = _ask(f"  {key}: the environment variable that holds it, or - for none", f"{name}_{key}".upper())
        if variable == "-":
            return ""
        if _VARIABLE.fullmatch(variable):
            break
        say("  this is no variable's name, and a secret itself is never written;")
        say("  write a name such as GITHUB_TOKEN")
    if variable not in os.environ and f"{variable}_FILE" not in os.environ:
        value = _ask(f"  {variable} is not set here; its value, to try now and not to keep", "", hidden=True)
        if value:
            os.environ[variable] = value
    return f"${{{variable}}}"


def _is_secret(info: FieldInfo) -> bool:
    return SecretStr in _types(info.annotation)


def _types(annotation: Any) -> Iterator[Any]:
    yield annotation
    for argument in get_args(annotation):
        yield from _types(argument)


def _default(info: FieldInfo) -> str:
    """The default of a key as text; for a choice without a default, its first value."""
    if not info.is_required():
        value = info.get_default()
        return "" if value is None else str(value)
    literal = next((each for each in _types(info.annotation) if get_origin(each) is Literal), None)
    return str(get_args(literal)[0]) if literal is not None else ""


def _ask(question: str, default: str, *, hidden: bool = False) -> str:
    """The answer to a question, as text that can be written to a file in UTF-8."""
    for line in wrapped(f"{question} [{default}]" if default else question, "", "    "):
        say(line)
    while True:
        try:
            answer: str = typer.prompt(
                "  >", default, show_default=False, prompt_suffix=" ", hide_input=hidden, type=str
            )
            answer.encode()  # Python reads bytes that are not UTF-8 as surrogates
        except UnicodeError:
            say("  your terminal does not send UTF-8; write it with letters from a to z")
        else:
            return answer.strip()


def _short(question: str, default: str, longest: int) -> str:
    """An answer of 1 to `longest` characters."""
    while True:
        answer = _ask(question, default)
        if 0 < len(answer) <= longest:
            return answer
        say(f"  that is {len(answer)} characters; write 1 to {longest}")


def _target(name: str, period: Period, suggestion: float | None, now: float | None, is_output: bool) -> float:
    baseline = 0.0 if is_output else now
    start = f", from {full_number(baseline)}" if baseline is not None else ""
    while True:
        shown = _digits(suggestion) if suggestion is not None else ""
        text = _ask(f"{name}: its target, by {period.last}{start}", shown)
        if not PLAIN_NUMBER.match(text):
            say("  write a number such as 40 or 2.5")
        elif is_beyond(target := float(text)):
            for line in wrapped(f"that is {BEYOND}; choose a larger unit, such as millions", "  "):
                say(line)
        elif target == baseline:
            say("  that is where it is now; write another number")
        elif is_output and target < 0:
            say("  a count only rises; write a number above 0")
        else:
            return target


def _digits(number: float) -> str:
    """A number as it is written to a file, with all its digits: `1234567`, `0.25`."""
    return str(int(number)) if float(number).is_integer() else repr(number)


def _yaml(value: Any) -> str:
    """A value in a line of YAML."""
    text: str = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**6, allow_unicode=True)
    return text.removesuffix("...\n").strip()


def _say_problems(error: ConfigError) -> None:
    for problem in error.problems:
        for line in wrapped(problem.message, "  ✗ ", " " * 6):
            say(line)
    if not error.problems:
        say(f"  ✗ {error}")
