"""Reads the syncd.yaml of a project, or of a workspace in a deployment, and its keys."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from syncd.config.document import Document, read_document, shown_path
from syncd.config.messages import validation_problems
from syncd.config.project import ProjectFile
from syncd.config.references import malformed_references
from syncd.sdk import ConfigError, Problem


def read_project(path: Path, last: Document | None = None) -> tuple[Document, ProjectFile]:
    """A syncd.yaml and its keys, without checking its connections and mapping files. Raises ConfigError if a key is
    wrong.

    If the file's content is the same as in its `last` document, the content is not parsed again.
    """
    document = read_filled(path, last)
    return document, settings_of(document)


def read_filled(path: Path, last: Document | None = None) -> Document:
    """The document of a syncd.yaml. Raises ConfigError if the file cannot be read or is empty."""
    document = read_document(path, shown_path(path), last)
    if document.data is None:
        raise ConfigError(problems=[Problem(document.file, 0, "is empty; `syncd init` writes one to start from")])
    return document


def settings_of(document: Document) -> ProjectFile:
    """The keys of a syncd.yaml. Raises ConfigError with every malformed reference, or with every wrong key."""
    if problems := list(malformed_references(document)):
        raise ConfigError(problems=problems)
    try:
        return ProjectFile.model_validate(document.data)
    except ValidationError as error:
        raise ConfigError(problems=validation_problems(error, ProjectFile, document)) from None
