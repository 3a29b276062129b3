"""Envelopes of paper that shops post, and whoever scans them at the chamber."""

from datetime import date, datetime
from typing import Any

from tests.makers import NOON
from tests.town import TREASURER, Town
from vouchers import clock, remit, reverse
from vouchers.db import WriteSession
from vouchers.pages.remittances import take_in
from vouchers.redeem import Presented


def a_pile(
    town: Town, *, shop: int = 0, slip: tuple[int, int] = (3, 3_000), spent_on: date | None = None, at: datetime = NOON
) -> int:
    """An open pile of a shop; `slip` says how many and how much. Gives its number."""
    opened = town.house.write(
        remit.open_remittance,
        programme_id=town.programme_id,
        merchant_id=town.merchants[shop],
        slip_count=slip[0],
        slip_cents=slip[1],
        spent_on=spent_on or clock.book_day(at),
        actor=TREASURER,
        at=at,
    )
    return opened.number


def pass_paper(town: Town, pile: int, paper: int | Presented, *, at: datetime = NOON) -> dict[str, Any]:
    """One paper of the pile, by its serial: what became of it."""
    presented = town.presented(paper) if isinstance(paper, int) else paper
    given: dict[str, Any] = {"programme_id": town.programme_id, "number": pile, "actor": TREASURER, "at": at}
    return town.house.write(take_in, presented=presented, **given)


def take_back_the_last(town: Town, pile: int, *, at: datetime = NOON) -> int:
    """The last paper that counted is undone; gives its serial."""

    def act(session: WriteSession) -> int:
        last = remit.last_taken(session, programme_id=town.programme_id, number=pile)
        assert last.redemption_id is not None and last.serial is not None
        of = {"redemption_id": last.redemption_id, "serials": None, "reason": "retiré"}
        reverse.reverse(session, programme_id=town.programme_id, actor=TREASURER, at=at, **of)
        return last.serial

    return town.house.write(act)


def closed(town: Town, pile: int, remark: str | None = None, *, at: datetime = NOON) -> remit.Remittance:
    """The pile, closed."""
    given: dict[str, Any] = {"programme_id": town.programme_id, "number": pile, "actor": TREASURER, "at": at}
    return town.house.write(remit.close_remittance, remark=remark, **given)
