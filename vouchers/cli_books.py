"""The commands of the bookkeeper: the FEC of a year, and what the tax office would say of one. Help in French."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.markup import escape

from vouchers import clock, exports
from vouchers.access import Act
from vouchers.files import appearing
from vouchers.paper.fec import Encoding, Separator
from vouchers.paper.fec_rules import Fault, faults_in
from vouchers.terminal import AsOption, ProgrammeOption, acting, console, errors, opened_house

books_app: Final = typer.Typer()


@books_app.command("fec")
def year_fec(
    year: Annotated[int, typer.Argument(help="Année civile.")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", file_okay=False, help="Dossier où écrire.")],
    encoding: Annotated[Encoding, typer.Option(help="Jeu de caractères.")] = "iso-8859-15",
    separator: Annotated[Separator, typer.Option(help="Tabulation ou barre verticale.")] = "tab",
    programme: ProgrammeOption = 1,
    by: AsOption = None,
) -> None:
    """Écrire le FEC d'une année, contrôlé, et sa description technique."""
    with opened_house() as (house, settings):
        acting(house, settings, by=by, act=Act.JOURNAL_READ, programme_id=programme)
        try:
            made = exports.year_fec(
                house, programme_id=programme, year=year, at=clock.now(), encoding=encoding, separator=separator
            )
        except exports.FecFaulty as faulty:
            _tell(faulty.found)
            raise typer.Exit(1) from faulty
    with made.file, appearing(out / made.name) as part, part.open("wb") as file:
        shutil.copyfileobj(made.file, file)
    with appearing(out / made.description_name) as part:
        part.write_bytes(made.description)
    for name in (made.name, made.description_name):
        console.print(escape(str(out / name)), soft_wrap=True)


@books_app.command("fec-check")
def check_fec(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Un FEC, de n'importe quel logiciel.")],
) -> None:
    """Contrôler un FEC : les règles de Test Compta Demat, et celles qu'il n'a pas. Sort avec 1 s'il serait rejeté."""
    with file.open("rb") as opened:
        found = faults_in(opened, name=file.name)
    _tell(found)
    blocking = sum(fault.severity == "blocking" for fault in found)
    said = "Rien à signaler." if not found else f"Lignes ci-dessus : {len(found)}, dont bloquantes : {blocking}."
    console.print(f"{escape(file.name)} : {said}", soft_wrap=True)
    if blocking:
        raise typer.Exit(1)


def _tell(found: Sequence[Fault]) -> None:
    for fault in found:
        where = "" if fault.line is None else f"ligne {fault.line} : "
        colour = "red" if fault.severity == "blocking" else "yellow"
        errors.print(f"[{colour}]{escape(fault.rule)}[/{colour}] {where}{escape(fault.detail)}", soft_wrap=True)
