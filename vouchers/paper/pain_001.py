"""The payment run as a bank reads it: one SEPA credit transfer file, pain.001.

Everything that varies comes in: identifiers are derived from the run, the instant is given, so the same run
is the same bytes for ever and a bank that sees it twice refuses the second by its message id.

Why so: written with lxml rather than by a package. `sepaxml` makes its own random identifiers and leaves `&`
in names; `pain001` is heavy and young. The official XSDs check our work in the tests, `sepa_rules` checks
what an XSD cannot say. No address is written: unstructured ones are refused since 15 November 2026, and none
is asked for inside the European Economic Area.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final, Literal

from lxml import etree
from stdnum import bic as bic_numbers
from stdnum import iban as iban_numbers

from vouchers import clock
from vouchers.money import MAX_CENTS, euros_plain
from vouchers.paper.sepa_rules import SEPA_IBAN_LENGTHS

Version = Literal["001.001.09", "001.001.03"]

NAME_LENGTH: Final = 70
LABEL_LENGTH: Final = 140
_IDENTIFIER = re.compile(r"(?!/)(?!.*//)[A-Za-z0-9/\-?:().,'+ ]{1,35}(?<!/)")
_NOT_SEPA = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]")
_REPLACED: Final = str.maketrans({
    "Œ": "OE", "œ": "oe", "Æ": "AE", "æ": "ae", "Ø": "O", "ø": "o", "ß": "ss", "ẞ": "SS", "Ł": "L", "ł": "l",
    "Đ": "D", "đ": "d", "Þ": "TH", "þ": "th", "ı": "i", "&": "+", "€": "EUR", "@": "(a)", "_": "-", "°": "o",
    "’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", '"': "'", "“": "'", "”": "'", "«": "'", "»": "'",
    "–": "-", "—": "-", "‑": "-", "‒": "-", "−": "-", "·": ".", "•": "-", ";": ",", "!": ".", "|": "/",
    "\\": "/", "[": "(", "]": ")", "{": "(", "}": ")", "⁄": "/",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Payment:
    """One transfer, from 1 to 99 999 999 999 cents.

    `name` is the account holder's, which banks compare, not the shop sign; `end_to_end_id` comes back on
    every bank message; `remittance` is what the merchant reads.
    """

    end_to_end_id: str
    name: str
    iban: str
    cents: int
    remittance: str


@dataclass(frozen=True, slots=True)
class PaymentFile:
    """A whole run. `batch_booking` true: the bank shows one debit for the run; false: one debit a payee."""

    message_id: str
    created_at: datetime
    execution_on: date
    debtor_name: str
    debtor_iban: str
    debtor_bic: str | None
    payments: tuple[Payment, ...]
    batch_booking: bool = True


@dataclass(frozen=True, slots=True)
class PaymentFault:
    """Why a bank would refuse: `payee` is the name as given, or None when the fault is the file's own."""

    payee: str | None
    reason: str
    detail: str


class BadPaymentFile(ValueError):
    """Nothing is written while one payment is wrong; `faults` names all that is, payee by payee."""

    def __init__(self, faults: tuple[PaymentFault, ...]) -> None:
        super().__init__(" ; ".join(f"{fault.payee or 'fichier'} : {fault.detail}" for fault in faults))
        self.faults = faults


def sepa_text(text: str, *, length: int) -> str:
    """`text` in the letters every SEPA bank takes, at most `length` of them; '' when none is left.

    É becomes E, Œ OE, & +, an emoji nothing. Source: EPC217-08, the Latin character set and its conversion.
    """
    spread = unicodedata.normalize("NFKD", text.translate(_REPLACED)).translate(_REPLACED)
    bare = "".join(letter for letter in spread if not unicodedata.combining(letter))
    spaced = " ".join(bare.split())
    kept = " ".join(_NOT_SEPA.sub("", spaced).split())
    # A slash at an end or doubled is a field mark to some banks' systems.
    return re.sub(r"/{2,}", "/", kept).strip("/ ")[:length].rstrip("/ ")


