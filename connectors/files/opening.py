"""Opens a file as CSV or as a workbook, and checks that its content fits its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import BinaryIO

from connectors.files.csv_file import CsvFile
from connectors.files.keys import TEXTS, FilesMeasure
from connectors.files.kinds import check_packed, check_text
from connectors.files.limits import FilesSettings, Limits
from connectors.files.opened import Opened
from connectors.files.workbook import Workbook
from syncd.sdk.tables import Unreadable

Group = dict[str, FilesMeasure]


def opened(
    name: str, content: BinaryIO, settings: FilesSettings, parts: Mapping[str, FilesMeasure]
) -> Iterator[tuple[Opened | str, Group]]:
    """Yields the opened file, or the reason why it cannot be opened, with the parts that read it. A CSV file is opened
    once for each group of parts that read it by the same rules. Raises SourceBroken if the file is damaged, or if its
    kind does not fit its name.
    """
    limits = Limits(name, settings)
    if not name.lower().endswith(TEXTS):
        check_packed(content, name)
        yield Workbook(content, limits), dict(parts)
        return
    content.seek(0, 2)
    limits.check_size(content.tell())
    check_text(content, name)
    groups: dict[tuple[str | None, int | None, str | None], Group] = {}
    for part, keys in parts.items():
        delimiter = "\t" if keys.delimiter is None and name.lower().endswith(".tsv") else keys.delimiter
        groups.setdefault((delimiter, keys.header, keys.as_.decimal), {})[part] = keys
    for (delimiter, header, decimal), group in groups.items():
        try:
            yield CsvFile(content, limits, delimiter=delimiter, header=header, decimal=decimal), group
        except Unreadable as error:
            yield str(error), group
