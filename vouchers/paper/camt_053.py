"""The bank's statement of account (camt.053) and its notice of what it booked today (camt.054), in versions 02 and 08.

Only what is booked counts. A statement whose opening balance and entries do not make its closing balance is refused
whole: something is missing, and nobody would see what. So is a batch whose details do not make the entry. Sources: the
XSDs of ISO 20022 and the French banks' guide to camt messages; which of two places a bank uses (`MsgId` of the
references or of the batch, balances OPBD or PRCD) is for it to choose, so both are read.
"""

import hashlib
from collections import Counter
from dataclasses import replace
from datetime import date, datetime
from typing import Final

from lxml import etree

from vouchers.bank_messages import BankNotification, BankStatement, Detail, Entry
from vouchers.errors import BadInput
from vouchers.paper import bank_file
from vouchers.paper.bank_file import needed, needed_text, text, texts

STATEMENTS: Final = ("camt.053.001.02", "camt.053.001.08")
NOTIFICATIONS: Final = ("camt.054.001.02", "camt.054.001.08")
MOST_STATEMENTS: Final = 1_000
MOST_ENTRIES: Final = 100_000
"""Entries and their details, all statements of a file together."""
_REFERENCE_CHARS: Final = 35
"""Of a reference, by the XSDs (Max35Text): a longer one could not be named in the books."""
_NONE_GIVEN: Final = frozenset({"", "NOTPROVIDED", "NOT PROVIDED", "NONREF"})
_OPENING: Final = ("OPBD", "PRCD")
_CLOSING: Final = ("CLBD",)
_INTERIM: Final = "ITBD"


def read(content: bytes) -> tuple[BankStatement, ...]:
    """Every statement of a file, in its order.

    Refuses `BadInput` for 'file': what `bank_file.opened` refuses; more than 1 000 statements, 100 000 entries; then,
    statement by statement, an element missing or unreadable, an amount that is none, another currency than the euro, a
    batch whose details do not sum to it, a closing balance that opening and entries do not make.
    """
    message = bank_file.opened(content, wanted=STATEMENTS)
    root = needed(message.document, "BkToCstmrStmt")
    _counted(root, "Stmt")
    needed(root, "Stmt")
    return tuple(_statement(found, message.kind) for found in root.findall("Stmt"))


def read_notifications(content: bytes) -> tuple[BankNotification, ...]:
    """Every notification of a file. Refuses as `read` does, balances apart: a notification has none."""
    message = bank_file.opened(content, wanted=NOTIFICATIONS)
    root = needed(message.document, "BkToCstmrDbtCdtNtfctn")
    _counted(root, "Ntfctn")
    needed(root, "Ntfctn")
    return tuple(
        BankNotification(
            version=message.kind,
            notification_id=needed_text(found, "Id"),
            iban=_iban(found),
            currency="EUR",
            made_at=_made_at(found),
            entries=_entries(found),
        )
        for found in root.findall("Ntfctn")
    )


def _counted(root: etree._Element, statement: str) -> None:
    if len(root.findall(statement)) > MOST_STATEMENTS:
        raise BadInput(field="file", problem="bank_too_many_statements", most=MOST_STATEMENTS)
    entries = sum(1 for _ in root.iter("Ntry"))
    if entries > MOST_ENTRIES or sum(1 for _ in root.iter("TxDtls")) > MOST_ENTRIES:
        raise BadInput(field="file", problem="bank_too_many", most=MOST_ENTRIES)


def _statement(found: etree._Element, version: str) -> BankStatement:
    statement_id = needed_text(found, "Id")
    iban = _iban(found)
    made_at = _made_at(found)
    (opened_on, opening_cents), (closed_on, closing_cents) = _balances(found)
    entries = _entries(found)
    computed_cents = opening_cents + sum(entry.cents for entry in entries)
    if computed_cents != closing_cents:
        raise BadInput(
            field="file",
            problem="bank_balance",
            statement=statement_id,
            opening_cents=opening_cents,
            computed_cents=computed_cents,
            closing_cents=closing_cents,
            gap_cents=abs(closing_cents - computed_cents),
        )
    first, last = found.find("FrToDt/FrDtTm"), found.find("FrToDt/ToDtTm")
    page, last_page = _page(found)
    return BankStatement(
        version=version,
        statement_id=statement_id,
        page=page,
        last_page=last_page,
        sequence=_number(found, "ElctrncSeqNb") or _number(found, "LglSeqNb"),
        iban=iban,
        currency="EUR",
        made_at=made_at,
        from_on=opened_on if first is None else bank_file.day_in(first),
        to_on=closed_on if last is None else bank_file.day_in(last),
        opening_cents=opening_cents,
        closing_cents=closing_cents,
        entries=entries,
    )


