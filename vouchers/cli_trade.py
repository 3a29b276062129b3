"""The commands that move vouchers and money: issue, activate, expire, settle, export. Each is somebody's act."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer
from rich.table import Table

from vouchers import access, clock, codes, exports, issue, money, pay, settle, workshop
from vouchers import expire as expiry
from vouchers.access import Act
from vouchers.paper.sepa_rules import faults
from vouchers.runs import Run, find_run
from vouchers.terminal import AsOption, ProgrammeOption, acting, bar, bars, console, errors, opened_house

lots_app: Final = typer.Typer()
settle_app: Final = typer.Typer(no_args_is_help=True, help="Close a period and pay the shops.")
export_app: Final = typer.Typer(no_args_is_help=True, help="Bank file, statements, books.")

OutOption = Annotated[Path, typer.Option("--out", "-o", help="Where to write.")]
BankVersion = Literal["001.001.09", "001.001.03"]


# ── Vouchers ─────────────────────────────────────────────────────────────────────────────────────────────────────
@lots_app.command("issue")
def issue_order(
    order: int,
    out: OutOption,
    programme: ProgrammeOption = 1,
    by: AsOption = None,
    expires_on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])] = None,
) -> None:
    """Issue a paid or accepted order, print its sheets to OUT, read every QR back, destroy the codes.

    Interrupted anywhere, run it again: it goes on where it was.
    """
    with opened_house() as (house, settings), bars() as shown:
        caller = acting(house, settings, by=by, act=Act.BATCH_ISSUE, programme_id=programme)
        access.may(caller, Act.BATCH_PRINT, programme_id=programme)
        pepper, _ = settings.secret_bytes()
        batch = house.read(issue.of_order, programme_id=programme, order_number=order)
        if batch is None:
            last_day = expires_on.date() if expires_on else None
            batch = house.write(
                issue.begin,
                programme_id=programme,
                order_number=order,
                actor=caller.actor,
                at=clock.now(),
                expires_on=last_day,
            )
        common: dict[str, Any] = {"programme_id": programme, "batch_number": batch.number}
        workshop.issue_whole(
            house, pepper=pepper, actor=caller.actor, now=clock.now, progress=bar(shown, "Émission"), **common
        )
        workshop.print_sheets(house, pepper=pepper, out=out, progress=bar(shown, "Impression, relecture"), **common)
        house.write(issue.hand_over, actor=caller.actor, at=clock.now(), **common)
    console.print(f"Lot {batch.number} : {out}. À activer à la remise, par une autre personne.")


@lots_app.command()
def activate(batch: int, programme: ProgrammeOption = 1, by: AsOption = None) -> None:
    """Make a printed batch spendable, on delivery; not by the person who issued it."""
    with opened_house() as (house, settings):
        caller = acting(house, settings, by=by, act=Act.BATCH_ACTIVATE, programme_id=programme)
        house.write(issue.activate, programme_id=programme, batch_number=batch, actor=caller.actor, at=clock.now())
    console.print(f"Lot {batch} activé.")


@lots_app.command("expire")
def expire_due(
    programme: ProgrammeOption = 1,
    by: AsOption = None,
    extend: Annotated[int | None, typer.Option("--extend", help="Prolonger ce lot au lieu de périmer.")] = None,
    to_on: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"])] = None,
) -> None:
    """Lapse the vouchers whose last day has passed (for cron), or extend one batch with --extend BATCH --to DAY."""
    with opened_house() as (house, settings), bars() as shown:
        if extend is not None and to_on is not None:
            caller = acting(house, settings, by=by, act=Act.BATCH_EXTEND, programme_id=programme)
            done = house.write(
                expiry.extend,
                programme_id=programme,
                batch_number=extend,
                to_on=to_on.date(),
                actor=caller.actor,
                at=clock.now(),
            )
            console.print(f"Lot {extend} prolongé : {done.count} chèques jusqu'au {clock.day_fr(to_on.date())}.")
            return
        caller = acting(house, settings, by=by, act=Act.VOUCHER_EXPIRE, programme_id=programme)
        count, cents = workshop.expire_due(
            house, programme_id=programme, actor=caller.actor, now=clock.now, progress=bar(shown, "Péremption")
        )
    console.print(f"{count} chèques périmés, {money.euros_fr(cents)}.")


# ── Settlement ───────────────────────────────────────────────────────────────────────────────────────────────────
@settle_app.command("propose")
def settle_propose(
    to_on: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Dernier jour de la période.")],
    programme: ProgrammeOption = 1,
    by: AsOption = None,
) -> None:
    """Propose the run that closes a period."""
    with opened_house() as (house, settings):
        caller = acting(house, settings, by=by, act=Act.SETTLEMENT_PROPOSE, programme_id=programme)
        run = workshop.propose_run(house, programme_id=programme, to_on=to_on.date(), actor=caller.actor, now=clock.now)
    _show(run)


@settle_app.command("show")
def settle_show(number: int, programme: ProgrammeOption = 1, by: AsOption = None) -> None:
    """What a run pays, merchant by merchant."""
    with opened_house() as (house, settings):
        acting(house, settings, by=by, act=Act.SETTLEMENT_READ, programme_id=programme)
        run = house.read(find_run, programme_id=programme, number=number)
    _show(run)


@settle_app.command("withdraw")
def settle_withdraw(
    number: int,
    reason: Annotated[str, typer.Option(prompt="Motif")],
    programme: ProgrammeOption = 1,
    by: AsOption = None,
) -> None:
    """Take a proposed run back."""
    with opened_house() as (house, settings):
        caller = acting(house, settings, by=by, act=Act.SETTLEMENT_WITHDRAW, programme_id=programme)
        house.write(
            settle.withdraw,
            programme_id=programme,
            number=number,
            actor=caller.actor,
            reason=reason,
            at=clock.now(),
        )
    console.print(f"Règlement {number} retiré.")


@settle_app.command("approve")
def settle_approve(
    number: int,
    pay_on: Annotated[datetime | None, typer.Option("--pay-on", formats=["%Y-%m-%d"])] = None,
    programme: ProgrammeOption = 1,
    by: AsOption = None,
) -> None:
    """Approve a run; not by the person who proposed it."""
    with opened_house() as (house, settings):
        caller = acting(house, settings, by=by, act=Act.SETTLEMENT_APPROVE, programme_id=programme)
        run = house.write(
            settle.approve,
            programme_id=programme,
            number=number,
            execution_on=pay_on.date() if pay_on else None,
            actor=caller.actor,
            at=clock.now(),
        )
    _show(run)


@settle_app.command("executed")
def settle_executed(number: int, programme: ProgrammeOption = 1, by: AsOption = None) -> None:
    """Record that the bank has paid a run."""
    with opened_house() as (house, settings):
        caller = acting(house, settings, by=by, act=Act.SETTLEMENT_EXECUTE, programme_id=programme)
        house.write(pay.execute, programme_id=programme, number=number, actor=caller.actor, at=clock.now())
    console.print(f"Règlement {number} exécuté.")


@settle_app.command("returned")
def settle_returned(
    number: int,
    merchant: int,
    reason: Annotated[str, typer.Option(prompt="Motif de la banque")],
    programme: ProgrammeOption = 1,
    by: AsOption = None,
) -> None:
    """Record that the bank returned one merchant's transfer: it is owed again."""
    with opened_house() as (house, settings):
        caller = acting(house, settings, by=by, act=Act.SETTLEMENT_RETURN, programme_id=programme)
        house.write(
            pay.returned,
            programme_id=programme,
            number=number,
            merchant_id=merchant,
            reason=reason,
            actor=caller.actor,
            at=clock.now(),
        )
    console.print(f"Virement du commerçant {merchant} rouvert.")


