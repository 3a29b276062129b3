"""The team: who works in this programme, with which role; inviting, and giving roles by two people.

A role is asked by one administrator and confirmed by another; taking one away, or suspending somebody, needs one.
"""

from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response

from vouchers import invitations, one_time, passwords, people, roles
from vouchers.access import Act, Role
from vouchers.api.fields import NumberInPath
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import AlreadyEnrolled, BadInput, Forbidden, MailNotSent, NotFound
from vouchers.letterbox import Letter
from vouchers.pages import ways_in
from vouchers.pages.desk import AtDesk, AtForm, PageDesk, page
from vouchers.pages.language import _

router: Final = APIRouter(prefix="/p/{programme_id}/equipe")
_ROLES: Final = tuple(role.value for role in Role if role is not Role.TILL)
_PAGE: Final = 50
_MOST_OFFERED: Final = 200


@router.get("", **page(Act.ROLE_READ))
async def team(desk: AtDesk) -> Response:
    """Who is in it, and which roles wait for another administrator."""
    return await _team(desk)


async def _team(desk: PageDesk) -> Response:
    asked = desk.screen.request.query_params
    wanted, after = asked.get("q", "").strip()[:100], asked.get("after", "0")
    start = int(after) if after.isascii() and after.isdecimal() and len(after) < 18 else 0

    def told(session: ReadSession) -> dict[str, Any]:
        waiting = invitations.waiting_roles(session, programme_id=desk.programme_id)
        listed = invitations.team(
            session, programme_id=desk.programme_id, wanted=wanted, after=start, limit=_PAGE, at=desk.at
        )
        return {
            "waiting": waiting,
            "team": listed,
            "names": invitations.called(session, actors={role.asked_by for role, _name in waiting}),
        }

    known = await desk.read(told)
    following = known["team"][-1].staff_id if len(known["team"]) == _PAGE else None
    more: dict[str, Any] = {
        "wanted": wanted,
        "following": following,
        "me": desk.caller.actor,
        "role_words": ways_in.ROLE_WORDS,
    }
    return await desk.show("team/team.html", **known, **more)


# ── Inviting ─────────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/inviter", **page(Act.STAFF_ENROL))
async def invite_page(desk: AtDesk) -> Response:
    """Somebody new."""
    return await _invite_page(desk)


async def _invite_page(desk: PageDesk) -> Response:
    return await desk.show("team/invite.html", **await _offered(desk))


async def _offered(desk: PageDesk) -> dict[str, Any]:
    """The roles in words, and the buyers and shops that a role may name; a shop of a long list by its number."""

    def told(session: ReadSession) -> dict[str, Any]:
        buyers = people.buyers(session, programme_id=desk.programme_id, limit=_MOST_OFFERED)
        shops = people.merchants(session, programme_id=desk.programme_id, limit=_MOST_OFFERED)
        return {
            "buyers": [(one.buyer_id, one.name) for one in buyers],
            "shops": [(one.merchant_id, f"{one.shop_name} ({one.commune})") for one in shops],
            "too_many": len(shops) == _MOST_OFFERED,
        }

    words = [(role, desk.say(ways_in.ROLE_WORDS[role]), desk.say(_MAY[role])) for role in _ROLES]
    return {**await desk.read(told), "choices": words}


_MAY: Final = {
    "treasurer": _("Prépare : commandes, lots, règlements, litiges. Ne s'approuve pas lui-même."),
    "approver": _("Approuve ce que le trésorier a préparé."),
    "administrator": _("Invite, donne les rôles, règle le dispositif. Ne touche pas à l'argent."),
    "auditor": _("Voit tout, ne change rien."),
    "buyer_clerk": _("D'une commune ou d'une entreprise : commande et suit ses chèques."),
    "buyer_approver": _("De la même : valide les commandes de ses agents."),
    "merchant_owner": _("D'un commerce : ses caisses, ses ventes, ses règlements."),
}


