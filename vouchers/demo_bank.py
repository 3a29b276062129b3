"""The demonstration's bank: it says of the chamber's account what a real one would (camt.053.001.08), line by line.

The treasurer takes each statement as it comes, and what is certain in it is booked: so the money of the story came by
the same road as any.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

from vouchers import bank_desk, clock
from vouchers.db import Database
from vouchers.demo_cast import Cast
from vouchers.money import euros_plain
from vouchers.order_book import Order
from vouchers.rules import rules
from vouchers.runs import Run

OPENING_CENTS: Final = 1_250_000


@dataclass(frozen=True, slots=True)
class Transfer:
    """One line; above zero it came in. `end_to_end_id` and `message_id` are those of our own bank files."""

    on: date
    cents: int
    who: str
    text: str
    end_to_end_id: str = ""
    message_id: str = ""
    return_code: str = ""


def bring_payment(house: Database, *, cast: Cast, paid: Order, at: datetime, folder: Path) -> Path:
    """The public accountant pays the commune's order, and retypes its reference with spaces, as they do."""
    spaced = " ".join(paid.rf_reference[at : at + 4] for at in range(0, len(paid.rf_reference), 4))
    on = clock.book_day(at)
    transfers = [
        Transfer(on, paid.total_cents, "SGC DE LISIEUX", f"CHEQUES AINES MANDAT 1187 BORDEREAU 94 {spaced}"),
        Transfer(on, -1_250, "BANQUE", "COTISATION COMPTE NOVEMBRE"),
    ]
    return _take(house, cast=cast, number=1, opening_cents=OPENING_CENTS, transfers=transfers, at=at, folder=folder)


def execute_run(house: Database, *, cast: Cast, run: Run, opening_cents: int, at: datetime, folder: Path) -> Path:
    """The bank pays a run in one debit, and sends the last transfer back: that account is closed."""
    assert run.execution_on is not None, "an approved run has its day"
    on, unlucky = run.execution_on, run.to_pay[-1]
    transfers = [
        Transfer(on, -run.pay_cents, "VIREMENTS SEPA", "CHEQUES CADEAUX", message_id=run.message_id),
        Transfer(
            on,
            unlucky.net_cents,
            unlucky.account_holder or unlucky.legal_name,
            "RETOUR DE VIREMENT",
            end_to_end_id=unlucky.end_to_end_id,
            return_code="AC04",
        ),
    ]
    return _take(house, cast=cast, number=2, opening_cents=opening_cents, transfers=transfers, at=at, folder=folder)


def _take(
    house: Database,
    *,
    cast: Cast,
    number: int,
    opening_cents: int,
    transfers: Sequence[Transfer],
    at: datetime,
    folder: Path,
) -> Path:
    programme = house.read(rules, programme_id=cast.programme_id)
    assert programme.issuer_iban is not None, "the chamber of the demonstration has an account"
    said = camt_053(
        iban=programme.issuer_iban,
        holder=programme.issuer_account_holder or programme.issuer_name,
        number=number,
        opening_cents=opening_cents,
        transfers=transfers,
    )
    file = folder / f"releve-bancaire-{number}.camt.053.xml"
    file.write_bytes(said)
    doing: dict[str, Any] = {"programme_id": cast.programme_id, "actor": cast.actor("trésorier"), "at": at}
    house.write(bank_desk.take, file=bank_desk.read_file(said), **doing)
    house.write(bank_desk.confirm_certain, **doing)
    return file


def camt_053(*, iban: str, holder: str, number: int, opening_cents: int, transfers: Sequence[Transfer]) -> bytes:
    """The statement of an account over the days of its `transfers`, which come in the order of their days."""
    first, last = transfers[0].on, transfers[-1].on
    closing = opening_cents + sum(one.cents for one in transfers)
    lines = "".join(_entry(number, rank, one) for rank, one in enumerate(transfers, start=1))
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
<GrpHdr><MsgId>RLV-{number}</MsgId><CreDtTm>{last}T22:00:00+01:00</CreDtTm></GrpHdr>
<Stmt><Id>{last.year}-{number:03d}</Id><ElctrncSeqNb>{number}</ElctrncSeqNb><CreDtTm>{last}T22:00:00+01:00</CreDtTm>
<FrToDt><FrDtTm>{first}T00:00:00+01:00</FrDtTm><ToDtTm>{last}T23:59:59+01:00</ToDtTm></FrToDt>
<Acct><Id><IBAN>{iban}</IBAN></Id><Ccy>EUR</Ccy><Ownr><Nm>{escape(holder)}</Nm></Ownr></Acct>
{_balance("OPBD", opening_cents, first)}{_balance("CLBD", closing, last)}{lines}</Stmt>
</BkToCstmrStmt></Document>
""".encode()


def _balance(kind: str, cents: int, on: date) -> str:
    return f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>{_amount(cents)}<Dt><Dt>{on}</Dt></Dt></Bal>\n"


def _amount(cents: int) -> str:
    return f'<Amt Ccy="EUR">{euros_plain(abs(cents))}</Amt><CdtDbtInd>{"CRDT" if cents >= 0 else "DBIT"}</CdtDbtInd>'


def _entry(statement: int, rank: int, one: Transfer) -> str:
    message = f"<MsgId>{escape(one.message_id)}</MsgId>" if one.message_id else ""
    named = f"<EndToEndId>{escape(one.end_to_end_id or 'NOTPROVIDED')}</EndToEndId>"
    who = f"<Pty><Nm>{escape(one.who)}</Nm></Pty>"
    parties = f"<Dbtr>{who}</Dbtr>" if one.cents > 0 else f"<Cdtr>{who}</Cdtr>"
    back = f"<RtrInf><Rsn><Cd>{one.return_code}</Cd></Rsn></RtrInf>" if one.return_code else ""
    return f"""<Ntry><NtryRef>{rank}</NtryRef>{_amount(one.cents)}<Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>{one.on}</Dt></BookgDt><ValDt><Dt>{one.on}</Dt></ValDt>
<AcctSvcrRef>CE{statement:03d}{rank:05d}</AcctSvcrRef>
<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{"RCDT" if one.cents > 0 else "ICDT"}</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn>
</BkTxCd><NtryDtls><TxDtls><Refs>{message}{named}</Refs>{_amount(one.cents)}<RltdPties>{parties}</RltdPties>
<RmtInf><Ustrd>{escape(one.text)}</Ustrd></RmtInf>{back}</TxDtls></NtryDtls></Ntry>
"""