# ── What leaves ──────────────────────────────────────────────────────────────────────────────────────────────────
@export_app.command("bank-file")
def export_bank_file(
    number: int,
    out: OutOption,
    version: Annotated[BankVersion, typer.Option(help="Version of pain.001.")] = "001.001.09",
    programme: ProgrammeOption = 1,
    by: AsOption = None,
) -> None:
    """Write the bank file of an approved run, checked against the SEPA rules; every time the same bytes."""
    with opened_house() as (house, settings):
        caller = acting(house, settings, by=by, act=Act.SETTLEMENT_EXPORT, programme_id=programme)
        xml = workshop.export_bank_file(
            house, programme_id=programme, number=number, actor=caller.actor, now=clock.now, version=version
        )
    found = faults(xml)
    for fault in found:
        errors.print(f"[red]{fault.rule}[/red] {fault.path} : {fault.detail}", soft_wrap=True)
    if found:
        raise typer.Exit(1)
    out.write_bytes(xml)
    console.print(f"{out} : SHA-256 {codes.request_hash(xml).hex()}", soft_wrap=True)


@export_app.command("statements")
def export_statements(number: int, out: OutOption, programme: ProgrammeOption = 1, by: AsOption = None) -> None:
    """Write every merchant's statement of a run to one PDF."""
    with opened_house() as (house, settings), bars() as shown, out.open("wb") as file:
        acting(house, settings, by=by, act=Act.SETTLEMENT_READ, programme_id=programme)
        workshop.print_statements(
            house, programme_id=programme, number=number, out=file, progress=bar(shown, "Relevés")
        )
    console.print(str(out))


@export_app.command("journal")
def export_journal(
    out: OutOption,
    hledger: Annotated[bool, typer.Option("--hledger", help="For hledger, rather than a spreadsheet.")] = False,
    programme: ProgrammeOption = 1,
    by: AsOption = None,
) -> None:
    """Write the journal: a spreadsheet's CSV, or an hledger file."""
    with opened_house() as (house, settings), out.open("wb") as file:
        acting(house, settings, by=by, act=Act.JOURNAL_READ, programme_id=programme)
        if hledger:
            exports.write_hledger(house, file, programme_id=programme)
        else:
            exports.write_journal_csv(house, file, programme_id=programme)
    console.print(str(out))


@export_app.command("report")
def export_report(out: OutOption, programme: ProgrammeOption = 1, by: AsOption = None) -> None:
    """Write the programme's dashboard as a PDF."""
    with opened_house() as (house, settings):
        acting(house, settings, by=by, act=Act.REPORT_READ, programme_id=programme)
        out.write_bytes(exports.dashboard(house, programme_id=programme, at=clock.now()))
    console.print(str(out))


def _show(run: Run) -> None:
    table = Table("Commerçant", "Accepté", "Repris", "Commission", "TVA", "Net", "État")
    for line in run.settlements:
        amounts = (line.gross_cents, line.brought_cents, line.commission_cents, line.vat_cents, line.net_cents)
        state = line.carried_because or line.state
        table.add_row(f"{line.merchant_id} {line.shop_name}", *map(money.euros_fr, amounts), state)
    console.print(table)
    console.print(
        f"Règlement {run.number} ({run.state}), du {clock.day_fr(run.from_on)} au {clock.day_fr(run.to_on)} :"
        f" {len(run.to_pay)} virements, {money.euros_fr(run.pay_cents)}."
    )
