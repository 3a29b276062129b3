"""One's own account: the programmes one works for, one's means of signing in, where one is signed in."""

import re
from typing import Any, Final

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from vouchers import passkeys, passwords, second_factor, sign_in
from vouchers.api.guard import address_of
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import BadInput, NotFound
from vouchers.pages import ways_in
from vouchers.pages.desk import AtAccount, Screen, download, page
from vouchers.pages.language import _
from vouchers.paper import qr
from vouchers.rules import names_of
from vouchers.second_factor import Code
from vouchers.sign_in import Opened

router: Final = APIRouter(prefix="/compte")
_HEX: Final = re.compile(r"(?:[0-9a-f]{2}){1,1023}", re.ASCII)
_RECOVERY: Final = re.compile(r"[0-9A-Z]{5} [0-9A-Z]{5}", re.ASCII)
_BLACK: Final = re.compile(rb"\x00+")


@router.get("", **page("signed_in"))
async def account(screen: AtAccount) -> Response:
    """Everything on one page."""
    return await _account(screen)


async def _account(screen: Screen) -> Response:
    staff_id, mine = ways_in.person(screen), ways_in.this_session(screen)
    caller = screen.caller
    held = caller.held if caller is not None else ()

    def told(session: ReadSession) -> dict[str, Any]:
        asking = ways_in.asking(screen, f"add {staff_id}")
        person = sign_in.account_of(session, staff_id=staff_id)
        names = names_of(session, programme_ids={one.programme_id for one in held})
        return {
            "account": person,
            "person": person.name,
            "desks": [
                {
                    "path": ways_in.first_page_in(caller, number),
                    "name": name,
                    "roles": sorted({one.role.value for one in held if one.programme_id == number}),
                }
                for number, name in names
                if caller is not None
            ],
            "keys": passkeys.passkeys_of(session, staff_id=staff_id),
            "options": passkeys.adding_options(session, asking=asking, staff_id=staff_id, at=screen.at),
            "factor": second_factor.setting_of(session, staff_id=staff_id),
            "tokens_list": sign_in.tokens_of(session, staff_id=staff_id, at=screen.at),
        }

    known = await screen.house.read(told)
    words: dict[str, Any] = {"role_words": ways_in.ROLE_WORDS, "means_words": ways_in.MEANS_WORDS}
    more: dict[str, Any] = {"mine": mine, "device": ways_in.device_of(screen)}
    return screen.show("account/account.html", **known, **words, **more)


# ── Passkeys ─────────────────────────────────────────────────────────────────────────────────────────────────────
@router.post("/cles", **page("signed_in"))
async def add_passkey(screen: AtAccount) -> Response:
    """One more passkey, on the device that signed."""
    staff_id, typed = ways_in.person(screen), screen.typed
    asking = ways_in.asking(screen, f"add {staff_id}")

    def job(session: WriteSession) -> None:
        label = typed.optional("label") or ways_in.device_of(screen)
        passkeys.add(session, staff_id=staff_id, answer=typed.shown("answer"), label=label, asking=asking, at=screen.at)

    return await _changed(screen, job, said=_("La clé d'accès est prête : utilisez-la à la prochaine connexion."))


@router.post("/cles/nom", **page("signed_in"))
async def rename_passkey(screen: AtAccount) -> Response:
    """Another name for a passkey."""

    def job(session: WriteSession) -> None:
        named = _bytes(screen, "key_id")
        label = screen.typed.text("label")
        passkeys.rename(session, staff_id=ways_in.person(screen), credential_id=named, label=label)

    return await _changed(screen, job, said=_("La clé d'accès a un nouveau nom."), freely=True)


@router.post("/cles/retrait", **page("signed_in"))
async def remove_passkey(screen: AtAccount) -> Response:
    """A passkey that is lost, or not used any more; whoever is signed in elsewhere is signed out."""
    staff_id, mine = ways_in.person(screen), ways_in.this_session(screen)

    def job(session: WriteSession) -> None:
        passkeys.remove(session, staff_id=staff_id, credential_id=_bytes(screen, "key_id"), at=screen.at)
        sign_in.revoke_others(session, staff_id=staff_id, token_hash=mine, at=screen.at)

    return await _changed(screen, job, said=_("La clé d'accès est retirée, et vos autres sessions sont fermées."))


