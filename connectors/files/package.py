"""Reads the ZIP file of an XLSX or ODS workbook within the limits."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from lzma import LZMAError
from typing import TYPE_CHECKING, BinaryIO
from xml.parsers.expat import ExpatError, ParserCreate
from zipfile import BadZipFile, ZipFile

from connectors.files.limits import Limits
from syncd.sdk import SourceBroken

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_CHUNK = 1 << 20
_OVERLAP = 64
# The errors that zipfile raises for a damaged file: for its directory, its headers and its parts.
_DAMAGED = (
    BadZipFile,
    zlib.error,
    LZMAError,
    EOFError,
    RuntimeError,
    LookupError,
    ValueError,
    ArithmeticError,
    struct.error,
    ExpatError,
)
_DECLARATION = re.compile(rb"<!(DOCTYPE|ENTITY)")


class Package:
    """An opened ZIP file. Methods raise SourceBroken if the ZIP file is damaged, or larger than the limits."""

    def __init__(self, content: BinaryIO, limits: Limits) -> None:
        self._limits = limits
        try:
            self._zip = ZipFile(content)
        except _DAMAGED as error:
            raise self._damaged(error) from None
        self.names = frozenset(self._zip.namelist())
        self._well_formed: set[str] = set()
        self._check()

    def chunks(self, part: str) -> Iterator[bytes]:
        """The unpacked bytes of a part. Raises SourceBroken if its XML declares entities, is not UTF-8, or is not
        well-formed.

        calamine would never stop reading XML that ends too early.
        """
        read, tail = 0, b""
        parser = None if part in self._well_formed or not part.lower().endswith((".xml", ".rels")) else ParserCreate()
        try:
            with self._zip.open(part) as stream:
                while chunk := stream.read(_CHUNK):
                    self._limits.check_time()
                    read += len(chunk)
                    self._limits.check_size(read)
                    if read == len(chunk) and b"\0" in chunk[:4]:
                        raise SourceBroken(f"{self._limits.file}: {part} is not UTF-8; save the file again")
                    if _DECLARATION.search(tail + chunk):
                        raise SourceBroken(
                            f"{self._limits.file}: {part} declares XML entities, which no spreadsheet program writes; "
                            "save the file again with one"
                        )
                    tail = chunk[-_OVERLAP:]
                    if parser is not None:
                        parser.Parse(chunk)
                    yield chunk
            if parser is not None:
                parser.Parse(b"", True)
                self._well_formed.add(part)
        except _DAMAGED as error:
            raise self._damaged(error) from None

    def tree(self, part: str) -> Element:
        """The XML of a part."""
        from defusedxml import DefusedXmlException, ElementTree

        try:
            tree: Element = ElementTree.fromstring(b"".join(self.chunks(part)))
        except (ElementTree.ParseError, DefusedXmlException, ValueError) as error:
            raise self._damaged(error) from None
        return tree

    def _check(self) -> None:
        infos = self._zip.infolist()
        if any(info.flag_bits & 1 for info in infos):
            raise SourceBroken(f"{self._limits.file} is protected by a password; save it without one")
        if len({info.filename.lower() for info in infos}) < len(infos):  # calamine may read the other part
            raise SourceBroken(f"{self._limits.file} holds a part twice; save it again with a spreadsheet program")
        self._limits.check_size(sum(info.file_size for info in infos))
        for info in infos:
            self._limits.check_ratio(info.filename, info.compress_size, info.file_size)

    def _damaged(self, error: Exception) -> SourceBroken:
        return SourceBroken(f"{self._limits.file} is a damaged workbook ({error}); save it again")
