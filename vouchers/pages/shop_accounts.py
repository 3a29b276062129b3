"""Where shops are paid: what is asked, confirmed by another person, and waits for its 48 hours."""

from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response

from vouchers import bank_accounts, people, shop_profiles
from vouchers.access import Act
from vouchers.api.fields import NumberInPath
from vouchers.api.guard import Own, Owner, of_merchant
from vouchers.api.shapes import account_shown, masked
from vouchers.bank_accounts import Account
from vouchers.db import ReadSession, WriteSession
from vouchers.pages.desk import AtDesk, AtForm, PageDesk, page
from vouchers.pages.language import _
from vouchers.pages.shop_form import iban_shown

router: Final = APIRouter(prefix="/p/{programme_id}")


def _of_account(programme_id: int, account_id: int) -> Owner:
    return lambda session: Own(
        merchant_id=bank_accounts.find_account(session, programme_id=programme_id, account_id=account_id).merchant_id
    )


def _told(session: ReadSession, desk: PageDesk, account: Account) -> dict[str, Any]:
    """An account and the one that is paid until it is in force; whole for the chamber, masked for anybody else."""
    of = {"programme_id": desk.programme_id, "merchant_id": account.merchant_id}
    old = bank_accounts.account_in_force(session, **of, at=desk.at)
    waits = account.in_force_at is not None and account.in_force_at > desk.at
    return {
        "id": account.account_id,
        "merchant_id": account.merchant_id,
        "shop_name": people.find_merchant(session, **of).shop_name,
        "holder": account.account_holder,
        "iban": iban_shown(account.iban, whole=desk.reach.everything),
        "old": None if old is None or old.account_id == account.account_id else masked(old.iban),
        "state": "waits" if waits else account.state,
        "asked_at": account.asked_at,
        "asked_by_me": account.asked_by == desk.caller.actor,
        "confirmed_at": account.confirmed_at,
        "in_force_at": account.in_force_at,
    }


@router.get("/comptes", **page(Act.ACCOUNT_READ))
async def listed(desk: AtDesk) -> Response:
    """The changes that wait; one's own for an owner."""

    def found(session: ReadSession) -> list[dict[str, Any]]:
        reach = desk.reach
        own = None if reach.everything else reach.merchant_ids
        waiting = bank_accounts.pending(session, programme_id=desk.programme_id, merchant_ids=own, at=desk.at)
        return [_told(session, desk, account) for account in waiting]

    return await desk.show(
        "merchants/accounts.html", accounts=await desk.house.read(found), own=sorted(desk.reach.merchant_ids)
    )


@router.get("/commercants/{merchant_id}/compte", **page(Act.ACCOUNT_ASK))
async def ask_form(desk: AtDesk, merchant_id: NumberInPath) -> Response:
    """Another account for a shop."""
    return await _ask_form(desk, merchant_id)


async def _ask_form(desk: PageDesk, merchant_id: int) -> Response:
    def found(session: ReadSession) -> dict[str, Any]:
        of = {"programme_id": desk.programme_id, "merchant_id": merchant_id}
        old = bank_accounts.account_in_force(session, **of, at=desk.at)
        return {"merchant": people.find_merchant(session, **of), "old": None if old is None else masked(old.iban)}

    return await desk.show("merchants/ask_account.html", **await desk.read(found, of=of_merchant(merchant_id)))


@router.post("/commercants/{merchant_id}/compte", **page(Act.ACCOUNT_ASK))
async def ask(desk: AtForm, merchant_id: NumberInPath) -> Response:
    """Ask that a shop be paid on this account."""

    def asked(session: WriteSession) -> dict[str, int]:
        account_id = bank_accounts.ask_account(
            session,
            **desk.doing,
            merchant_id=merchant_id,
            account_holder=desk.typed.text("account_holder"),
            iban=desk.typed.text("iban"),
        )
        return {"account_id": account_id}

    return await desk.once(
        asked,
        of=of_merchant(merchant_id),
        then=lambda made: f"{desk.home}/comptes/{made['account_id']}",
        said=_("Le compte est demandé. Une autre personne de la chambre doit le confirmer."),
        again=lambda desk: _ask_form(desk, merchant_id),
    )


@router.get("/comptes/{account_id}", **page(Act.ACCOUNT_READ))
async def one(desk: AtDesk, account_id: NumberInPath) -> Response:
    """One account, and what can be done with it."""
    return await _one(desk, account_id)


async def _one(desk: PageDesk, account_id: int) -> Response:
    def found(session: ReadSession) -> dict[str, Any]:
        of = {"programme_id": desk.programme_id, "account_id": account_id}
        account = bank_accounts.find_account(session, **of)
        shop = {"programme_id": desk.programme_id, "merchant_id": account.merchant_id}
        phone = shop_profiles.find_profile(session, **shop).told.phone
        return {"account": _told(session, desk, account), "phone": phone}

    told = await desk.read(found, of=_of_account(desk.programme_id, account_id))
    return await desk.show("merchants/account.html", **told)


@router.post("/comptes/{account_id}/confirmation", **page(Act.ACCOUNT_CONFIRM))
async def confirm(desk: AtForm, account_id: NumberInPath) -> Response:
    """Another person confirms, saying what was done to check."""
    return await desk.once(
        lambda session: account_shown(
            bank_accounts.confirm_account(
                session, **desk.doing, account_id=account_id, reason=desk.typed.text("reason")
            )
        ),
        of=_of_account(desk.programme_id, account_id),
        then=f"{desk.home}/comptes/{account_id}",
        said=_("Le compte est confirmé."),
        again=lambda desk: _one(desk, account_id),
    )


@router.post("/comptes/{account_id}/retrait", **page(Act.ACCOUNT_WITHDRAW))
async def withdraw(desk: AtForm, account_id: NumberInPath) -> Response:
    """Give up a change that is not in force."""
    return await desk.once(
        lambda session: bank_accounts.withdraw_account(
            session, **desk.doing, account_id=account_id, reason=desk.typed.text("because")
        ),
        of=_of_account(desk.programme_id, account_id),
        then=f"{desk.home}/comptes/{account_id}",
        said=_("Ce changement est abandonné. Le commerce reste payé comme avant."),
        again=lambda desk: _one(desk, account_id),
    )
