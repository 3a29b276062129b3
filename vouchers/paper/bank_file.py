"""A file that a bank sends, opened with care: any ISO 20022 message, its elements without their namespace.

A statement comes from outside, and XML can ask its reader to fetch files or to grow a line into gigabytes. A document
type is refused before anything is parsed, since no bank sends one; nothing is fetched, nothing expanded, and libxml2's
own ceilings on depth and size stay on.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from lxml import etree

from vouchers import clock, money
from vouchers.errors import BadInput

MOST_BYTES: Final = 20_000_000
_ISO: Final = re.compile(r"\{urn:(?:iso:std:iso:20022:tech:xsd|swift:xsd):([A-Za-z0-9.$_]+)\}Document")
_DECLARED: Final = (b"<!DOCTYPE", b"<!ENTITY")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
_SHOWN: Final = 40


@dataclass(frozen=True, slots=True)
class Message:
    """`kind`: 'camt.053.001.08'. `document`: its root, whose elements are named without their namespace."""

    kind: str
    document: etree._Element


def opened(content: bytes, *, wanted: Sequence[str]) -> Message:
    """The message in a file, where it is of one of the `wanted` kinds.

    Refuses `BadInput` for 'file', in this order: larger than 20 MB; a document type or entities; not XML; another
    message, or another version of it.
    """
    if len(content) > MOST_BYTES:
        raise BadInput(field="file", problem="file_too_large", most=MOST_BYTES // 1_000_000)
    # In UTF-16 every second byte of a mark is zero.
    plain = content.replace(b"\0", b"") if b"\0" in content[:4] else content
    if any(mark in plain for mark in _DECLARED):
        raise BadInput(field="file", problem="bank_entities")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        document = etree.fromstring(content.strip(), parser)
    except (etree.XMLSyntaxError, ValueError):
        raise BadInput(field="file", problem="bank_not_xml") from None
    if document.getroottree().docinfo.doctype:
        raise BadInput(field="file", problem="bank_entities")
    named = _ISO.fullmatch(document.tag)
    kind = named[1] if named is not None else etree.QName(document).localname[:_SHOWN]
    if kind not in wanted:
        raise BadInput(field="file", problem="bank_other_message", message=kind, wanted=", ".join(wanted))
    prefix = document.tag.removesuffix("Document")
    for element in document.iter(f"{prefix}*"):
        element.tag = element.tag[len(prefix) :]
    return Message(kind, document)


def needed(element: etree._Element, path: str) -> etree._Element:
    """The element at `path`. Refuses `BadInput` where it is missing."""
    found = element.find(path)
    if found is None:
        raise missing(element, path)
    return found


def needed_text(element: etree._Element, path: str) -> str:
    """The text at `path`. Refuses `BadInput` where it is missing or empty."""
    found = text(element, path)
    if not found:
        raise missing(element, path)
    return found


def missing(element: etree._Element, path: str) -> BadInput:
    """The refusal for what is not there, told by its way from the top and the line where it is looked for."""
    parents = [element, *element.iterancestors()]
    way = "/".join(parent.tag for parent in reversed(parents[:-1]))
    return BadInput(field="file", problem="bank_element_missing", element=f"{way}/{path}", line=element.sourceline)


def text(element: etree._Element, path: str) -> str:
    """The text at `path` on one line, '' where there is none."""
    return clean(element.findtext(path) or "")


def texts(element: etree._Element, path: str) -> list[str]:
    """Every text at `path` that is not empty."""
    return [cleaned for found in element.findall(path) if (cleaned := clean(found.text or ""))]


def clean(given: str) -> str:
    """Without the signs that hide or turn their neighbours; a bank repeats whatever a payer typed."""
    spaced = " ".join(given.split())
    if spaced.isprintable():
        return unicodedata.normalize("NFC", spaced)
    seen = "".join(sign for sign in spaced if unicodedata.category(sign) not in _UNSEEN)
    return " ".join(unicodedata.normalize("NFC", seen).split())


def cents(amount: etree._Element) -> int:
    """Whole cents of an amount element in euros. Refuses `BadInput`: another currency, decimals, not a number."""
    currency = amount.get("Ccy", "EUR")
    if currency != "EUR":
        raise BadInput(field="file", problem="bank_not_euros", currency=currency[:_SHOWN], line=amount.sourceline)
    given = (amount.text or "").strip()
    known = money.cents_from_decimal(given)
    if known is None:
        raise BadInput(field="file", problem="bank_amount", given=given[:_SHOWN], line=amount.sourceline)
    return known


def signed(element: etree._Element, known: int) -> int:
    """`known` cents as the element's `CdtDbtInd` says: above zero in, below zero out. Refuses `BadInput`."""
    side = needed_text(element, "CdtDbtInd")
    if side not in {"CRDT", "DBIT"}:
        raise unreadable(element.find("CdtDbtInd"))
    return known if side == "CRDT" else -known


def day(element: etree._Element, path: str) -> date | None:
    """The day at `path`, given as a date or as an instant; None where there is none. Refuses `BadInput`."""
    for leaf in ("Dt", "DtTm"):
        found = element.find(f"{path}/{leaf}")
        if found is not None:
            return day_in(found)
    return None


def day_in(found: etree._Element) -> date:
    """A date (xs:date may carry a zone, which no bank means) or an instant's date in Paris. Refuses `BadInput`."""
    given = (found.text or "").strip()
    try:
        return clock.book_day(instant_in(found)) if "T" in given else date.fromisoformat(given[:10])
    except (ValueError, OverflowError):
        raise unreadable(found) from None


def instant_in(found: etree._Element) -> datetime:
    """An instant; without a zone, it is the bank's own time: Paris. Refuses `BadInput`."""
    try:
        at = datetime.fromisoformat((found.text or "").strip())
        return (at if at.tzinfo is not None else at.replace(tzinfo=clock.PARIS)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise unreadable(found) from None


def unreadable(found: etree._Element) -> BadInput:
    """The refusal for a value that is no such thing."""
    given = clean(found.text or "")[:_SHOWN]
    return BadInput(
        field="file", problem="bank_element_unreadable", element=found.tag, given=given, line=found.sourceline
    )
