"""The books as files: the dashboard, the entries for spreadsheets and accounting programs, the FEC. Reads only.

The reports' figures are put into the paper's values here, because neither knows the other.
"""

import io
import shutil
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO, Final, cast

from vouchers import accounting, books, chart, clock, report, spending
from vouchers.codes import pretty_serial
from vouchers.db import Database, ReadSession
from vouchers.entries import Entry, EntryLine
from vouchers.errors import BadInput, IssuerSirenMissing
from vouchers.paper.beancount import beancount_file
from vouchers.paper.fec import Contents, Encoding, Separator, description, fec, file_name
from vouchers.paper.fec_rules import Fault, faults_in
from vouchers.paper.hledger import hledger_entries
from vouchers.paper.report_sheet import AccountTotals, Dashboard, Gauge, Lapsing, Leverage, Share, Week, report_sheet
from vouchers.paper.spreadsheet import entries_csv
from vouchers.paper_settings import account_numbers
from vouchers.rules import Rules, rules

LAPSING_DAYS: Final = 30
FIRST_DAY: Final = date(2000, 1, 1)
LAST_DAY: Final = date(2999, 12, 31)
_SIREN_DIGITS: Final = 9
_IN_MEMORY: Final = 1_000_000
_NO_DAY: Final = (1980, 1, 1, 0, 0, 0)


class FecFaulty(Exception):
    """The tax office's rules find a fault in the file: an internal alarm, not a refusal. It is not handed out."""

    def __init__(self, found: list[Fault]) -> None:
        super().__init__("; ".join(f"{fault.rule} line {fault.line}: {fault.detail}" for fault in found))
        self.found = found


def dashboard(house: Database, *, programme_id: int, at: datetime) -> bytes:
    """The programme on one A4 page, as it stands at `at`. Refuses `NotFound`."""
    return report_sheet(house.read(_dashboard, programme_id=programme_id, at=at))


# ── The entries ──────────────────────────────────────────────────────────────────────────────────────────────────
def write_journal_csv(
    house: Database, out: BinaryIO, *, programme_id: int, from_on: date = FIRST_DAY, to_on: date = LAST_DAY
) -> None:
    """Every entry of the Paris days `from_on` to `to_on`, for a French spreadsheet. Refuses `NotFound`."""
    _write(house, out, lambda found, _name: entries_csv(found), programme_id=programme_id, from_on=from_on, to_on=to_on)


def write_hledger(
    house: Database, out: BinaryIO, *, programme_id: int, from_on: date = FIRST_DAY, to_on: date = LAST_DAY
) -> None:
    """The same as a journal that `hledger check --strict` accepts. Refuses `NotFound`."""
    days = {"from_on": from_on, "to_on": to_on}
    _write(house, out, lambda found, _name: _encoded(hledger_entries(found)), programme_id=programme_id, **days)


def write_beancount(
    house: Database, out: BinaryIO, *, programme_id: int, from_on: date = FIRST_DAY, to_on: date = LAST_DAY
) -> None:
    """The same as a file that beancount's loader accepts. Refuses `NotFound`."""
    days = {"from_on": from_on, "to_on": to_on}

    def written(found: Iterable[Entry], name: str) -> Iterator[bytes]:
        return _encoded(beancount_file(found, title=name))

    _write(house, out, written, programme_id=programme_id, **days)


def _write(
    house: Database,
    out: BinaryIO,
    written: Callable[[Iterable[Entry], str], Iterator[bytes]],
    *,
    programme_id: int,
    from_on: date,
    to_on: date,
) -> None:
    def job(session: ReadSession) -> None:
        name = rules(session, programme_id=programme_id).name
        found = accounting.entries(session, programme_id=programme_id, from_on=from_on, to_on=to_on)
        _pour(written(found, name), out)

    house.read(job)


def _pour(pieces: Iterable[bytes], out: BinaryIO) -> None:
    # Not writelines, by which a spooled file takes everything into memory before it looks how much that is.
    for piece in pieces:
        out.write(piece)


def _encoded(text: Iterable[str]) -> Iterator[bytes]:
    return (part.encode() for part in text)


