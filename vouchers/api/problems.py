"""The one table of refusals: reason → HTTP status, and the body that says it (RFC 9457, application/problem+json).

    {"type": "/problems/already_redeemed", "title": "Already redeemed", "status": 409, "detail": "Le chèque 12 …",
     "reason": "already_redeemed", …what the refusal carries}

`detail` is French unless Accept-Language asks for English. What goes wrong before a verb is reached (no such path, a
body that is no JSON, an engine that fails) answers in the same shape; nothing of the inside, and nothing of what was
sent, is told.
"""

from typing import Any, Final, Literal, NamedTuple

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from vouchers.errors import REFUSALS, BadInput, Refusal, TooManyAttempts, VoucherRefusal
from vouchers.wrong import PROBLEMS

Language = Literal["fr", "en"]

STATUS: Final[dict[str, int]] = {
    "bad_input": 422,
    "not_found": 404,
    # Access
    "not_signed_in": 401,
    "wrong_credentials": 401,
    "forbidden": 403,
    "same_person": 403,
    "sign_in_not_fresh": 403,
    "form_expired": 403,
    "too_many_attempts": 429,
    "second_factor_wanted": 401,
    "second_factor_wrong": 401,
    "one_time_invalid": 403,
    "passkey_refused": 401,
    "last_means": 409,
    "mail_not_sent": 409,
    "signing_key_missing": 409,
    "nothing_to_close": 409,
    "pairing_code_invalid": 403,
    "signature_invalid": 401,
    "clock_skew": 401,
    "nonce_reused": 401,
    "till_revoked": 401,
    "pin_wrong": 403,
    # Keys
    "key_missing": 400,
    "key_reused": 422,
    # People
    "already_enrolled": 409,
    "merchant_suspended": 409,  # of the act, kept under its key: 401, 403 and 429 are those of the guard, never kept
    "account_change_pending": 409,
    "application_decided": 409,
    "applications_closed": 409,
    "account_change_unknown": 404,
    "cashier_name_taken": 409,
    "cashiers_full": 409,
    # Setting up a programme
    "set_up_state": 409,
    "set_up_incomplete": 409,
    # Orders and batches
    "order_state": 409,
    "order_size": 422,
    "face_value_range": 422,
    "purchase_order_missing": 422,
    "exposure_exceeded": 409,
    "payment_already_recorded": 409,
    "already_invoiced": 409,
    "billing_incomplete": 409,
    "issuer_details_missing": 409,
    "not_invoiced": 409,
    "nothing_to_credit": 409,
    "list_state": 409,
    "list_not_ready": 409,
    "recipients_differ": 409,
    "not_assigned": 409,
    "list_spendable": 409,
    "batch_state": 409,
    "sheets_handed_over": 410,
    "expiry_not_later": 422,
    # Vouchers
    "voucher_unknown": 404,
    "voucher_not_active": 409,
    "voucher_blocked": 409,
    "voucher_cancelled": 409,
    "voucher_replaced": 409,
    "already_redeemed": 409,
    "voucher_expired": 409,
    "amount_above_balance": 409,
    "partial_use_refused": 409,
    "voucher_closed": 409,
    "voucher_not_blocked": 409,
    # Baskets, reversals
    "basket_size": 422,
    "basket_duplicate": 422,
    "redemption_unknown": 404,
    "window_closed": 409,
    "already_reversed": 409,
    # Without network
    "offline_not_allowed": 409,
    "dispute_unknown": 404,
    "dispute_decided": 409,
    "guarantee_exceeded": 409,
    "paid_otherwise": 409,
    # Settlement
    "run_state": 409,
    "run_open": 409,
    "nothing_to_settle": 409,
    "figures_changed": 409,
    "issuer_account_missing": 409,
    "issuer_siren_missing": 409,
    "not_in_run": 409,
    "held_since": 409,
    "hold_standing": 409,
    "hold_closed": 409,
    "line_settled": 409,
    "papers_not_ready": 409,
    "statement_being_sent": 409,
    # The bank
    "statement_of_other_account": 409,
    "statement_known": 409,
    "statement_differs": 409,
    "report_not_ours": 409,
    "line_decided": 409,
    "line_other_way": 409,
    "line_differs": 409,
    "fact_elsewhere": 409,
    "not_owed_back": 409,
    "nothing_waiting": 409,
    "proposal_changed": 409,
    # Remittances
    "remittance_closed": 409,
    "already_in_pile": 409,
    "presentation_over": 409,
    "nothing_to_undo": 409,
    # Copies
    "copy_broken": 409,
    "copy_older": 409,
}
"""Every refusal of `errors.py`; a test fails when one is missing."""


class Fault(NamedTuple):
    """What is not a refusal of the house, but of its walls."""

    status: int
    fr: str
    en: str