@router.post("/inviter", **page(Act.STAFF_ENROL))
async def invite(desk: AtForm) -> Response:
    """Enrols the person, asks the role, writes the letter. Somebody who is enrolled already is asked the role alone."""

    def job(session: WriteSession) -> tuple[int, str | None]:
        typed = desk.typed
        who = {"email": typed.text("email"), "name": typed.text("name")}
        try:
            staff_id = people.enrol_staff(session, **desk.doing, **who, password_hash=passwords.NOBODYS)
        except AlreadyEnrolled as known:
            staff_id = int(str(known.data["id"]))
        roles.ask_role(session, **desk.doing, staff_id=staff_id, **_role_typed(desk))
        try:
            key = desk.house.session_key
            code: str | None = invitations.invite(session, **desk.doing, staff_id=staff_id, session_key=key)
        except NotFound:
            code = None
        return staff_id, code

    async def act() -> Response:
        if not desk.may(Act.ROLE_ASK):
            raise Forbidden(act=Act.ROLE_ASK.value)
        public = ways_in.reached_at(desk.screen)
        await ways_in.can_post(desk.screen)
        staff_id, code = await desk.unkept(job)
        then = f"{desk.home}/equipe/{staff_id}"
        if code is None:
            return desk.go(then, said=_("Cette personne a déjà un compte : le rôle est demandé, sans nouvelle lettre."))
        return await _written(desk, staff_id, code, public, then)

    return await desk.tried(act, again=_invite_page)


async def _written(desk: PageDesk, staff_id: int, code: str, public: str, then: str) -> Response:
    """The letter of an invitation, and what to do when it did not leave at the last moment."""
    person = await desk.read(
        lambda session: people.find_staff(session, programme_id=desk.programme_id, staff_id=staff_id)
    )
    text = desk.say(
        _(
            "Bonjour {name},\n\nVous êtes invité à travailler sur les chèques cadeaux.\n"
            "Ouvrez ce lien pour choisir comment vous connecter :\n\n{address}\n\n"
            "Ou allez sur {site} et recopiez ce code : {code}\n\nL'invitation vaut sept jours et sert une fois.\n"
            "Vous n'attendiez rien ? Ignorez cette lettre.\n"
        ),
        name=person.name,
        address=f"{public}/invitation#{one_time.pretty(code)}",
        site=f"{public}/invitation",
        code=one_time.pretty(code),
    )
    letter = Letter(person.name, person.email, desk.say(_("Votre invitation aux chèques cadeaux")), text)
    try:
        await ways_in.posted(desk.screen, letter)
    except MailNotSent:
        said = _("La personne est inscrite, mais la lettre n'est pas partie : appuyez sur « Renvoyer l'invitation ».")
        return desk.go(then, said=said)
    return desk.go(then, said=_("L'invitation est partie. Un autre administrateur doit maintenant confirmer le rôle."))


@router.post("/{staff_id}/invitation", **page(Act.STAFF_ENROL))
async def invite_again(desk: AtForm, staff_id: NumberInPath) -> Response:
    """Another letter; the one before opens nothing any more."""

    def job(session: WriteSession) -> str:
        people.find_staff(session, programme_id=desk.programme_id, staff_id=staff_id)
        return invitations.invite(session, **desk.doing, staff_id=staff_id, session_key=desk.house.session_key)

    async def act() -> Response:
        public = ways_in.reached_at(desk.screen)
        await ways_in.can_post(desk.screen)
        return await _written(desk, staff_id, await desk.unkept(job), public, f"{desk.home}/equipe/{staff_id}")

    return await desk.tried(act, again=lambda refused: _person(refused, staff_id))


# ── One person ───────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/{staff_id}", **page(Act.STAFF_READ))
async def person(desk: AtDesk, staff_id: NumberInPath) -> Response:
    """A person, their roles, and what may be done."""
    return await _person(desk, staff_id)