def write_all(house: Database, *, programme_id: int, folder: Path, at: datetime) -> tuple[Path, ...]:
    """Dashboard, journal and hledger file into `folder`; gives their paths."""
    sheet, journal, ledger_file = folder / "tableau-de-bord.pdf", folder / "journal.csv", folder / "journal.hledger"
    sheet.write_bytes(dashboard(house, programme_id=programme_id, at=at))
    with journal.open("wb") as file:
        write_journal_csv(house, file, programme_id=programme_id)
    with ledger_file.open("wb") as file:
        write_hledger(house, file, programme_id=programme_id)
    return sheet, journal, ledger_file


# ── The FEC ──────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Fec:
    """The fichier des écritures comptables of a year, and the technical description that goes with it.

    `file` is open at its start, and gone when it is closed.
    """

    name: str
    file: BinaryIO
    description: bytes

    @property
    def description_name(self) -> str:
        """What the description's file is called."""
        return self.name.replace(".txt", "_description.txt")

    @property
    def zip_name(self) -> str:
        """What both together are called."""
        return self.name.replace(".txt", ".zip")


def year_fec(
    house: Database,
    *,
    programme_id: int,
    year: int,
    at: datetime,
    encoding: Encoding = "iso-8859-15",
    separator: Separator = "tab",
) -> Fec:
    """The FEC of a calendar year, up to today where the year is not over, which its name says; checked.

    Refuses, in order: `NotFound`, `IssuerSirenMissing`, `BadInput` (`year`: none of ours, or nothing was written).
    Raises `FecFaulty`.
    """
    made = house.read(_year_fec, programme_id=programme_id, year=year, at=at, encoding=encoding, separator=separator)
    if found := faults_in(made.file, name=made.name):
        raise FecFaulty(found)
    made.file.seek(0)
    return made


def write_fec_zip(out: BinaryIO, made: Fec) -> None:
    """Both files in one; the same files give the same bytes. Closes the FEC."""
    with made.file, zipfile.ZipFile(out, "w") as together:
        for name, file in ((made.name, made.file), (made.description_name, io.BytesIO(made.description))):
            part = zipfile.ZipInfo(name, _NO_DAY)
            part.compress_type, part.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            with together.open(part, "w") as into:
                shutil.copyfileobj(file, into)


def closing_of(year: int, *, at: datetime) -> date:
    """The last day of a year, today where it is not over. Refuses `BadInput` for one before 2000 or still to come."""
    today = clock.book_day(at)
    if not FIRST_DAY.year <= year <= today.year:
        raise BadInput(field="year", problem="range", least=FIRST_DAY.year, most=today.year)
    return min(today, date(year, 12, 31))


def _year_fec(
    session: ReadSession, *, programme_id: int, year: int, at: datetime, encoding: Encoding, separator: Separator
) -> Fec:
    issuer = rules(session, programme_id=programme_id)
    if issuer.issuer_siret is None:
        raise IssuerSirenMissing
    siren, closing = issuer.issuer_siret[:_SIREN_DIGITS], closing_of(year, at=at)
    contents = Contents()
    found: Iterator[Entry] = (
        replace(entry, lines=tuple(map(_naming_its_voucher, entry.lines)))
        for entry in accounting.entries(session, programme_id=programme_id, from_on=date(year, 1, 1), to_on=closing)
    )
    file = cast(BinaryIO, tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115 - the Fec's own
    _pour(fec(contents.noting(found), encoding=encoding, separator=separator), file)
    if not contents.entries:
        file.close()
        raise BadInput(field="year", problem="nothing_written")
    return Fec(
        name=file_name(siren, closing),
        file=file,
        description=description(
            contents,
            siren=siren,
            company=issuer.issuer_name,
            closing=closing,
            encoding=encoding,
            separator=separator,
        ),
    )


def _naming_its_voucher(line: EntryLine) -> EntryLine:
    """The FEC has no column for a voucher's serial: its label says it."""
    if line.serial is None:
        return line
    return replace(line, label=f"{line.label}, chèque n° {pretty_serial(line.serial)}")


# ── The dashboard ────────────────────────────────────────────────────────────────────────────────────────────────
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
    said = account_numbers(session, programme_id=programme_id)
    for row in books.trial_balance(session, programme_id=programme_id).accounts:
        names.setdefault(row.number, said[chart.kind_of(row.account)][1])
        debited[row.number] += row.debit_cents
        credited[row.number] += row.credit_cents
    return [AccountTotals(number, names[number], debited[number], credited[number]) for number in sorted(names)]


def _age(row: report.Age) -> str:
    return f"plus de {row.from_days} jours" if row.to_days is None else f"{row.from_days} à {row.to_days} jours"
