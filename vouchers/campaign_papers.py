"""What a buyer takes away of its campaign: the figures for a spreadsheet, the closing report, the letters.

The figures of the verbs are put into the papers' values here, because neither knows the other. None of it says who
spent where.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from vouchers import address_block, campaign, clock, letter_words, people, reminders
from vouchers.address_block import MOST_LINES, Block
from vouchers.campaign import Figures, OrderFigures, Period, Sum, Trade
from vouchers.db import ReadSession
from vouchers.paper.closing_report import Closing, OrderRow, Row, Week
from vouchers.paper.reminder import Letter, Sender
from vouchers.paper.spreadsheet import Cell, Euros
from vouchers.reminders import Holder
from vouchers.rules import rules

_COLUMNS: Final = (
    ("Commandé", "ordered"),
    ("Livré", "delivered"),
    ("Activé", "activated"),
    ("Dépensé", "spent"),
    ("Non dépensé", "unspent"),
    ("Périme sous 30 jours", "lapsing"),
    ("Périmé", "lapsed"),
    ("Annulé", "cancelled"),
)
_ALL: Final = "Ensemble"
_OTHERS: Final = "Autres métiers"


@dataclass(frozen=True, slots=True)
class Campaign:
    """A buyer's campaign as it stands."""

    buyer: people.Buyer
    orders: tuple[OrderFigures, ...]
    total: Figures
    weeks: tuple[Period, ...]
    trades: tuple[Trade, ...]


Table = tuple[str, Sequence[str], Sequence[Sequence[Cell]]]
"""Name, header, rows."""


def campaign_of(session: ReadSession, *, programme_id: int, buyer_id: int, at: datetime) -> Campaign:
    """The figures of one buyer. Refuses `NotFound`."""
    buyer = people.find_buyer(session, programme_id=programme_id, buyer_id=buyer_id)
    orders = campaign.by_order(session, programme_id=programme_id, buyer_id=buyer_id, at=at)
    weeks, trades = campaign.by_week_and_trade(session, programme_id=programme_id, buyer_id=buyer_id, at=at)
    return Campaign(buyer, tuple(orders), campaign.total(orders), tuple(weeks), tuple(trades))


def tables(found: Campaign) -> list[Table]:
    """The campaign by order, by week and by trade, each with its sum."""
    header = ["Commande", "Date", "Bon de commande"]
    for name, _attribute in _COLUMNS:
        header += [f"{name} (€)", f"{name} (chèques)"]
    orders: list[list[Cell]] = [
        [one.number, clock.book_day(one.drafted_at), one.purchase_order, *_cells(one.figures)] for one in found.orders
    ]
    orders.append([_ALL, None, None, *_cells(found.total)])
    weeks: list[list[Cell]] = [[one.begins_on, one.ends_on, Euros(one.cents), one.uses] for one in found.weeks]
    trades: list[list[Cell]] = [[one.name or _OTHERS, Euros(one.cents), one.uses] for one in found.trades]
    return [
        ("Commandes", header, orders),
        ("Semaines", ("Du", "Au", "Dépensé (€)", "Utilisations"), weeks),
        ("Métiers", ("Métier", "Dépensé (€)", "Utilisations"), trades),
    ]


def _cells(figures: Figures) -> list[Cell]:
    cells: list[Cell] = []
    for _name, attribute in _COLUMNS:
        known: Sum = getattr(figures, attribute)
        cells += [Euros(known.cents), known.vouchers]
    return cells


def closing_of(session: ReadSession, *, programme_id: int, buyer_id: int, at: datetime) -> Closing:
    """What the closing report says. Refuses `NotFound`."""
    programme = rules(session, programme_id=programme_id)
    found = campaign_of(session, programme_id=programme_id, buyer_id=buyer_id, at=at)
    total = found.total
    issued = _issued(total)
    return Closing(
        programme=programme.name,
        issuer=programme.issuer_name,
        buyer=found.buyer.name,
        as_of=at,
        starts_on=programme.starts_on,
        expires_on=programme.expires_on,
        deadline_on=programme.presentation_deadline_on,
        lapse_to=programme.lapse_to,
        ordered=Row("Commandé", *total.ordered),
        issued=Row("Chèques émis", *issued),
        spent=Row("Dépensé dans les commerces", *total.spent),
        unspent=Row("Encore sur les chèques", *total.unspent),
        lapsed=Row("Périmé sans être dépensé", *total.lapsed),
        cancelled=Row("Annulé et rendu à la commande", *total.cancelled),
        orders=tuple(
            OrderRow(
                number=one.number,
                on=clock.book_day(one.drafted_at),
                purchase_order=one.purchase_order or "",
                issued_cents=_issued(one.figures).cents,
                spent_cents=one.figures.spent.cents,
                unspent_cents=one.figures.unspent.cents,
                lapsed_cents=one.figures.lapsed.cents,
                cancelled_cents=one.figures.cancelled.cents,
            )
            for one in found.orders
            if _issued(one.figures).cents
        ),
        weeks=tuple(Week(one.begins_on, one.ends_on, one.cents) for one in found.weeks),
    )


def _issued(figures: Figures) -> Sum:
    return figures.spent.plus(figures.unspent).plus(figures.lapsed).plus(figures.cancelled)


# ── Letters ──────────────────────────────────────────────────────────────────────────────────────────────────────
def letters_of(
    session: ReadSession, *, programme_id: int, buyer_id: int, at: datetime, list_id: int | None = None
) -> tuple[Sender, list[Letter]]:
    """A letter for everybody who can still spend something today. Refuses `NotFound`."""
    programme = rules(session, programme_id=programme_id)
    buyer = people.find_buyer(session, programme_id=programme_id, buyer_id=buyer_id)
    sender = Sender(
        buyer=buyer.name,
        buyer_address=tuple(buyer.address.splitlines()),
        programme=programme.name,
        shops=programme.shops_url.removeprefix("https://"),
        written_on=clock.book_day(at),
    )
    held = reminders.holders(session, programme_id=programme_id, buyer_id=buyer_id, at=at, list_id=list_id)
    return sender, [
        Letter(
            address_block.shown(address_block.of_person(one), name=one.full_name),
            letter_words.called(one.civility),
            one.vouchers,
            one.cents,
            one.last_on,
        )
        for one in held
    ]


MAILING_HEADER: Final = (
    "Civilité", "Prénom", "Nom", *(f"Ligne {number}" for number in range(1, MOST_LINES + 1)),
    "Tournée", "Chèques", "Reste (€)", "Dernier jour",
)  # fmt: skip


def mailing_rows(held: Sequence[Holder]) -> list[list[Cell]]:
    """The same people for a mail house: the lines of the envelope in their places, and what the letter says."""
    rows: list[list[Cell]] = []
    for one in held:
        found = address_block.of_person(one)
        six = found.six if isinstance(found, Block) else address_block.shown(found, name=one.full_name)
        lines = [line or None for line in six] + [None] * (MOST_LINES - len(six))
        named = (one.civility, one.first_name, one.last_name)
        rows.append([*named, *lines, one.delivery_round, one.vouchers, Euros(one.cents), one.last_on])
    return rows
