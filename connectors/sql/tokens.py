"""Checks the tokens of a query. Builds from them the text that runs, with the parameters separate."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot.tokenizer_core import Token

PARAMETERS = ("start", "end", "today")
"""The names of the parameters `:start`, `:end` and `:today`."""

WINDOW = "the window is :start, :end and :today"
"""A part of the messages about wrong parameters."""

_BEGINNING = """
ADD ALTER BACKUP BEGIN BREAK BULK CHECKPOINT CLOSE COMMIT CONTINUE CREATE DBCC DEALLOCATE DECLARE DELETE DENY DISABLE
DROP DUMP ENABLE EXEC EXECUTE FETCH GOTO GRANT IF INSERT KILL LOAD MERGE MOVE OPEN PRINT RAISERROR READTEXT RECEIVE
RECONFIGURE RESTORE RETURN REVERT REVOKE ROLLBACK SAVE SEND SET SETUSER SHUTDOWN THROW TRUNCATE UPDATE UPDATETEXT USE
WAITFOR WHILE WRITETEXT
"""
"""The words that begin a statement of SQL Server. SQL Server needs no semicolon before such a word, and a parser may
treat the word as a name: https://learn.microsoft.com/sql/t-sql/language-elements/reserved-keywords-transact-sql
"""


class Refused(ValueError):
    """A query may not run. The message gives the reason, and continues a sentence that begins with "query"."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A query that only reads. `parts` has the texts of the query without comments, and the name of a parameter between
    every two texts.

    `is_ordered` says whether an ORDER BY determines the order of its rows.
    """

    parts: tuple[str, ...]
    is_ordered: bool = False

    @property
    def has_parameters(self) -> bool:
        """Whether the query has parameters of the window."""
        return len(self.parts) > 1

    def text(self, style: str) -> str:
        """The text for a driver. `style` is the driver's `paramstyle` of PEP 249: `named`, or `pyformat` for all
        others.
        """
        if style == "named":
            return "".join(f":{part}" if place % 2 else part for place, part in enumerate(self.parts))
        return "".join(f"%({part})s" if place % 2 else part.replace("%", "%%") for place, part in enumerate(self.parts))


def check_comments(query: str, tokens: Sequence[Token]) -> None:
    """Refuses comments that databases run: `/*! … */`, and hints."""
    ends = [(0, 0), *((token.start, token.end + 1) for token in tokens), (len(query), len(query))]
    for (_, end), (start, _) in itertools.pairwise(ends):
        between = query[end:start]
        if re.search(r"/\*(!|M!|\+)", between):
            raise Refused("has a comment that databases run (/*! or /*+); write a single SELECT without it")


def check_words(query: str, tokens: Sequence[Token], database: str) -> None:
    """Refuses words that the parser treats as names, but the database treats as a variable or as another statement."""
    begins = frozenset(_BEGINNING.split()) if database == "mssql" else frozenset()
    words = ["", *(query[token.start : token.end + 1] for token in tokens), ""]
    for before, word, after in zip(words, words[1:], words[2:], strict=False):
        for name in begins.intersection(word.upper().split() if word[0].isalpha() and "'" not in word else ()):
            if name == "FETCH" and before.upper() in ("ROW", "ROWS") and after.upper() in ("NEXT", "FIRST"):
                continue
            raise Refused(
                f"holds {name}, with which SQL Server begins another statement; if it is a name, write [{word}]"
            )
        if database == "snowflake" and word == "->>":
            raise Refused("holds ->>, with which Snowflake begins another statement; write a single SELECT")
        if re.fullmatch(r"[$@]\w+", word) or (database == "sqlite" and word == "?"):
            raise Refused(f"names {word}, a variable; {WINDOW}")
        if before == "{" and word.lower() in PARAMETERS:
            raise Refused(f"names {{{word}}}, as requests to web APIs do; {WINDOW}")


def check_escapes(query: str, tokens: Sequence[Token]) -> None:
    """Refuses a name with escapes, `U&"…"`, which the parser treats as a column `U` and an operator."""
    for token, after in itertools.pairwise(tokens):
        if token.text.upper() == "U" and token.end + 1 == after.start and query.startswith('&"', after.start):
            raise Refused('holds U&", which begins a name with escapes; write the name without them')


def rebuilt(query: str, tokens: Sequence[Token]) -> tuple[str, ...]:
    """The parts of a statement, from the tokens of its query. Raises Refused if there is a semicolon before the end."""
    from sqlglot.tokenizer_core import TokenType

    if tokens and tokens[-1].token_type is TokenType.SEMICOLON:
        tokens = tokens[:-1]
    parts, text, end = [], "", 0
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.token_type is TokenType.SEMICOLON:
            raise Refused("holds a semicolon before its end; write a single SELECT")
        piece = query[token.start : token.end + 1]
        if before is not None and before.token_type is TokenType.COLON and piece in PARAMETERS:
            if token.start != end:
                raise Refused(f"has a space within ': {piece}'; write :{piece}")
            # A driver puts `$1` or a text here, which must stay separate from the text before and after it.
            parts += [_apart(text[:-1]), piece]
            text = " " if query[end + len(piece) :][:1] not in ("", " ", "\n", ")", ",") else ""
        else:
            text += ("" if token.start == end else " ") + piece
        end = token.end + 1
    return (*parts, text)


def _apart(text: str) -> str:
    return text if not text or text[-1] in " (," else f"{text} "
