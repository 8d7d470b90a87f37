"""Checks by the first bytes of a file that its format fits its name. The errors say how to correct a file of another
format.
"""

from __future__ import annotations

from typing import BinaryIO, Literal

from syncd.sdk import SourceBroken

Kind = Literal["xlsx", "ods"]

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = b"PK\x03\x04"
_PASSWORD = "EncryptedPackage".encode("utf-16-le")
_HEAD = 4096


def check_text(content: BinaryIO, name: str) -> None:
    """Raises SourceBroken if a file with the extension of a CSV file has another format."""
    head = _head(content)
    if head.startswith(_ZIP):
        raise SourceBroken(f"{name} is no CSV but a workbook; name it .xlsx or .ods, as it was saved")
    _check_old_excel(content, name)
    if _is_page(head):
        raise SourceBroken(f"{name} is no CSV but a web page, perhaps a login page; export the table as CSV")


def check_packed(content: BinaryIO, name: str) -> None:
    """Raises SourceBroken if a file with the extension of a workbook is not a ZIP file."""
    head = _head(content)
    if head.startswith(_ZIP):
        return
    _check_old_excel(content, name)
    what, remedy = "no workbook that can be read", "save it again as XLSX or ODS"
    if not head.strip():
        what, remedy = "empty", "export it again"
    elif _is_page(head):
        what, remedy = "a web page that is called a workbook", "open it in a spreadsheet program and save it as XLSX"
    elif b'progid="Excel.Sheet"' in head or head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<?xml"):
        what, remedy = "an XML file that is called a workbook", "open it in a spreadsheet program and save it as XLSX"
    elif b"\0" not in head:
        what, remedy = "a text file that is called a workbook", "name it .csv, if it holds CSV"
    raise SourceBroken(f"{name} is {what}; {remedy}")


def _check_old_excel(content: BinaryIO, name: str) -> None:
    """Raises SourceBroken for files in the format before Excel 2007. Also raises SourceBroken for workbooks with a
    password, which Excel stores in the same container.
    """
    if not _head(content).startswith(_OLE):
        return
    content.seek(0)
    if _PASSWORD in content.read():
        raise SourceBroken(f"{name} is protected by a password; save it without one, in a folder that few can read")
    raise SourceBroken(f"{name} is an old Excel file (.xls); save it as Excel workbook (.xlsx)")


def _is_page(head: bytes) -> bool:
    start = head.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    return start.startswith((b"<!doctype html", b"<html", b"<table", b"<head", b"<meta", b"<body", b"<div"))


def _head(content: BinaryIO) -> bytes:
    content.seek(0)
    return content.read(_HEAD)