def _iban(found: etree._Element) -> str:
    """The account's IBAN, whose currency, where it is told, is the euro."""
    iban = "".join(needed_text(found, "Acct/Id/IBAN").split()).upper()
    currency = text(found, "Acct/Ccy")
    if currency not in {"", "EUR"}:
        raise BadInput(
            field="file", problem="bank_not_euros", currency=currency, line=found.find("Acct/Ccy").sourceline
        )
    return iban


def _made_at(found: etree._Element) -> datetime:
    return bank_file.instant_in(needed(found, "CreDtTm"))


def _page(found: etree._Element) -> tuple[int | None, bool]:
    """Told of the statement in version 08, of the whole message in version 02."""
    places = (found.find("StmtPgntn"), found.getparent().find("GrpHdr/MsgPgntn"))
    told = next((place for place in places if place is not None), None)
    if told is None:
        return None, True
    return _number(told, "PgNb"), needed_text(told, "LastPgInd") in {"true", "1"}


def _number(found: etree._Element, path: str) -> int | None:
    given = text(found, path)
    if not given:
        return None
    if not (given.isascii() and given.isdigit() and len(given) <= 18):
        raise bank_file.unreadable(found.find(path))
    return int(given)


# ── Balances ─────────────────────────────────────────────────────────────────────────────────────────────────────
def _balances(found: etree._Element) -> tuple[tuple[date, int], tuple[date, int]]:
    """(day, signed cents) of the opening and the closing booked balance.

    A statement over several days may give those of each day: the first opening and the last closing are the whole's. A
    page in the middle opens and closes with an interim balance, in this order.
    """
    booked: dict[str, list[tuple[date, int]]] = {}
    for balance in found.findall("Bal"):
        code = text(balance, "Tp/CdOrPrtry/Cd")
        if code in {*_OPENING, *_CLOSING, _INTERIM}:
            cents = bank_file.signed(balance, bank_file.cents(needed(balance, "Amt")))
            on = bank_file.day(balance, "Dt")
            if on is None:
                raise bank_file.missing(balance, "Dt/Dt")
            booked.setdefault(code, []).append((on, cents))
    openings = next((booked[code] for code in _OPENING if code in booked), None)
    closings = next((booked[code] for code in _CLOSING if code in booked), None)
    interim = booked.get(_INTERIM, [])
    if openings is None:
        openings, interim = interim[:1], interim[1:]
    if closings is None:
        closings = interim[-1:]
    if not openings or not closings:
        raise bank_file.missing(found, f"Bal {'/'.join(_CLOSING if openings else _OPENING)}")
    return min(openings, key=_day_of), sorted(closings, key=_day_of)[-1]


def _day_of(balance: tuple[date, int]) -> date:
    return balance[0]


# ── Entries ──────────────────────────────────────────────────────────────────────────────────────────────────────
def _entries(found: etree._Element) -> tuple[Entry, ...]:
    """What is booked; each reference is one entry's alone, though some banks give one to all entries of a batch."""
    entries: dict[str, Entry] = {}
    times: Counter[str] = Counter()
    for given in found.findall("Ntry"):
        if _status(given) != "BOOK":
            continue
        entry = _entry(given)
        reference = entry.reference
        times[reference] += 1
        while reference in entries:
            reference = f"{entry.reference}#{times[entry.reference]}"
            times[entry.reference] += reference in entries
        entries[reference] = replace(entry, reference=reference)
    return tuple(entries.values())


def _status(entry: etree._Element) -> str:
    """A word in version 02, one of a list in version 08."""
    status = needed(entry, "Sts")
    return text(status, "Cd") or text(status, "Prtry") or bank_file.clean(status.text or "")


def _entry(found: etree._Element) -> Entry:
    cents = bank_file.signed(found, bank_file.cents(needed(found, "Amt")))
    value_on = bank_file.day(found, "ValDt")
    booked_on = bank_file.day(found, "BookgDt") or value_on
    if booked_on is None:
        raise bank_file.missing(found, "BookgDt/Dt")
    reference = _given(found, "AcctSvcrRef") or _given(found, "NtryRef")
    if reference is not None and len(reference) > _REFERENCE_CHARS:
        reference = None
    entry = Entry(
        reference=reference or "",
        cents=cents,
        booked_on=booked_on,
        value_on=value_on or booked_on,
        reversal=text(found, "RvslInd") in {"true", "1"},
        code=_code(found),
        text=text(found, "AddtlNtryInf"),
        details=_details(found, cents=cents, shown=reference or "sans référence"),
    )
    return entry if reference else replace(entry, reference=_digest(entry))


def _digest(entry: Entry) -> str:
    """Made of what the entry says, so that the same one read again is known again; never to be composed otherwise."""
    said = [entry.booked_on.isoformat(), entry.value_on.isoformat(), str(entry.cents), entry.code, entry.text]
    for detail in entry.details:
        said += [str(detail.cents), detail.end_to_end_id or "", detail.rf or "", detail.text, *detail.message_ids]
        said += [detail.counterpart or "", detail.counterpart_iban or ""]
    return f"H-{hashlib.sha256(chr(10).join(said).encode()).hexdigest()[:32]}"


