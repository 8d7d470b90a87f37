"""Lines of text for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from textwrap import wrap

from syncd.cli.output import advised
from syncd.okr.words import number

WIDTH = 80
_LABEL = 10
_DIGITS = 8  # a table shows a lead time of 4.977384259259259 days as 4.98; `--json` has all digits


def cut(text: str, width: int = WIDTH) -> str:
    """The text, cut to fit, with an ellipsis at the cut."""
    return text if len(text) <= width else text[: width - 1] + "…"


def wrapped(text: str, first: str = "", rest: str | None = None) -> Iterator[str]:
    """The text in lines of at most 80 columns. `first` indents the first line, `rest` the others (default: `first`).

    Ids, options and addresses are not broken: no line ends at a hyphen, and a long address makes a longer line.
    """
    yield from wrap(
        advised(text),
        WIDTH,
        initial_indent=first,
        subsequent_indent=first if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def labelled(label: str, text: str) -> Iterator[str]:
    """The text in lines, in a column to the right of a label."""
    yield from wrapped(text, f"{label:<{_LABEL}}", " " * _LABEL)


def rounded(text: str, bounds: Collection[float] = ()) -> str:
    """The text for a table: a number with many digits is rounded, but never past one of the `bounds`. Any other text
    stays as it is.
    """
    if len(text) <= _DIGITS:
        return text
    try:
        return number(float(text), bounds=bounds)
    except ValueError:
        return text
