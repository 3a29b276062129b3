"""The command that makes an order's letters. Its docstring is its help, so in the French of whoever types it."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.markup import escape

from vouchers import access, clock, mail_merge
from vouchers.access import Act
from vouchers.paper.letter import Together
from vouchers.terminal import AsOption, Number, ProgrammeOption, acting, bar, bars, console, opened_house, require_free

letters_app: Final = typer.Typer()


@letters_app.command("letters")
def print_letters(
    order: Number,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", dir_okay=False, help="Fichier à écrire.")],
    programme: ProgrammeOption = 1,
    by: AsOption = None,
    order_by: Annotated[mail_merge.OrderBy, typer.Option(help="round : par tournée ; street : par rue.")] = "round",
    together: Annotated[Together, typer.Option(help="sheet : sous la lettre ; stapled : à agrafer.")] = "stapled",
    shops: Annotated[mail_merge.Shops, typer.Option(help="Nommer les commerces proches, ou non.")] = "near",
    dated: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Date des lettres.")] = None,
) -> None:
    """Écrire les courriers d'une commande émise et attribuée : une lettre par personne avec ses chèques, QR relus.

    Les codes restent scellés : à refaire autant qu'il faut, jusqu'à ce que le lot soit remis.
    """
    require_free(out)
    with opened_house() as (house, settings), bars() as shown:
        caller = acting(house, settings, by=by, act=Act.BATCH_PRINT, programme_id=programme)
        access.may(caller, Act.RECIPIENTS_READ, programme_id=programme)
        posted = mail_merge.write_letters(
            house,
            programme_id=programme,
            order_number=order,
            pepper=settings.secret_bytes()[0],
            out=out,
            written_on=dated.date() if dated else clock.book_day(clock.now()),
            order_by=order_by,
            together=together,
            shops=shops,
            progress=bar(shown, "Courriers, relecture"),
        )
    console.print(f"{escape(str(out))} : {posted.vouchers} chèques, {posted.pages} pages.", soft_wrap=True)
    if posted.by_hand:
        console.print(f"{posted.by_hand} lettres à remettre en main propre : leur adresse dépasse une enveloppe.")
    if posted.nobodys:
        console.print(f"{posted.nobodys} chèques de personnes effacées, à la fin, sans nom.")