def _code(found: etree._Element) -> str:
    """'PMNT-RCDT-ESCT', else the bank's own word."""
    domain = [text(found, f"BkTxCd/Domn/{path}") for path in ("Cd", "Fmly/Cd", "Fmly/SubFmlyCd")]
    return "-".join(part for part in domain if part) or text(found, "BkTxCd/Prtry/Cd")


def _given(found: etree._Element, path: str) -> str | None:
    """What stands at `path`, unless it says that nothing was given."""
    known = text(found, path)
    return None if known.upper() in _NONE_GIVEN else known


# ── Details ──────────────────────────────────────────────────────────────────────────────────────────────────────
def _details(entry: etree._Element, *, cents: int, shown: str) -> tuple[Detail, ...]:
    """The transfers of an entry. One alone is the whole entry, whatever the bank took of it on the way, unless the
    entry says that it is made of several. Refuses `BadInput` where several do not sum to it."""
    found = [(batch, transfer) for batch in entry.findall("NtryDtls") for transfer in batch.findall("TxDtls")]
    # What the bank says of the entry is the text of its one transfer, where the payer left none.
    label = text(entry, "AddtlNtryInf") if len(found) <= 1 else ""
    if not found:
        return (_detail(entry.find("NtryDtls"), etree.Element("TxDtls"), cents=cents, label=label),)
    several = len(found) > 1 or any((_number(batch, "Btch/NbOfTxs") or 1) > 1 for batch, _ in found)
    stated = [_stated(transfer, entry_cents=cents) for _, transfer in found] if several else [cents]
    if several and len(found) == 1 and stated == [None]:
        stated = [cents]
    amounts = []
    for (_, transfer), known in zip(found, stated, strict=True):
        if known is None:
            raise bank_file.missing(transfer, "AmtDtls/TxAmt/Amt")
        amounts.append(known)
    if sum(amounts) != cents:
        raise BadInput(
            field="file", problem="bank_batch", reference=shown, entry_cents=cents, details_cents=sum(amounts)
        )
    return tuple(
        _detail(batch, transfer, cents=known, label=label)
        for (batch, transfer), known in zip(found, amounts, strict=True)
    )


def _stated(transfer: etree._Element, *, entry_cents: int) -> int | None:
    """A transfer's own amount: version 02 has it among the amounts' details only, and no sign but the entry's."""
    places = ("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/InstdAmt/Amt")
    amount = next((found for place in places if (found := transfer.find(place)) is not None), None)
    if amount is None:
        return None
    known = bank_file.cents(amount)
    if transfer.find("CdtDbtInd") is not None:
        return bank_file.signed(transfer, known)
    return known if entry_cents >= 0 else -known


def _detail(batch: etree._Element | None, transfer: etree._Element, *, cents: int, label: str) -> Detail:
    ids = [_given(transfer, "Refs/MsgId"), _given(transfer, "Refs/PmtInfId")]
    if batch is not None:
        ids += [_given(batch, "Btch/MsgId"), _given(batch, "Btch/PmtInfId")]
    references = ["".join(given.split()).upper() for given in texts(transfer, "RmtInf/Strd/CdtrRefInf/Ref")]
    written = [
        *texts(transfer, "RmtInf/Ustrd"),
        *texts(transfer, "RmtInf/Strd/AddtlRmtInf"),
        *references[1:],
        *texts(transfer, "AddtlTxInf"),
    ]
    code = text(transfer, "RtrInf/Rsn/Cd") or text(transfer, "RtrInf/Rsn/Prtry")
    if transfer.find("RtrInf") is not None:
        code = code or "NARR"
    # A transfer of ours that comes back keeps its sides: we are the debtor still, who was not paid the creditor.
    side = "Dbtr" if (cents > 0) != bool(code) else "Cdtr"
    parties = transfer.find("RltdPties")
    return Detail(
        cents=cents,
        end_to_end_id=_given(transfer, "Refs/EndToEndId"),
        message_ids=tuple(dict.fromkeys(known for known in ids if known)),
        rf=references[0] if references else None,
        text=" ".join(written) or label,
        counterpart=_party(parties, side),
        counterpart_iban=_account(parties, f"{side}Acct"),
        on_behalf_of=_party(parties, f"Ultmt{side}"),
        return_code=code or None,
        return_info=" ".join(texts(transfer, "RtrInf/AddtlInf")),
    )


def _party(parties: etree._Element | None, side: str) -> str | None:
    """A party's name: version 08 says first whether it is a person or a bank."""
    if parties is None:
        return None
    places = (f"{side}/Nm", f"{side}/Pty/Nm", f"{side}/Agt/FinInstnId/Nm")
    return next((known for place in places if (known := text(parties, place))), None)


def _account(parties: etree._Element | None, account: str) -> str | None:
    if parties is None:
        return None
    return "".join(text(parties, f"{account}/Id/IBAN").split()).upper() or None