FAULTS: Final[dict[str, Fault]] = {
    "path_unknown": Fault(404, "Cette adresse n'existe pas.", "There is nothing at this address."),
    "method_refused": Fault(
        405, "Cette adresse n'accepte pas cette méthode.", "This address does not take this method."
    ),
    "body_unreadable": Fault(400, "Le corps de la demande n'est pas du JSON.", "The body is not readable JSON."),
    "body_too_large": Fault(413, "Le corps de la demande est trop grand.", "The body of the request is too large."),
    "headers_too_large": Fault(
        431, "Les en-têtes de la demande sont trop grands.", "The headers of the request are too large."
    ),
    "media_refused": Fault(415, "Ce type de contenu n'est pas accepté.", "This media type is not accepted."),
    "request_refused": Fault(400, "La demande n'est pas acceptable.", "The request is not acceptable."),
    "outcome_unknown": Fault(
        503,
        "Le résultat n'est pas connu. Redemandez avec la même clé ; ce n'est pas un refus.",
        "The outcome is not known. Ask again with the same key; this is not a no.",
    ),
    "busy": Fault(
        503,
        "Trop de demandes en attente ; rien n'a été fait. Redemandez avec la même clé.",
        "Too much is waiting; nothing was done. Ask again with the same key.",
    ),
    "not_ready": Fault(503, "La base de données n'est pas prête.", "The database is not ready."),
    "failed": Fault(
        500,
        "Une erreur interne s'est produite ; elle a été consignée. Redemandez avec la même clé.",
        "An internal error occurred; it was logged. Ask again with the same key.",
    ),
}
_FAULT_OF_STATUS: Final = {404: "path_unknown", 405: "method_refused", 413: "body_too_large", 415: "media_refused"}
BUSY_SECONDS: Final = 1

_FIELD_CHARS: Final = 60


class Problem(JSONResponse):
    """An answer that says no."""

    media_type = "application/problem+json"


def body_of(refusal: Refusal, language: Language) -> dict[str, Any]:
    """The problem that tells `refusal`; a voucher's carries what to `say` to the customer."""
    said: dict[str, Any] = {**refusal.data, **_head(refusal.reason, STATUS[refusal.reason], refusal.text(language))}
    if isinstance(refusal, VoucherRefusal):
        said["say"] = refusal.say(language)
    return said


def answer(refusal: Refusal, language: Language, *, headers: dict[str, str] | None = None) -> Problem:
    """The refusal as an answer."""
    extra = dict(headers or {})
    if isinstance(refusal, TooManyAttempts):
        extra["Retry-After"] = str(refusal.data["retry_after_seconds"])
    if STATUS[refusal.reason] == 401:
        extra["WWW-Authenticate"] = 'Bearer realm="vouchers"'
    return Problem(body_of(refusal, language), status_code=STATUS[refusal.reason], headers=extra)


def fault(reason: str, language: Language, *, headers: dict[str, str] | None = None) -> Problem:
    """The answer when the walls fail."""
    found = FAULTS[reason]
    extra = dict(headers or {})
    if reason == "busy":
        extra["Retry-After"] = str(BUSY_SECONDS)
    text = found.en if language == "en" else found.fr
    return Problem(_head(reason, found.status, text), status_code=found.status, headers=extra)


def of_http(raised: HTTPException, language: Language) -> Problem:
    """What the framework itself refuses: no such path, no such method, no JSON."""
    reason = "body_unreadable" if raised.status_code == 400 else fault_of(raised.status_code)
    return fault(reason, language, headers=dict(raised.headers or {}))


def fault_of(status: int) -> str:
    """The fault that the framework means by a status."""
    return _FAULT_OF_STATUS.get(status, "request_refused")


def of_validation(raised: RequestValidationError, language: Language) -> Problem:
    """The first value that cannot be: its name and what is wrong with it, never the value itself."""
    first = raised.errors()[0]
    if first["type"] == "json_invalid":
        return fault("body_unreadable", language)
    # A name the caller made up is cut, so that an answer cannot be made to carry a page of somebody's text.
    named = ".".join(str(part) for part in first["loc"][1:])[:_FIELD_CHARS] or str(first["loc"][0])
    field = named.encode(errors="replace").decode()
    return answer(BadInput(field=field, problem=first["type"] if first["type"] in PROBLEMS else "unlike"), language)


def language_of(request: Request) -> Language:
    """English where Accept-Language puts it before French; French otherwise."""
    return language_in(request.headers.get("accept-language", ""))


def language_in(accept_language: str) -> Language:
    """'en' when the first of French and English in the header is English, by weight and then by place."""
    weighed: list[tuple[int, int, Language]] = []
    for place, part in enumerate(accept_language[:200].lower().split(",")):
        tag, _, rest = part.strip().partition(";")
        known = tag.strip().partition("-")[0]
        weight = _weight(rest)
        if known == "fr" and weight > 0:
            weighed.append((-weight, place, "fr"))
        if known == "en" and weight > 0:
            weighed.append((-weight, place, "en"))
    return min(weighed)[2] if weighed else "fr"


def explained(reason: str) -> dict[str, Any] | None:
    """What stands behind a problem's `type`; None for a reason that does not exist."""
    if reason in REFUSALS:
        kind = REFUSALS[reason]
        return {"reason": reason, "title": _title(reason), "status": STATUS[reason], "fr": kind.fr, "en": kind.en}
    if reason in FAULTS:
        known = FAULTS[reason]
        return {"reason": reason, "title": _title(reason), "status": known.status, "fr": known.fr, "en": known.en}
    return None


def _weight(parameters: str) -> int:
    """In thousandths: 'q=0.8' is 800."""
    name, _, value = parameters.strip().partition("=")
    digits = value.strip().replace(".", "", 1)
    if name.strip() != "q":
        return 1_000
    return int(digits[:4].ljust(4, "0")) if digits.isascii() and digits.isdigit() else 0


def _head(reason: str, status: int, detail: str) -> dict[str, Any]:
    return {
        "type": f"/problems/{reason}",
        "title": _title(reason),
        "status": status,
        "detail": detail,
        "reason": reason,
    }


def _title(reason: str) -> str:
    return reason.replace("_", " ").capitalize()
