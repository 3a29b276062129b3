"""The programme in words, its terms, the next one in seven steps, and the buyers, as people at a desk do it."""

import io
import json
from typing import Any

import pytest
from PIL import Image

from tests.api.doors import Doors
from tests.pages.browsing import Browser, Page, sits_down
from tests.town import Town
from vouchers import clock
from vouchers.guarantee import offline_rule_of
from vouchers.paper import qr
from vouchers.people import find_buyer
from vouchers.rules import rules, terms

STEPS = ("emetteur", "objectif", "dates", "cheques", "argent", "hors-connexion", "presentation")
TYPED: dict[str, dict[str, Any]] = {
    "emetteur": {"contact": "05 45 00 00 00"},
    "objectif": {"name": "Printemps 2027", "target_cents": "60 000 €"},
    "dates": {"starts_on": "2027-03-01", "expires_on": "30/09/2027", "presentation_deadline_on": "2027-11-30"},
    "cheques": {"face_values": "5, 10 et 20 €", "use_rule": "partial"},
    "argent": {"commission_bp": "3,25 %", "rhythm": "weekly", "lapse_to": "buyer"},
    "hors-connexion": {"allowed": "yes", "hours": "12"},
    "presentation": {"colour": "#a01050"},
}


def a_logo(kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (900, 300), (20, 120, 60)).save(out, format=kind)
    return out.getvalue()


def walked(browser: Browser, home: str) -> Page:
    """Every step answered; gives the summary."""
    at = browser.send(browser.open(f"{home}/dispositif/nouveau"), "/nouveau")
    for step in STEPS:
        assert at.path.endswith(f"/{step}"), at.text
        at = browser.send(at, f"/{step}", **TYPED[step])
    assert at.path.endswith("/resume")
    return at


def test_a_season_is_set_up_in_seven_steps_and_opened_by_another(doors: Doors, town: Town) -> None:
    home = f"/p/{town.programme_id}"
    drafter = sits_down(doors, town.programme_id, "treasurer", "administrator")
    opener = sits_down(doors, town.programme_id, "administrator")

    summary = walked(drafter, home)
    submitted = drafter.send(summary, "/resume")
    alone = drafter.client.post(f"{summary.path.removesuffix('/resume')}/ouverture", data={})
    seen = opener.open(f"{home}/dispositif")
    opened = opener.send(opener.open(submitted.path), "/ouverture")

    assert "Un autre administrateur doit l'ouvrir" in submitted.text
    assert alone.status_code == 403
    assert "attend votre accord" in seen.text
    assert opened.notice == "Le dispositif est ouvert. L'équipe y a déjà ses rôles."
    made = int(opened.path.split("/")[2])
    told = doors.house.read(rules, programme_id=made)
    assert (told.name, told.target_cents, told.commission_bp) == ("Printemps 2027", 6_000_000, 325)
    assert doors.house.read(terms, programme_id=made).face_values == (500, 1_000, 2_000)
    assert doors.house.read(terms, programme_id=made).legal_wording == "Renseignements : 05 45 00 00 00."
    rule = doors.house.read(offline_rule_of, programme_id=made)
    assert rule is not None
    assert rule.max_age_minutes == 720
    assert drafter.open(f"/p/{made}/dispositif").status == 200


def test_what_was_answered_is_there_when_one_comes_back_and_a_wrong_day_is_said_beside_it(
    doors: Doors, town: Town
) -> None:
    home = f"/p/{town.programme_id}/dispositif/nouveau"
    drafter = sits_down(doors, town.programme_id, "treasurer")
    first = drafter.send(drafter.open(home), "/nouveau")
    second = drafter.send(first, "/emetteur")
    third = drafter.send(second, "/objectif", name="Été", target_cents="10000")

    wrong = drafter.send(
        third, "/dates", starts_on="2027-06-01", expires_on="2027-05-01", presentation_deadline_on="2027-07-01"
    )
    back = drafter.open(f"{home}/1")

    assert wrong.status == 422
    assert wrong.tree.xpath("//*[@aria-invalid]/@name") == ["expires_on"]
    assert wrong.form("/dates").fields["presentation_deadline_on"] == "2027-07-01"
    assert back.path.endswith("/dates")
    assert drafter.open(f"{home}/1/objectif").form("/objectif").fields["name"] == "Été"
    assert drafter.open(f"{home}/1/nulle-part").status == 404