async def _person(desk: PageDesk, staff_id: int) -> Response:
    member = await desk.read(
        lambda session: invitations.member(session, programme_id=desk.programme_id, staff_id=staff_id, at=desk.at)
    )
    names = await desk.read(lambda session: invitations.called(session, actors={one.asked_by for one in member.roles}))
    told: dict[str, Any] = {"member": member, "names": names, "me": desk.caller.actor, "role_words": ways_in.ROLE_WORDS}
    return await desk.show("team/person.html", **told, **await _offered(desk))


@router.post("/{staff_id}/roles", **page(Act.ROLE_ASK))
async def ask_role(desk: AtForm, staff_id: NumberInPath) -> Response:
    """One more role, to be confirmed by another administrator."""

    def job(session: WriteSession) -> dict[str, int]:
        people.find_staff(session, programme_id=desk.programme_id, staff_id=staff_id)
        return {"id": roles.ask_role(session, **desk.doing, staff_id=staff_id, **_role_typed(desk))}

    return await desk.once(
        job,
        then=f"{desk.home}/equipe/{staff_id}",
        said=_("Le rôle est demandé. Un autre administrateur doit maintenant le confirmer."),
        again=lambda refused: _person(refused, staff_id),
    )


@router.post("/roles/{role_id}/confirmation", **page(Act.ROLE_CONFIRM))
async def confirm_role(desk: AtForm, role_id: NumberInPath) -> Response:
    """The second pair of eyes."""
    return await desk.once(
        lambda session: roles.confirm_role(session, **desk.doing, role_id=role_id),
        then=f"{desk.home}/equipe",
        said=_("Le rôle est confirmé : il est en vigueur dès maintenant."),
        again=_team,
    )


@router.post("/roles/{role_id}/retrait", **page(Act.ROLE_REVOKE))
async def revoke_role(desk: AtForm, role_id: NumberInPath) -> Response:
    """Gone at the person's next request."""
    return await desk.once(
        lambda session: roles.revoke_role(session, **desk.doing, role_id=role_id),
        then=f"{desk.home}/equipe",
        said=_("Le rôle est retiré : il ne vaut plus dès maintenant."),
        again=_team,
    )


@router.post("/{staff_id}/suspension", **page(Act.STAFF_SUSPEND))
async def suspend(desk: AtForm, staff_id: NumberInPath) -> Response:
    """They can do nothing from now on."""
    return await desk.once(
        lambda session: people.suspend_staff(
            session, **desk.doing, staff_id=staff_id, reason=desk.typed.text("reason")
        ),
        then=f"{desk.home}/equipe/{staff_id}",
        said=_("La personne est suspendue et déconnectée partout."),
        again=lambda refused: _person(refused, staff_id),
    )


@router.post("/{staff_id}/retablissement", **page(Act.STAFF_SUSPEND))
async def restore(desk: AtForm, staff_id: NumberInPath) -> Response:
    """They may sign in again, with the roles held before."""
    return await desk.once(
        lambda session: people.restore_staff(
            session, **desk.doing, staff_id=staff_id, reason=desk.typed.text("reason")
        ),
        then=f"{desk.home}/equipe/{staff_id}",
        said=_("La personne peut se connecter de nouveau."),
        again=lambda refused: _person(refused, staff_id),
    )


def _role_typed(desk: PageDesk) -> dict[str, Any]:
    """A role, and the buyer or the shop that it names. Refuses `BadInput`."""
    typed, name = desk.typed, desk.typed.choice("name_of_role", _ROLES)
    named: dict[str, Any] = {"name": name, "buyer_id": None, "merchant_id": None}
    if name in {"buyer_clerk", "buyer_approver"}:
        if not typed.has("buyer_id"):
            raise BadInput(field="buyer_id", problem="missing")
        named["buyer_id"] = typed.whole("buyer_id", least=1)
    if name == "merchant_owner":
        if not typed.has("merchant_id"):
            raise BadInput(field="merchant_id", problem="missing")
        named["merchant_id"] = typed.whole("merchant_id", least=1)
    return named
