"""What a bank says, as the readers give it: statements whose balances follow one another, line after line."""

import itertools
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from tests.makers import NOON, TODAY
from tests.town import TREASURER, Town
from vouchers import bank_desk, bank_lines, clock, proposals, reconcile
from vouchers.bank_desk import BankFile, Taken
from vouchers.bank_lines import BankLine
from vouchers.bank_messages import BankNotification, BankStatement, Detail, Entry
from vouchers.db import Database
from vouchers.order_book import Order, find
from vouchers.proposals import Proposal
from vouchers.rules import rules

_numbers = itertools.count(1)


def detail(cents: int, **told: Any) -> Detail:
    blank: dict[str, Any] = {
        "end_to_end_id": None, "message_ids": (), "rf": None, "text": "", "counterpart": None,
        "counterpart_iban": None, "on_behalf_of": None, "return_code": None, "return_info": "",
    }  # fmt: skip
    return Detail(cents=cents, **{**blank, **told})


def entry(cents: int, *details: Detail, reference: str | None = None, on: date = TODAY, **told: Any) -> Entry:
    """One entry of one transfer, told by `rf`, `text`, `counterpart` …, or of these `details`."""
    named = reference or f"BQ{next(_numbers):06d}"
    return Entry(named, cents, on, on, False, "", "", details or (detail(cents, **told),))


@dataclass
class Teller:
    """The bank's side of a town: each statement begins where the one before ended."""

    town: Town
    iban: str
    closing_cents: int = 0
    at: datetime = NOON
    _names: Any = field(default_factory=lambda: itertools.count(1))

    def statement(
        self, *entries: Entry, on: date = TODAY, opening_cents: int | None = None, **told: Any
    ) -> BankStatement:
        opening = self.closing_cents if opening_cents is None else opening_cents
        self.closing_cents = opening + sum(one.cents for one in entries)
        blank: dict[str, Any] = {
            "version": "camt.053.001.08", "statement_id": f"REL-{next(self._names)}", "page": None, "last_page": True,
            "sequence": None, "iban": self.iban, "currency": "EUR", "made_at": datetime.combine(on, time(20), UTC),
            "from_on": on, "to_on": on, "opening_cents": opening, "closing_cents": self.closing_cents,
            "entries": entries,
        }  # fmt: skip
        return BankStatement(**{**blank, **told})

    def notification(self, *entries: Entry, on: date = TODAY) -> BankNotification:
        made_at = datetime.combine(on, time(12), UTC)
        return BankNotification("camt.054.001.08", f"AVIS-{next(self._names)}", self.iban, "EUR", made_at, entries)

    def take(self, *statements: BankStatement | BankNotification) -> Taken:
        return self.town.house.write(
            bank_desk.take, programme_id=self.town.programme_id, file=BankFile("ab" * 32, statements), **self.by
        )

    def tells(self, *entries: Entry) -> list[BankLine]:
        """A statement of these entries, taken; gives its lines."""
        (taken,) = self.take(self.statement(*entries)).statements
        return self.lines(statement_number=taken.number)

    @property
    def by(self) -> dict[str, Any]:
        return {"actor": TREASURER, "at": self.at}

    @property
    def doing(self) -> dict[str, Any]:
        return {"programme_id": self.town.programme_id, **self.by}

    def lines(self, **wanted: Any) -> list[BankLine]:
        return self.town.house.read(bank_lines.listed, programme_id=self.town.programme_id, limit=None, **wanted)

    def line(self, number: int) -> BankLine:
        return self.town.house.read(bank_lines.find, programme_id=self.town.programme_id, number=number)

    def proposed(self, line: BankLine) -> Proposal:
        found = self.town.house.read(proposals.proposals, programme_id=self.town.programme_id, lines=[line])
        return found[line.number]

    def confirm(self, line: BankLine) -> Proposal:
        seen = self.proposed(line).mark
        return self.town.house.write(bank_desk.confirm, line_number=line.number, seen=seen, **self.doing)

    def confirm_certain(self) -> list[Proposal]:
        return self.town.house.write(bank_desk.confirm_certain, **self.doing)

    def wait(self, line: BankLine) -> BankLine:
        return self.town.house.write(reconcile.receive, line_number=line.number, **self.doing)

    def means(self, line: BankLine) -> list[tuple[str, str, int]]:
        """(means, fact, cents) of each part of a line."""
        of = {"programme_id": self.town.programme_id, "line_numbers": [line.number]}
        told = self.town.house.read(bank_lines.matched, **of)[line.number]
        return [(one.means, f"{one.kind} {one.subject}", one.cents) for one in told]

    def order(self, number: int) -> Order:
        return self.town.house.read(find, programme_id=self.town.programme_id, number=number)


def a_teller(town: Town, *, at: datetime = NOON) -> Teller:
    """The bank of a town's issuer."""
    iban = town.house.read(rules, programme_id=town.programme_id).issuer_iban
    assert iban is not None
    return Teller(town, iban, at=at)


# ── As a file ────────────────────────────────────────────────────────────────────────────────────────────────────
CAMT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
<GrpHdr><MsgId>M1</MsgId><CreDtTm>{on}T06:00:00+01:00</CreDtTm></GrpHdr>
<Stmt><Id>{name}</Id><CreDtTm>{on}T06:00:00+01:00</CreDtTm><Acct><Id><IBAN>{iban}</IBAN></Id><Ccy>EUR</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{opening}.00</Amt>
<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{on}</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{closing}.00</Amt>
<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{on}</Dt></Dt></Bal>
{entries}</Stmt></BkToCstmrStmt></Document>"""
ENTRY = """<Ntry><Amt Ccy="EUR">{euros}.00</Amt><CdtDbtInd>{side}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>{on}</Dt></BookgDt><AcctSvcrRef>{name}-{rank}</AcctSvcrRef><NtryDtls><TxDtls>
<RltdPties><Dbtr><Pty><Nm>{payer}</Nm></Pty></Dbtr></RltdPties><RmtInf><Ustrd>{text}</Ustrd></RmtInf>
</TxDtls></NtryDtls></Ntry>"""
"""Whole euros, out where they are below zero."""


def a_file(
    house: Database, programme_id: int, *entries: tuple[int, str, str], name: str = "REL-1", opening: int = 1_000
) -> tuple[str, bytes, str]:
    """A statement of (euros, payer, text), as a browser sends it."""
    iban = house.read(rules, programme_id=programme_id).issuer_iban
    on: date = clock.book_day(clock.now()) - timedelta(days=1)
    written = "".join(
        ENTRY.format(
            euros=abs(euros), side="CRDT" if euros > 0 else "DBIT", on=on, name=name, rank=rank, payer=payer, text=text
        )
        for rank, (euros, payer, text) in enumerate(entries, 1)
    )
    closing = opening + sum(euros for euros, _, _ in entries)
    content = CAMT.format(on=on, name=name, iban=iban, opening=opening, closing=closing, entries=written)
    return "releve.xml", content.encode(), "application/xml"