def test_odd_dates_and_a_long_address_are_told_before_anybody_opens(doors: Doors, town: Town) -> None:
    drafter = sits_down(doors, town.programme_id, "treasurer")
    summary = walked(drafter, f"/p/{town.programme_id}")
    base = summary.path.removesuffix("resume")
    calm = summary.text
    drafter.send(
        drafter.open(base + "dates"),
        "/dates",
        starts_on="2027-03-01",
        expires_on="2027-04-01",
        presentation_deadline_on="2027-04-10",
    )
    long = drafter.send(
        drafter.open(base + "objectif"), "/objectif", host="cheques-cadeaux.grande-communaute.fr", to_summary="1"
    )

    assert long.path.endswith("/resume")
    for said in ("moins de trois mois", "moins de 30 jours", "plus de 20 caractères"):
        assert said in long.text
        assert said not in calm


def test_a_treasurer_prepares_but_does_not_open_and_an_auditor_only_reads(doors: Doors, town: Town) -> None:
    home = f"/p/{town.programme_id}"
    drafter, other, auditor = (
        sits_down(doors, town.programme_id, role) for role in ("treasurer", "treasurer", "auditor")
    )
    submitted = drafter.send(walked(drafter, home), "/resume")

    assert "Ouvrir ce dispositif" not in other.open(submitted.path).text
    assert other.open(submitted.path.replace("resume", "objectif")).path.endswith("/resume")
    assert auditor.open(f"{home}/dispositif").status == 200
    assert auditor.open(f"{home}/dispositif/termes").status == 403
    assert auditor.open(submitted.path).status == 403


def test_the_terms_change_and_are_printed_on_the_next_sheets(doors: Doors, town: Town) -> None:
    home = f"/p/{town.programme_id}/dispositif"
    treasurer = sits_down(doors, town.programme_id, "treasurer")
    outline = {"type": "Polygon", "coordinates": [[[0.1, 48.1], [0.2, 48.1], [0.2, 48.2], [0.1, 48.1]]]}

    done = treasurer.send(
        treasurer.open(f"{home}/termes"),
        "/termes",
        files={
            "logo": ("logo.jpg", a_logo("JPEG"), "image/jpeg"),
            "outline": ("ville.geojson", json.dumps(outline).encode(), "application/geo+json"),
        },
        face_values="10 20",
        colour="#0B4F6C",
        legal_wording="Questions : mairie",
        rhythm="fortnightly",
    )
    kept = doors.house.read(terms, programme_id=town.programme_id)
    without = treasurer.send(treasurer.open(f"{home}/termes"), "/termes", no_logo="1")

    assert done.notice == "Les réglages sont changés."
    assert "Tous les quinze jours" in done.text
    assert (kept.face_values, kept.colour) == ((1_000, 2_000), "#0b4f6c")
    assert kept.outline is not None
    assert kept.logo is not None
    assert json.loads(kept.outline)["type"] == "MultiPolygon"
    assert Image.open(io.BytesIO(kept.logo)).size == (480, 160)
    assert without.status == 200
    after = doors.house.read(terms, programme_id=town.programme_id)
    assert (after.logo, after.outline, after.legal_wording) == (None, kept.outline, "Questions : mairie")


