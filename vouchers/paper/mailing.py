"""The people of a mailing as a file for the house that prints and posts it (routeur).

`;` between columns, CRLF after rows, no byte order mark: a machine reads it, so nothing is added to a cell. A line of
an address never begins with a sign that a spreadsheet would reckon with, since no address does: such signs are left
out. Columns as France's mail houses commonly ask (`france.md` §6); Maileva's own template could not be verified.
"""

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from vouchers.codes import pretty_serial
from vouchers.errors import BadInput

Encoding = Literal["utf-8", "cp1252"]
HEADER: Final = (
    "ref", "civilite", "l1", "l2", "l3", "l4", "l5", "l6", "pays", "lot", "nb_titres", "premier_no", "dernier_no",
)  # fmt: skip
_COUNTRY: Final = "FRANCE"
_FORMULA: Final = "=+-@\uff1d\uff0b\uff0d\uff20 \N{NO-BREAK SPACE}"
_ROWS_AT_ONCE: Final = 500
_SPELT: Final = {"Ł": "L", "ł": "l", "Đ": "D", "đ": "d", "ı": "i"}


@dataclass(frozen=True, slots=True)
class Mailed:
    """One person: six lines, empty ones in their place, and the serials that go into the envelope (at least one)."""

    reference: str
    civility: str
    six: tuple[str, ...]
    batch: int
    serials: tuple[int, ...]


def mailing_csv(people: Iterable[Mailed], *, encoding: Encoding = "utf-8") -> Iterator[bytes]:
    """The file in pieces of some hundred rows.

    In 'cp1252' a letter that it lacks is written by its base letter ('Łukasz' → 'Lukasz'); refuses `BadInput` for one
    that has none.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADER)
    for index, one in enumerate(people, start=1):
        first, last = min(one.serials), max(one.serials)
        lines = [_plain(line) for line in one.six]
        numbers = (one.batch, len(one.serials), pretty_serial(first), pretty_serial(last))
        writer.writerow([one.reference, _plain(one.civility), *lines, _COUNTRY, *numbers])
        if index % _ROWS_AT_ONCE == 0:
            yield _encoded(buffer.getvalue(), encoding)
            buffer.seek(0)
            buffer.truncate()
    if buffer.tell():
        yield _encoded(buffer.getvalue(), encoding)


def _plain(text: str) -> str:
    visible = "".join(char for char in unicodedata.normalize("NFC", text) if unicodedata.category(char)[0] != "C")
    return " ".join(visible.split()).lstrip(_FORMULA)


def _encoded(text: str, encoding: Encoding) -> bytes:
    if encoding == "utf-8" or text.isascii():
        return text.encode()
    return "".join(map(_in_cp1252, text)).encode("cp1252")


def _in_cp1252(char: str) -> str:
    for written in (char, _SPELT.get(char, unicodedata.normalize("NFKD", char)[0])):
        if written.encode("cp1252", "ignore"):
            return written
    raise BadInput(field="encoding", problem="not_in_windows_1252", text=char)
