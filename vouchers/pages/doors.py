"""Every room of pages, in the order in which their routes are tried."""

from typing import Final

from fastapi.routing import APIRoute
from starlette.routing import Match

from vouchers.pages import (
    account,
    bank,
    batches,
    billing,
    books,
    buyers,
    campaign,
    closing,
    directory,
    disputes,
    documents,
    figures,
    gauge,
    holds,
    home,
    invited,
    joining,
    letters,
    lists,
    merchants,
    orders,
    paper_settings,
    privacy,
    remittances,
    run_papers,
    set_up,
    settlements,
    shop_accounts,
    shop_import,
    signing_in,
    team,
    terms,
    tills,
    voucher_front,
    vouchers,
    watch,
)

ROOMS: Final = (
    signing_in.router,
    invited.router,
    account.router,
    team.router,
    set_up.router,
    terms.router,
    paper_settings.router,
    buyers.router,
    billing.router,
    joining.router,
    shop_import.router,
    merchants.router,
    tills.router,
    shop_accounts.router,
    voucher_front.router,
    directory.router,
    gauge.router,
    orders.router,
    letters.router,
    documents.router,
    lists.router,
    batches.router,
    vouchers.router,
    campaign.router,
    privacy.router,
    settlements.router,
    bank.router,
    run_papers.router,
    holds.router,
    remittances.router,
    disputes.router,
    home.router,
    figures.router,
    books.router,
    watch.router,
    closing.router,
)


def page_above(path: str) -> str:
    """From an address that only takes a form: the nearest page above it, else where the person's day begins."""
    parts = path.strip("/").split("/")
    above = ("/" + "/".join(parts[:count]) for count in range(len(parts) - 1, 0, -1))
    return next((one for one in above if _is_page(one)), "/connexion")


def _is_page(path: str) -> bool:
    """Not the home of a desk: it is not everybody's."""
    asked = {"type": "http", "method": "GET", "path": path, "headers": []}
    found = (route.matches(asked) for room in ROOMS for route in room.routes if isinstance(route, APIRoute))
    named = next((child["path_params"] for match, child in found if match is Match.FULL), None)
    numbers = named is not None and all(str(value).isdecimal() for value in named.values())
    return numbers and path.count("/") != 2 if path.startswith("/p/") else numbers