# ── The password ─────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/mot-de-passe", **page("signed_in"))
async def password_page(screen: AtAccount) -> Response:
    """Choose another password."""
    return await _password_page(screen)


async def _password_page(screen: Screen) -> Response:
    staff_id = ways_in.person(screen)
    person = await screen.house.read(lambda session: sign_in.account_of(session, staff_id=staff_id))
    asked = person.has_password and await _means(screen) == "password"
    return screen.show("account/password.html", account=person, person=person.name, asks_current=asked)


@router.post("/mot-de-passe", **page("signed_in"))
async def choose_password(screen: AtAccount) -> Response:
    """A password of one's own; every other session and API token ends, this one goes on under a new name."""
    ways_in.freshly(screen)
    staff_id, typed, how = ways_in.person(screen), screen.typed, ways_in.opening(screen)

    async def act() -> Response:
        means = await _means(screen)
        person = await screen.house.read(lambda session: sign_in.account_of(session, staff_id=staff_id))
        new = await run_in_threadpool(passwords.hashed, typed.shown("password"))
        if person.has_password and means == "password":
            await run_in_threadpool(
                sign_in.prove,
                screen.house.database,
                email=person.email,
                password=typed.shown("current"),
                address=address_of(screen.request),
                at=screen.at,
            )

        def job(session: WriteSession) -> Opened:
            sign_in.choose_password(session, staff_id=staff_id, password_hash=new, at=how.at)
            return sign_in.open_as(session, staff_id=staff_id, means=means, how=how)

        opened = await screen.house.write(job)
        said = _("Votre mot de passe est changé. Partout ailleurs, vous êtes déconnecté.")
        answer = screen.go("/compte", said=said)
        ways_in.keep_session(screen, answer, opened)
        return answer

    return await ways_in.tried(screen, act, again=_password_page)


async def _means(screen: Screen) -> str:
    staff_id, mine = ways_in.person(screen), ways_in.this_session(screen)
    known = await screen.house.read(lambda session: sign_in.tokens_of(session, staff_id=staff_id, at=screen.at))
    return next((one.means for one in known if one.token_hash == mine), "password")


# ── The authenticator ────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/authentificateur", **page("signed_in"))
async def authenticator_page(screen: AtAccount) -> Response:
    """What it is for; then the code to scan, until it is confirmed."""
    return await _authenticator_page(screen)


async def _authenticator_page(screen: Screen) -> Response:
    staff_id, pepper = ways_in.person(screen), screen.house.pepper
    fresh = ways_in.proven_lately(screen)
    person, factor, secret = await screen.house.read(
        lambda session: (
            sign_in.account_of(session, staff_id=staff_id),
            second_factor.setting_of(session, staff_id=staff_id),
            second_factor.pending_secret(session, staff_id=staff_id, pepper=pepper) if fresh else None,
        )
    )
    told: dict[str, Any] = {"account": person, "person": person.name, "factor": factor, "picture": None, "secret": ""}
    if secret is not None:
        address = second_factor.scanned(secret, account=person.email, issuer="Chèques cadeaux")
        told["picture"] = _drawn(address)
        told["secret"] = second_factor.spelled(secret)
    return screen.show("account/authenticator.html", **told)


@router.post("/authentificateur", **page("signed_in"))
async def begin_authenticator(screen: AtAccount) -> Response:
    """A fresh secret to scan."""
    staff_id, pepper = ways_in.person(screen), screen.house.pepper
    return await _changed(
        screen,
        lambda session: second_factor.begin(session, staff_id=staff_id, pepper=pepper, at=screen.at),
        then="/compte/authentificateur",
    )


@router.post("/authentificateur/confirmation", **page("signed_in"))
async def confirm_authenticator(screen: AtAccount) -> Response:
    """The first digits: from now on they are asked for; ten recovery codes are shown once."""
    ways_in.freshly(screen)
    staff_id, pepper, mine = ways_in.person(screen), screen.house.pepper, ways_in.this_session(screen)

    def job(session: WriteSession) -> list[str]:
        code = Code(screen.typed.text("code"), pepper)
        second_factor.confirm(session, staff_id=staff_id, code=code, at=screen.at)
        sign_in.revoke_others(session, staff_id=staff_id, token_hash=mine, at=screen.at)
        return second_factor.renew_recovery_codes(session, staff_id=staff_id, pepper=pepper, at=screen.at)

    async def act() -> Response:
        return await _codes_shown(screen, await screen.house.write(job))

    return await ways_in.tried(screen, act, again=_authenticator_page)


