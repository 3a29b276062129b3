"""The books as files: the dashboard, the journal for a spreadsheet, the journal for hledger. Reads only.

The reports' figures are put into the paper's values here, because neither knows the other.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO, Final

from vouchers import books, chart, report, spending
from vouchers.db import Database, ReadSession
from vouchers.paper.hledger import hledger_journal
from vouchers.paper.report_sheet import AccountTotals, Dashboard, Gauge, Lapsing, Leverage, Share, Week, report_sheet
from vouchers.paper.spreadsheet import JournalRow, journal_csv
from vouchers.rules import Rules, rules

LAPSING_DAYS: Final = 30
FIRST_DAY: Final = date(2000, 1, 1)
LAST_DAY: Final = date(2999, 12, 31)


def dashboard(house: Database, *, programme_id: int, at: datetime) -> bytes:
    """The programme on one A4 page, as it stands at `at`. Refuses `NotFound`."""
    return report_sheet(house.read(_dashboard, programme_id=programme_id, at=at))


def write_journal_csv(
    house: Database, out: BinaryIO, *, programme_id: int, from_on: date = FIRST_DAY, to_on: date = LAST_DAY
) -> None:
    """Every posting of the Paris days `from_on` to `to_on`, for a French spreadsheet. Refuses `NotFound`."""

    def written(session: ReadSession) -> None:
        rules(session, programme_id=programme_id)
        out.writelines(journal_csv(_rows(session, programme_id, from_on, to_on), _accounts(session, programme_id)))

    house.read(written)


def write_hledger(
    house: Database, out: BinaryIO, *, programme_id: int, from_on: date = FIRST_DAY, to_on: date = LAST_DAY
) -> None:
    """The same as a journal that `hledger check --strict` accepts. Refuses `NotFound`."""

    def written(session: ReadSession) -> None:
        rules(session, programme_id=programme_id)
        text = hledger_journal(_rows(session, programme_id, from_on, to_on), _accounts(session, programme_id))
        out.writelines(part.encode() for part in text)

    house.read(written)


def write_all(house: Database, *, programme_id: int, folder: Path, at: datetime) -> tuple[Path, ...]:
    """Dashboard, journal and hledger file into `folder`; gives their paths."""
    sheet, journal, ledger_file = folder / "tableau-de-bord.pdf", folder / "journal.csv", folder / "journal.hledger"
    sheet.write_bytes(dashboard(house, programme_id=programme_id, at=at))
    with journal.open("wb") as file:
        write_journal_csv(house, file, programme_id=programme_id)
    with ledger_file.open("wb") as file:
        write_hledger(house, file, programme_id=programme_id)
    return sheet, journal, ledger_file


def _rows(session: ReadSession, programme_id: int, from_on: date, to_on: date) -> Iterator[JournalRow]:
    for row in books.journal_rows(session, programme_id=programme_id, from_on=from_on, to_on=to_on):
        yield JournalRow(
            journal=row.journal,
            on=row.on,
            at=row.at,
            kind=row.kind,
            label=row.label,
            line=row.line,
            debit=row.debit,
            credit=row.credit,
            cents=row.cents,
            serial=row.serial,
            actor=row.actor,
            reason=row.reason,
        )


def _accounts(session: ReadSession, programme_id: int) -> dict[str, tuple[str, str]]:
    moved = books.trial_balance(session, programme_id=programme_id).accounts
    return {row.account: (row.number, row.name) for row in moved}


def _dashboard(session: ReadSession, *, programme_id: int, at: datetime) -> Dashboard:
    programme: Rules = rules(session, programme_id=programme_id)
    figures = report.gauge(session, programme_id=programme_id, at=at)
    levered = spending.leverage(session, programme_id=programme_id)
    return Dashboard(
        programme=programme.name,
        issuer=programme.issuer_name,
        as_of=at,
        gauge=Gauge(
            target_cents=figures.target_cents,
            ordered_cents=figures.ordered_cents,
            paid_cents=figures.paid_cents,
            handed_out_cents=figures.distributed_cents,
            spent_cents=figures.spent_cents,
            settled_cents=figures.settled_cents,
        ),
        lapsing=Lapsing(
            days=LAPSING_DAYS,
            vouchers=figures.lapsing_vouchers,
            cents=figures.lapsing_cents,
            first_on=figures.lapsing_first_on,
        ),
        leverage=Leverage(
            sale_cents=levered.sale_cents,
            voucher_cents=levered.voucher_cents,
            known=levered.known,
            redemptions=levered.redemptions,
        ),
        outstanding_by_age=[
            Share(_age(row), row.cents, row.vouchers)
            for row in report.outstanding_by_age(session, programme_id=programme_id, at=at)
        ],
        weeks=[Week(row.begins_on, row.cents) for row in spending.spent_by_week(session, programme_id=programme_id)],
        trades=[
            Share(row.name, row.cents, row.vouchers)
            for row in spending.spent_by_trade(session, programme_id=programme_id)
        ],
        towns=[
            Share(row.name, row.cents, row.vouchers)
            for row in spending.spent_by_commune(session, programme_id=programme_id)
        ],
        merchants=[
            Share(row.shop_name, row.cents, row.vouchers)
            for row in spending.spent_by_merchant(session, programme_id=programme_id)
        ],
        trial_balance=_by_number(session, programme_id),
    )


def _by_number(session: ReadSession, programme_id: int) -> list[AccountTotals]:
    """The trial balance with the accounts of one number added up: one line for all merchants."""
    debited: Counter[str] = Counter()
    credited: Counter[str] = Counter()
    names: dict[str, str] = {}
    for row in books.trial_balance(session, programme_id=programme_id).accounts:
        names[row.number] = chart.meaning(row.account).name
        debited[row.number] += row.debit_cents
        credited[row.number] += row.credit_cents
    return [AccountTotals(number, names[number], debited[number], credited[number]) for number in sorted(names)]


def _age(row: report.Age) -> str:
    return f"plus de {row.from_days} jours" if row.to_days is None else f"{row.from_days} à {row.to_days} jours"