@pytest.mark.parametrize(
    ("field", "content", "said"),
    [
        ("logo", b"GIF89a not a picture", "PNG ou JPEG"),
        ("logo", qr.png("HTTPS://CHEQUES.EXAMPLE.FR/#A"), "QR code"),
        ("outline", b'{"type": "Point", "coordinates": [1, 2]}', "GeoJSON"),
        ("outline", b'{"type": "Polygon", "coordinates": [[[500, 1], [1, 1], [2, 2], [500, 1]]]}', "GeoJSON"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_words_and_nothing_is_lost(
    doors: Doors, town: Town, field: str, content: bytes, said: str
) -> None:
    treasurer = sits_down(doors, town.programme_id, "treasurer")
    form = treasurer.open(f"/p/{town.programme_id}/dispositif/termes")

    refused = treasurer.send(form, "/termes", files={field: ("x", content, "image/png")}, legal_wording="Bonjour")

    assert refused.status == 422
    assert said in refused.refusal
    assert refused.form("/termes").fields["legal_wording"] == "Bonjour"
    assert doors.house.read(terms, programme_id=town.programme_id).legal_wording == ""


def test_the_preview_follows_what_is_typed_and_keeps_nothing(doors: Doors, town: Town) -> None:
    home = f"/p/{town.programme_id}/dispositif"
    treasurer = sits_down(doors, town.programme_id, "treasurer")
    form = treasurer.open(f"{home}/termes")
    fields = {name: value for name, value in form.form("/termes").form_values() if name != "key"}

    def drawn(path: str, **typed: str) -> bytes:
        answer = treasurer.client.post(path, data={**fields, **typed})
        assert answer.headers["content-type"] == "image/png", answer.text
        return answer.content

    now = treasurer.open(f"{home}/apercu.png").response.content
    assert drawn(f"{home}/apercu") == now
    assert drawn(f"{home}/apercu", legal_wording="Autre") != now
    assert drawn(f"{home}/apercu", colour="rouge") == now
    assert doors.house.read(terms, programme_id=town.programme_id).legal_wording == ""

    step = treasurer.send(treasurer.open(f"{home}/nouveau"), "/nouveau")
    base = step.path.removesuffix("emetteur")
    fields = {"csrf": fields["csrf"]}
    still = treasurer.open(f"{base}apercu.png").response.content
    assert drawn(f"{base}apercu/objectif", name="Un nom") != still
    assert drawn(f"{base}apercu/dates", expires_on="2028-01-31") != still
    assert drawn(f"{base}apercu/objectif", host="") == still
    assert drawn(f"{base}apercu/dates", expires_on="demain") == still
    assert qr.read_upright(Image.open(io.BytesIO(still)).convert("L"))[0].endswith("#SPECIMENSPECIMENSPECIMENSP")


def test_accepting_without_network_is_allowed_within_caps_and_forbidden_again(doors: Doors, town: Town) -> None:
    path = f"/p/{town.programme_id}/dispositif/hors-connexion"
    treasurer = sits_down(doors, town.programme_id, "treasurer")

    wrong = treasurer.send(treasurer.open(path), "/hors-connexion", allowed="yes", programme_count="5")
    allowed = treasurer.send(treasurer.open(path), "/hors-connexion", allowed="yes", till_cents="150")
    rule = doors.house.read(offline_rule_of, programme_id=town.programme_id)
    forbidden = treasurer.send(treasurer.open(path), "/hors-connexion", allowed="no")

    assert wrong.status == 422
    assert rule is not None
    assert (rule.till_cents, rule.till_count) == (15_000, 20)
    assert allowed.notice == forbidden.notice == "La règle hors connexion est enregistrée."
    assert doors.house.read(offline_rule_of, programme_id=town.programme_id) is None


def test_a_buyer_is_enrolled_and_one_of_its_people_is_enough(doors: Doors, town: Town) -> None:
    home = f"/p/{town.programme_id}/acheteurs"
    treasurer = sits_down(doors, town.programme_id, "treasurer")

    wrong = treasurer.send(
        treasurer.open(f"{home}/nouveau"), "/nouveau", name="CCAS", address="Mairie", siret="1", exposure_cap_cents="0"
    )
    made = treasurer.send(wrong, "/nouveau", siret="", exposure_cap_cents="2 500,00")
    ruled = treasurer.send(made, "/regle", approval="one")

    assert wrong.status == 422
    assert wrong.form("/nouveau").fields["name"] == "CCAS"
    assert made.notice == "L'acheteur est inscrit."
    assert "2 500,00 €" in made.text
    assert "sa demande vaut accord" in ruled.text
    buyer_id = int(made.path.rpartition("/")[2])
    assert doors.house.read(find_buyer, programme_id=town.programme_id, buyer_id=buyer_id).approval == "one"


def test_a_clerk_sees_their_own_buyer_alone_and_changes_no_rule(doors: Doors, town: Town) -> None:
    home = f"/p/{town.programme_id}/acheteurs"
    treasurer = sits_down(doors, town.programme_id, "treasurer")
    clerk = sits_down(doors, town.programme_id, "buyer_clerk", buyer_id=town.buyer_id)
    other = treasurer.send(
        treasurer.open(f"{home}/nouveau"), "/nouveau", name="<script>", address="x", exposure_cap_cents="0"
    )

    listed = clerk.open(home)
    own = clerk.open(f"{home}/{town.buyer_id}")

    assert "<script>" not in listed.text
    assert "<script>" in treasurer.open(home).text
    assert own.status == 200
    assert not own.tree.xpath("//form[contains(@action, '/regle')]")
    assert clerk.open(other.path).status == 403
    assert clock.book_day(clock.now()).strftime("%Y") in own.text
