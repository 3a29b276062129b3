"""A run proposed anew, when something of it is held or released.

To leave a line or a shop out of a proposed run is one act of three verbs: the run is withdrawn, the line or the shop
held, and the rest proposed again, to the same day and the same watermark, so that nothing else can slip in or out.
"""

from collections.abc import Callable
from typing import Any

from vouchers import hold, runs, settle
from vouchers.db import WriteSession
from vouchers.errors import NothingToSettle
from vouchers.pages.desk import PageDesk
from vouchers.runs import proposed_run


def proposed_again(
    desk: PageDesk, session: WriteSession, *, because: str, change: Callable[[], hold.Hold]
) -> dict[str, Any]:
    """The change; a run that is proposed is taken back, and what is left proposed anew, to the same moment."""
    number = proposed_run(session, programme_id=desk.programme_id)
    if number is None:
        changed = change()
        return {"number": None, "merchant_id": changed.merchant_id}
    run = runs.find_run(session, programme_id=desk.programme_id, number=number)
    changed = change()
    settle.withdraw(session, **desk.doing, number=number, reason=because)
    try:
        anew = settle.propose(session, **desk.doing, to_on=run.to_on, upto_journal=run.upto_journal)
    except NothingToSettle:
        return {"number": None, "merchant_id": changed.merchant_id}
    return {"number": anew.number, "merchant_id": changed.merchant_id}