@router.post("/authentificateur/retrait", **page("signed_in"))
async def remove_authenticator(screen: AtAccount) -> Response:
    """A password is enough again."""
    staff_id, mine = ways_in.person(screen), ways_in.this_session(screen)

    def job(session: WriteSession) -> None:
        second_factor.remove(session, staff_id=staff_id)
        sign_in.revoke_others(session, staff_id=staff_id, token_hash=mine, at=screen.at)

    return await _changed(screen, job, said=_("L'application est retirée, et vos autres sessions sont fermées."))


@router.post("/codes", **page("signed_in"))
async def renew_codes(screen: AtAccount) -> Response:
    """Ten fresh recovery codes, shown once; those before open nothing any more."""
    ways_in.freshly(screen)
    staff_id, pepper = ways_in.person(screen), screen.house.pepper

    def job(session: WriteSession) -> list[str]:
        if not second_factor.is_wanted(session, staff_id=staff_id):
            raise NotFound(what="authenticator", id=staff_id)
        return second_factor.renew_recovery_codes(session, staff_id=staff_id, pepper=pepper, at=screen.at)

    async def act() -> Response:
        return await _codes_shown(screen, await screen.house.write(job))

    return await ways_in.tried(screen, act, again=_account)


@router.post("/codes/fichier", **page("signed_in"))
async def codes_file(screen: AtAccount) -> Response:
    """The codes that stand on the page, as a text file: they are kept nowhere else."""
    listed = [code for code in screen.typed.many("code") if _RECOVERY.fullmatch(code)]
    said = screen.say(_("Codes de secours, chacun sert une fois"))
    text = "\r\n".join([said, "", *listed, ""])
    return download(text.encode(), name="codes-de-secours.txt", media="text/plain; charset=utf-8")


async def _codes_shown(screen: Screen, fresh: list[str]) -> Response:
    staff_id = ways_in.person(screen)
    person = await screen.house.read(lambda session: sign_in.account_of(session, staff_id=staff_id))
    return screen.show("account/recovery.html", codes=fresh, person=person.name)


# ── Sessions ─────────────────────────────────────────────────────────────────────────────────────────────────────
@router.post("/sessions/fermeture", **page("signed_in"))
async def end_one(screen: AtAccount) -> Response:
    """One session, or one API token."""
    staff_id = ways_in.person(screen)

    def job(session: WriteSession) -> None:
        sign_in.revoke_token(session, staff_id=staff_id, token_hash=_bytes(screen, "token"), at=screen.at)

    return await _changed(screen, job, said=_("C'est fermé."), freely=True)


@router.post("/sessions/autres", **page("signed_in"))
async def end_others(screen: AtAccount) -> Response:
    """Every session but this one."""
    staff_id, mine = ways_in.person(screen), ways_in.this_session(screen)

    def job(session: WriteSession) -> None:
        sign_in.revoke_others(session, staff_id=staff_id, token_hash=mine, at=screen.at)

    return await _changed(screen, job, said=_("Toutes vos autres sessions sont fermées."), freely=True)


async def _changed(
    screen: Screen, job: Any, *, said: str = "", then: str = "/compte", freely: bool = False
) -> Response:
    """`job`, by who proved lately who they are (but `freely` what only closes), then on to `then`."""
    if not freely:
        ways_in.freshly(screen)

    async def act() -> Response:
        await screen.house.write(job)
        return screen.go(then, said=said)

    return await ways_in.tried(screen, act, again=_account)


def _bytes(screen: Screen, field: str) -> bytes:
    given = screen.typed.text(field)
    if _HEX.fullmatch(given) is None:
        raise BadInput(field=field, problem="unlike")
    return bytes.fromhex(given)


def _drawn(text: str) -> dict[str, Any]:
    """A QR code for the page: the side of its square with the white border, and one path of its black modules."""
    code = qr.modules(text)
    side = code.side + 2 * qr.QUIET_MODULES
    runs = (run.span() for run in _BLACK.finditer(code.square))
    return {"side": side, "path": "".join(f"M{at % side} {at // side}h{to - at}v1h-{to - at}z" for at, to in runs)}
