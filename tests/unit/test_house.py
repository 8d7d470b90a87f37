"""The layout of the code: rooms that are the pipeline, modules of one thing, plain words."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("syncd", "connectors")
LONGEST = 350
VAGUE = frozenset({"one", "found", "said", "known", "stood", "told", "otherwise"})
"""Names that say nothing of what they hold: CONTRIBUTING.md, *Words*."""

THEIRS = frozenset({"one_or_none", "scalar_one", "scalar_one_or_none"})
"""Names of SQLAlchemy."""


def modules(*packages: str) -> Iterator[Path]:
    for package in packages:
        yield from (path for path in sorted((ROOT / package).rglob("*.py")) if "migrations/versions" not in str(path))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_no_module_is_loose_at_the_root() -> None:
    assert {path.name for path in (ROOT / "syncd").glob("*.py")} == {"__init__.py", "__main__.py"}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_is_short(package: str) -> None:
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in modules(package)}
    assert {path: count for path, count in lines.items() if count > LONGEST} == {}


def test_every_room_says_what_lives_there() -> None:
    rooms = [path for package in PACKAGES for path in (ROOT / package).rglob("__init__.py")]
    silent = [str(path.relative_to(ROOT)) for path in rooms if not ast.get_docstring(tree(path))]
    assert [path for path in silent if "migrations" not in path] == []


def imports(path: Path, names: Mapping[str, Path]) -> Iterator[str]:
    """The modules of this project that a module imports, when it loads or in a function."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if inner in names:
                    yield inner
                elif node.module in names:
                    yield node.module


def test_modules_import_each_other_in_no_circle() -> None:
    names = {name_of(path): path for path in modules(*PACKAGES)}
    left = {name: set(imports(path, names)) - {name} for name, path in names.items()}
    # A package's face hands on the names of its modules, which may import one another past it.
    faces = {name for name, path in names.items() if path.name == "__init__.py"}
    left = {name: needs - faces for name, needs in left.items() if name not in faces}
    while ready := {name for name, needs in left.items() if not needs & left.keys()}:
        left = {name: needs for name, needs in left.items() if name not in ready}
    assert left == {}


def identifiers(module: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(module):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield line, name
            case ast.keyword(arg=str(name)) | ast.alias(asname=str(name)) | ast.MatchAs(name=str(name)):
                yield line, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield line, name


@pytest.mark.parametrize("package", PACKAGES)
def test_names_carry_a_type_or_a_role(package: str) -> None:
    vague = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in modules(package)
        for line, name in identifiers(tree(path))
        if name not in THEIRS and VAGUE & set(name.lower().strip("_").split("_"))
    ]
    assert vague == []


def test_the_walls_are_four_short_contracts_that_name_packages() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    section = text[text.index("[tool.importlinter]") :].strip()
    assert len(section.splitlines()) <= 45
    assert section.count("[[tool.importlinter.contracts]]") == 4


def test_the_architecture_page_draws_the_folders_that_there_are() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    picture = page[page.index("```\nconnectors/") :].split("```")[1]
    drawn = {line.split()[0].strip("/") for line in picture.splitlines() if line.startswith("  ") and line[2] != " "}
    rooms = {path.name for path in (ROOT / "syncd").iterdir() if (path / "__init__.py").exists()}
    assert drawn == rooms
