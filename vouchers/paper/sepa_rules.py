"""What a SEPA bank refuses in a pain.001 although the official XSD lets it pass.

Reads bytes and nothing else: it shares no code with `pain_001`, has its own calendar and its own check
digits, so that a mistake there is not repeated here. Sources: EPC132-08 (customer-to-bank guidelines, SEPA
credit transfer), EPC217-08 (characters), EPC409-09 (countries), and the end of unstructured addresses on
15 November 2026.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from lxml import etree

VERSIONS: Final = ("001.001.09", "001.001.03")
SEPA_IBAN_LENGTHS: Final = {
    "AD": 24, "AL": 28, "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18,
    "EE": 20, "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GI": 23, "GR": 27, "HR": 21, "HU": 28, "IE": 22,
    "IS": 26, "IT": 27, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MD": 24, "ME": 22, "MK": 19,
    "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24, "RS": 22, "SE": 24, "SI": 19, "SK": 24,
    "SM": 27, "VA": 22,
}  # fmt: skip
"""Length of an IBAN in each country whose banks may take part in the credit transfer scheme."""

_NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pain."
_NO_LOOSE_ADDRESS_FROM: Final = date(2026, 11, 15)
_LEAST, _MOST = Decimal("0.01"), Decimal("999999999.99")
_CHARSET = re.compile(r"[A-Za-z0-9/\-?:().,'+ ]*")
_AMOUNT = re.compile(r"[0-9]+(?:\.[0-9]{1,2})?")
_BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")
_Elements = list[etree._Element]
_IDENTIFIERS: Final = ("MsgId", "PmtInfId", "InstrId", "EndToEndId")


@dataclass(frozen=True, slots=True)
class Fault:
    """`rule` is a stable name, `path` the element it is about."""

    rule: str
    path: str
    detail: str


def faults(xml: bytes) -> list[Fault]:
    """Every SEPA rule that `xml` breaks; empty when a bank has nothing to say.

    To be used after the XSD, which it does not replace. What is not XML or not a pain.001 gets one fault.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        document = etree.fromstring(xml, parser)
    except etree.XMLSyntaxError as error:
        return [Fault("not_xml", "/", str(error))]
    if document.getroottree().docinfo.doctype:
        return [Fault("document_type", "/", "a document type declaration is not accepted")]
    name = etree.QName(document)
    version = next((known for known in VERSIONS if name.text == f"{{{_NAMESPACE}{known}}}Document"), None)
    if version is None:
        return [Fault("version", "/Document", f"neither of {' and '.join(VERSIONS)}: {name.text!r}")]
    file = _File(document, version)
    if len(file.messages) != 1 or len(file.headers) != 1:
        return [Fault("structure", "/Document", "exactly one CstmrCdtTrfInitn with one GrpHdr is wanted")]
    return list(file.faults())


