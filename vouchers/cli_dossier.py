"""The commands of the closing dossier. Their help is in the French of whoever types them."""

from pathlib import Path
from typing import Annotated, Final

import typer

from vouchers import archive, clock, closing
from vouchers.access import Act
from vouchers.files import appearing
from vouchers.signing_key import signer
from vouchers.terminal import AsOption, ProgrammeOption, acting, console, errors, opened_house

dossier_app: Final = typer.Typer()


@dossier_app.command("dossier")
def dossier(
    out: Annotated[Path, typer.Option(help="Dossier où ranger le fichier.")] = Path(),
    order: Annotated[int | None, typer.Option(help="Une seule commande ; sinon tout le dispositif.")] = None,
    programme: ProgrammeOption = 1,
    by: AsOption = None,
) -> None:
    """Établir le dossier de clôture : scellé, signé, conservé sous son numéro."""
    with opened_house() as (house, settings):
        caller, at = acting(house, settings, by=by, act=Act.DOSSIER_CLOSE, programme_id=programme), clock.now()
        made = closing.close(
            house,
            programme_id=programme,
            order_number=order,
            anchors=settings.anchors_path(),
            signer=signer(settings, at=at),
            actor=caller.actor,
            now=clock.now,
        )
        file = house.read(archive.file_of, programme_id=programme, name=made.name)
    with appearing(out / made.file_name) as part:
        part.write_bytes(file)
    console.print(f"{out / made.file_name} · SHA-256 {made.sha256}")


@dossier_app.command("dossier-check")
def dossier_check(
    name: Annotated[str, typer.Argument(help="Numéro du dossier : D1-2026-00001.")],
    programme: ProgrammeOption = 1,
    by: AsOption = None,
) -> None:
    """Refaire un dossier depuis le journal et le comparer : code de sortie 1 si ses tableaux ne sont plus les mêmes."""
    with opened_house() as (house, settings):
        acting(house, settings, by=by, act=Act.JOURNAL_READ, programme_id=programme)
        key = signer(settings, at=clock.now())
        alike = closing.likeness(house, programme_id=programme, name=name, signer=key)
    match alike:
        case "file":
            console.print(f"{name} : le journal donne le même fichier, à l'octet près.")
        case "tables":
            console.print(
                f"{name} : le journal donne les mêmes tableaux, à l'octet près ; les pages ou la signature diffèrent"
                " (autre version du logiciel, autre clé)."
            )
        case "forged":
            errors.print(f"{name} : le fichier conservé n'est pas celui dont le journal garde l'empreinte.")
            raise typer.Exit(1)
        case "nothing":
            errors.print(f"{name} : le journal ne donne plus les mêmes tableaux.")
            raise typer.Exit(1)
