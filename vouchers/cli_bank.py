"""The command that takes what the bank sent. Its help is in the French of whoever types it."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.markup import escape

from vouchers import bank_desk, bank_statements, clock, money, proposals
from vouchers.access import Act
from vouchers.bank_desk import Taken
from vouchers.terminal import AsOption, ProgrammeOption, acting, console, opened_house

bank_app: Final = typer.Typer()

FileArgument = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="camt.053, camt.054 ou pain.002.")]


@bank_app.command("bank-statement")
def bank_statement(
    file: FileArgument,
    programme: ProgrammeOption = 1,
    by: AsOption = None,
    certain: Annotated[bool, typer.Option("--certain", help="Enregistrer aussi les rapprochements certains.")] = False,
) -> None:
    """Prendre un fichier de la banque : ses lignes attendent d'être rapprochées, rien n'est pris deux fois."""
    with opened_house() as (house, settings):
        caller = acting(house, settings, by=by, act=Act.BANK_TAKE, programme_id=programme)
        read = bank_desk.read_file(file.read_bytes())
        doing: dict[str, Any] = {"programme_id": programme, "actor": caller.actor, "at": clock.now()}
        _tell(house.write(bank_desk.take, file=read, **doing))
        if certain:
            done = house.write(bank_desk.confirm_certain, **doing)
            console.print(f"Rapprochements certains enregistrés : {len(done)}.")
        sure = house.read(proposals.certain, programme_id=programme)
        stands = house.read(bank_statements.standing, programme_id=programme)
    console.print(
        f"Rapprochements certains à enregistrer : {len(sure)}. Banque : {money.euros_fr(stands.bank_cents)} ;"
        f" en comptabilité : {money.euros_fr(stands.books_cents)}."
    )


def _tell(taken: Taken) -> None:
    if taken.run_number is not None:
        console.print(f"Règlement {taken.run_number} : virements refusés par la banque : {len(taken.returned)}.")
    for one in taken.statements:
        gap = f" Il manque un relevé avant lui ({money.euros_fr(one.gap_cents)} d'écart)." if one.gap_cents else ""
        days = f"{clock.day_fr(one.from_on)} au {clock.day_fr(one.to_on)}"
        console.print(
            f"Relevé {escape(one.statement_id)} du {days} , lignes nouvelles : {one.lines}.{gap}", soft_wrap=True
        )
    for name in taken.known:
        console.print(f"Relevé {escape(name)} : déjà pris, rien n'a été fait.", soft_wrap=True)