class _File:
    """The parsed file; each method is one family of rules."""

    def __init__(self, document: etree._Element, version: str) -> None:
        self.document = document
        self.tree = document.getroottree()
        self.recent = version == "001.001.09"
        self.names = {"p": _NAMESPACE + version}
        self.messages = self._all(document, "p:CstmrCdtTrfInitn")
        self.headers = self._all(document, "p:CstmrCdtTrfInitn/p:GrpHdr")

    def faults(self) -> Iterator[Fault]:
        yield from self._characters()
        yield from self._identifiers()
        every = self._all(self.document, "//p:CdtTrfTxInf")
        yield from self._totals(self.headers[0], every, rules=("message_count", "message_sum"))
        for block in self._all(self.document, "//p:PmtInf"):
            transfers = self._all(block, "p:CdtTrfTxInf")
            yield from self._totals(block, transfers, rules=("block_count", "block_sum"))
            yield from self._terms(block)
            for transfer in transfers:
                yield from self._transfer(transfer)
        yield from self._names()
        yield from self._accounts()
        yield from self._banks()
        yield from self._addresses()

    def _all(self, element: etree._Element, path: str) -> _Elements:
        return list(element.xpath(path, namespaces=self.names))

    def _texts(self, element: etree._Element, path: str) -> list[str]:
        return [found.text or "" for found in self._all(element, path)]

    def _fault(self, rule: str, element: etree._Element, detail: str) -> Fault:
        path = str(self.tree.getelementpath(element)).replace(f"{{{self.names['p']}}}", "")
        return Fault(rule, f"/Document/{path}", detail)

    def _characters(self) -> Iterator[Fault]:
        for element in self.document.iter(f"{{{self.names['p']}}}*"):
            if len(element) == 0 and not _CHARSET.fullmatch(element.text or ""):
                yield self._fault("charset", element, f"outside the SEPA characters: {element.text!r}")

    def _identifiers(self) -> Iterator[Fault]:
        for tag in _IDENTIFIERS:
            elements = self._all(self.document, f"//p:{tag}")
            used = Counter(element.text for element in elements)
            for element in elements:
                text = element.text or ""
                if text.startswith("/") or text.endswith("/") or "//" in text:
                    yield self._fault("identifier_slash", element, f"'/' at an end or doubled: {text!r}")
                if not 1 <= len(text.strip()) <= len(text) <= 35:
                    yield self._fault("identifier_length", element, f"{len(text)} characters, 1 to 35 wanted")
                if used[element.text] > 1:
                    yield self._fault("identifier_repeated", element, f"used more than once: {text!r}")

    def _totals(self, holder: etree._Element, transfers: _Elements, *, rules: tuple[str, str]) -> Iterator[Fault]:
        said = self._texts(holder, "p:NbOfTxs")
        if said != [str(len(transfers))]:
            yield self._fault(rules[0], holder, f"NbOfTxs {said}, {len(transfers)} transfers")
        amounts = (text for transfer in transfers for text in self._texts(transfer, "p:Amt/p:InstdAmt"))
        added = sum((_decimal(text) for text in amounts), Decimal(0))
        said = self._texts(holder, "p:CtrlSum")
        if len(said) != 1 or _decimal(said[0]) != added:
            yield self._fault(rules[1], holder, f"CtrlSum {said}, the transfers add up to {added}")

    def _terms(self, block: etree._Element) -> Iterator[Fault]:
        """What the block asks of the bank: method, service level, charges, day."""
        if self._texts(block, "p:PmtMtd") != ["TRF"]:
            yield self._fault("method", block, "PmtMtd must be TRF")
        for transfer in [block, *self._all(block, "p:CdtTrfTxInf[p:PmtTpInf/p:SvcLvl]")]:
            if self._texts(transfer, "p:PmtTpInf/p:SvcLvl/p:Cd") != ["SEPA"]:
                yield self._fault("service_level", transfer, "PmtTpInf/SvcLvl/Cd must be SEPA")
        bearers = self._texts(block, "p:ChrgBr") + self._texts(block, "p:CdtTrfTxInf/p:ChrgBr")
        if not bearers or set(bearers) != {"SLEV"}:
            yield self._fault("charge_bearer", block, f"ChrgBr must be SLEV, it is {bearers}")
        on = self._execution_on(block)
        if on is None:
            form = "ReqdExctnDt/Dt" if self.recent else "ReqdExctnDt"
            yield self._fault("execution_form", block, f"{form} must hold one day, YYYY-MM-DD")
        elif not _is_target_day(on):
            yield self._fault("execution_day", block, f"{on} is not a TARGET day")

    def _execution_on(self, block: etree._Element) -> date | None:
        texts = self._texts(block, "p:ReqdExctnDt/p:Dt" if self.recent else "p:ReqdExctnDt[not(*)]")
        try:
            return date.fromisoformat(texts[0]) if len(texts) == 1 and len(texts[0]) == 10 else None
        except ValueError:
            return None

    def _transfer(self, transfer: etree._Element) -> Iterator[Fault]:
        amounts = self._all(transfer, "p:Amt/p:InstdAmt")
        if len(amounts) != 1:
            yield self._fault("amount_range", transfer, "exactly one InstdAmt is wanted")
        for amount in amounts:
            text = amount.text or ""
            if amount.get("Ccy") != "EUR":
                yield self._fault("currency", amount, f"EUR is wanted, not {amount.get('Ccy')!r}")
            if not _AMOUNT.fullmatch(text):
                yield self._fault("amount_decimals", amount, f"not an amount with two decimals: {text!r}")
            elif not _LEAST <= _decimal(text) <= _MOST:
                yield self._fault("amount_range", amount, f"{text} is not from {_LEAST} to {_MOST}")
        loose = self._texts(transfer, "p:RmtInf/p:Ustrd")
        if len(loose) + len(self._all(transfer, "p:RmtInf/p:Strd")) != 1:
            yield self._fault("remittance_choice", transfer, "exactly one Ustrd or one Strd is wanted")
        for text in loose:
            if not 1 <= len(text.strip()) <= len(text) <= 140:
                yield self._fault("remittance_length", transfer, f"Ustrd holds {len(text)} characters, not 1 to 140")

    def _names(self) -> Iterator[Fault]:
        for party in ("InitgPty", "Dbtr", "UltmtDbtr", "Cdtr", "UltmtCdtr"):
            for element in self._all(self.document, f"//p:{party}"):
                names = self._texts(element, "p:Nm")
                if party in ("Dbtr", "Cdtr") and not "".join(names).strip():
                    yield self._fault("name_missing", element, "a name is wanted")
                if any(len(name) > 70 for name in names):
                    yield self._fault("name_length", element, "more than 70 characters")

    def _accounts(self) -> Iterator[Fault]:
        for element in self._all(self.document, "//p:DbtrAcct | //p:CdtrAcct"):
            iban = "".join(self._texts(element, "p:Id/p:IBAN"))
            if iban[:2] not in SEPA_IBAN_LENGTHS and _has_good_check_digits(iban):
                yield self._fault("iban_country", element, f"{iban[:2]!r} is not in the SEPA area")
            elif len(iban) != SEPA_IBAN_LENGTHS.get(iban[:2]) or not _has_good_check_digits(iban):
                yield self._fault("iban", element, "the IBAN is wrong in length or check digits")

    def _banks(self) -> Iterator[Fault]:
        tag = "BICFI" if self.recent else "BIC"
        for element in self._all(self.document, "//p:DbtrAgt/p:FinInstnId | //p:CdtrAgt/p:FinInstnId"):
            codes, others = self._texts(element, f"p:{tag}"), self._texts(element, "p:Othr/p:Id")
            if not (len(codes) == 1 and _BIC.fullmatch(codes[0]) and not others) and (
                codes or others != ["NOTPROVIDED"]
            ):
                yield self._fault("bank_identifier", element, f"a {tag} or Othr/Id NOTPROVIDED is wanted")

    def _addresses(self) -> Iterator[Fault]:
        days = [on for block in self._all(self.document, "//p:PmtInf") if (on := self._execution_on(block))]
        if not days or max(days) < _NO_LOOSE_ADDRESS_FROM:
            return
        for element in self._all(self.document, "//p:PstlAdr"):
            lines = self._texts(element, "p:AdrLine")
            if not self._texts(element, "p:TwnNm") or not self._texts(element, "p:Ctry") or len(lines) > 2:
                yield self._fault("address", element, "town and country are wanted, and at most two lines")


def _decimal(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return Decimal(0)
    return value if value.is_finite() else Decimal(0)


def _has_good_check_digits(iban: str) -> bool:
    """ISO 13616: the first four characters go to the end, letters count 10 to 35, modulo 97 leaves 1."""
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{8,30}", iban):
        return False
    return int("".join(str(int(letter, 36)) for letter in iban[4:] + iban[:4])) % 97 == 1


def _is_target_day(day: date) -> bool:
    """No weekend, and none of the six closing days of the European Central Bank's TARGET calendar."""
    easter = _easter(day.year)
    closed = {(1, 1), (5, 1), (12, 25), (12, 26)}
    return (
        day.weekday() < 5
        and (day.month, day.day) not in closed
        and day not in (easter - timedelta(days=2), easter + timedelta(days=1))
    )


def _easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar, by the anonymous algorithm of 1876."""
    golden, (century, in_century) = year % 19, divmod(year, 100)
    epact = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    week = (32 + 2 * (century % 4) + 2 * (in_century // 4) - epact - in_century % 4) % 7
    late = (golden + 11 * epact + 22 * week) // 451
    month, day = divmod(epact + week - 7 * late + 114, 31)
    return date(year, month, day + 1)