def pain_001(file: PaymentFile, *, version: Version = "001.001.09") -> bytes:
    """The file for the bank, UTF-8. Refuses with `BadPaymentFile`; the payments keep the order given."""
    faults = tuple(_faults(file))
    if faults:
        raise BadPaymentFile(faults)
    # From here it must succeed.
    namespace = f"urn:iso:std:iso:20022:tech:xsd:pain.{version}"
    document = etree.Element("Document", nsmap={None: namespace})
    initiation = etree.SubElement(document, "CstmrCdtTrfInitn")
    debtor = sepa_text(file.debtor_name, length=NAME_LENGTH)
    created = file.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    _put(initiation, "GrpHdr/MsgId", file.message_id)
    _put(initiation, "GrpHdr/CreDtTm", created)
    _put_totals(initiation, "GrpHdr", file.payments)
    _put(initiation, "GrpHdr/InitgPty/Nm", debtor)
    _put_debit(initiation, file, debtor, version)
    block = initiation.find("PmtInf")
    for payment in file.payments:
        transfer = etree.SubElement(block, "CdtTrfTxInf")
        _put(transfer, "PmtId/EndToEndId", payment.end_to_end_id)
        _put(transfer, "Amt/InstdAmt", euros_plain(payment.cents)).set("Ccy", "EUR")
        _put(transfer, "Cdtr/Nm", sepa_text(payment.name, length=NAME_LENGTH))
        _put(transfer, "CdtrAcct/Id/IBAN", _compact(payment.iban))
        _put(transfer, "RmtInf/Ustrd", sepa_text(payment.remittance, length=LABEL_LENGTH))
    return bytes(etree.tostring(document, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _put_debit(initiation: etree._Element, file: PaymentFile, debtor: str, version: Version) -> None:
    """What all payments share: one debit account, one day, one service level."""
    _put(initiation, "PmtInf/PmtInfId", file.message_id)
    _put(initiation, "PmtInf/PmtMtd", "TRF")
    _put(initiation, "PmtInf/BtchBookg", "true" if file.batch_booking else "false")
    _put_totals(initiation, "PmtInf", file.payments)
    _put(initiation, "PmtInf/PmtTpInf/SvcLvl/Cd", "SEPA")
    recent = version == "001.001.09"
    day = "PmtInf/ReqdExctnDt/Dt" if recent else "PmtInf/ReqdExctnDt"
    _put(initiation, day, file.execution_on.isoformat())
    _put(initiation, "PmtInf/Dbtr/Nm", debtor)
    _put(initiation, "PmtInf/DbtrAcct/Id/IBAN", _compact(file.debtor_iban))
    if file.debtor_bic is None:
        _put(initiation, "PmtInf/DbtrAgt/FinInstnId/Othr/Id", "NOTPROVIDED")
    else:
        tag = "BICFI" if recent else "BIC"
        _put(initiation, f"PmtInf/DbtrAgt/FinInstnId/{tag}", _compact(file.debtor_bic))
    _put(initiation, "PmtInf/ChrgBr", "SLEV")


def _put_totals(parent: etree._Element, level: str, payments: tuple[Payment, ...]) -> None:
    _put(parent, f"{level}/NbOfTxs", str(len(payments)))
    _put(parent, f"{level}/CtrlSum", euros_plain(sum(payment.cents for payment in payments)))


def _put(parent: etree._Element, path: str, text: str) -> etree._Element:
    """Write `text` at `path`, making the elements that are missing on the way."""
    *containers, leaf = path.split("/")
    for tag in containers:
        found = parent.find(tag)
        parent = etree.SubElement(parent, tag) if found is None else found
    element = etree.SubElement(parent, leaf)
    element.text = text
    return element


def _compact(number: str) -> str:
    return "".join(number.split()).upper()


def _faults(file: PaymentFile) -> Iterator[PaymentFault]:
    if not file.payments:
        yield PaymentFault(None, "no_payments", "aucun virement")
    if not _IDENTIFIER.fullmatch(file.message_id):
        yield PaymentFault(None, "bad_identifier", f"identifiant de message refusé : {file.message_id!r}")
    if file.created_at.tzinfo is None:
        yield PaymentFault(None, "naive_instant", "l'instant de création n'a pas de fuseau horaire")
    if not clock.is_target_day(file.execution_on):
        yield PaymentFault(None, "not_a_target_day", f"{file.execution_on:%d/%m/%Y} n'est pas un jour TARGET")
    if not sepa_text(file.debtor_name, length=NAME_LENGTH):
        yield PaymentFault(None, "empty_name", "nom du donneur d'ordre vide")
    if not iban_numbers.is_valid(file.debtor_iban):
        yield PaymentFault(None, "bad_iban", "IBAN du donneur d'ordre faux")
    if file.debtor_bic is not None and not bic_numbers.is_valid(file.debtor_bic):
        yield PaymentFault(None, "bad_bic", f"BIC du donneur d'ordre faux : {file.debtor_bic!r}")
    used = Counter(payment.end_to_end_id for payment in file.payments)
    for payment in file.payments:
        for reason, detail in _payment_faults(payment, times_used=used[payment.end_to_end_id]):
            yield PaymentFault(payment.name, reason, detail)


def _payment_faults(payment: Payment, *, times_used: int) -> Iterator[tuple[str, str]]:
    if times_used > 1:
        yield "identifier_repeated", f"référence utilisée {times_used} fois : {payment.end_to_end_id!r}"
    if not _IDENTIFIER.fullmatch(payment.end_to_end_id):
        yield "bad_identifier", f"référence refusée : {payment.end_to_end_id!r}"
    if not sepa_text(payment.name, length=NAME_LENGTH):
        yield "empty_name", "nom du bénéficiaire vide"
    if not iban_numbers.is_valid(payment.iban):
        yield "bad_iban", "IBAN faux"
    elif _compact(payment.iban)[:2] not in SEPA_IBAN_LENGTHS:
        yield "not_sepa", "IBAN hors de l'espace SEPA"
    if payment.cents < 1:
        yield "amount_too_small", f"montant nul ou négatif : {euros_plain(payment.cents)}"
    if payment.cents > MAX_CENTS:
        yield "amount_too_big", f"montant au-dessus du plafond : {euros_plain(payment.cents)}"
    if not sepa_text(payment.remittance, length=LABEL_LENGTH):
        yield "empty_remittance", "libellé vide"
