"""The commands of invoices and credit notes. Their help is in the French of whoever types them."""

from pathlib import Path
from typing import Annotated, Final

import typer
from rich.markup import escape

from vouchers import archive, clock, invoicing, money
from vouchers.access import Act
from vouchers.archive import Document
from vouchers.db import Database
from vouchers.files import appearing
from vouchers.terminal import AsOption, Number, ProgrammeOption, acting, console, opened_house

invoices_app: Final = typer.Typer()

FolderOption = Annotated[Path, typer.Option("--out", "-o", file_okay=False, help="Dossier où écrire.")]


@invoices_app.command("invoice")
def invoice(
    order: Number,
    out: FolderOption = Path(),
    engagement: Annotated[str | None, typer.Option(help="Numéro d'engagement, s'il n'est pas sur la commande.")] = None,
    programme: ProgrammeOption = 1,
    by: AsOption = None,
) -> None:
    """Facturer une commande approuvée : factures numérotées, conservées, écrites pour l'envoi."""
    with opened_house() as (house, settings):
        caller = acting(house, settings, by=by, act=Act.INVOICE_ISSUE, programme_id=programme)
        made = house.write(
            invoicing.issue_invoices,
            programme_id=programme,
            number=order,
            actor=caller.actor,
            at=clock.now(),
            purchase_order=engagement,
        )
        _write(house, made, out)


@invoices_app.command("credit-note")
def credit_note(order: Number, out: FolderOption = Path(), programme: ProgrammeOption = 1, by: AsOption = None) -> None:
    """Établir les avoirs d'une commande annulée, ou dont des chèques ont été annulés."""
    with opened_house() as (house, settings):
        caller = acting(house, settings, by=by, act=Act.INVOICE_ISSUE, programme_id=programme)
        made = house.write(
            invoicing.issue_credit_notes, programme_id=programme, number=order, actor=caller.actor, at=clock.now()
        )
        _write(house, made, out)


def _write(house: Database, papers: list[Document], out: Path) -> None:
    for one in papers:
        file = house.read(archive.file_of, programme_id=one.programme_id, name=one.name)
        with appearing(out / one.file_name) as part:
            part.write_bytes(file)
        console.print(f"{escape(str(out / one.file_name))} · {money.euros_fr(one.cents)}", soft_wrap=True)
