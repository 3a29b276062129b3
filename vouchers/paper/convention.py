"""The convention between the chamber and a shop, to be printed twice and signed: what both undertake, in plain French.

What it says follows from the programme's rules alone; the chamber's own wording is added where it has one. It is a
model, to be read by the chamber's counsel before its first use. The same convention is the same bytes.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from vouchers.clock import day_fr
from vouchers.identity import siret_fr
from vouchers.money import percent_fr
from vouchers.paper import fonts
from vouchers.paper.fonts import BOLD, REGULAR
from vouchers.paper.page import DEEP, HEIGHT, LEFT, RIGHT, RULE, SOFT, TINT, Pages
from vouchers.paper.statement import Party

_SIZE: Final = 10.5
_LEADING: Final = 14.5
_FOOT: Final = 62.0
_SIGNING: Final = 176.0
"""What the two boxes to sign in take."""
_MOST_LINES: Final = 40
_WITH_THE_BOXES: Final = 2
"""Articles that stand on the page that is signed: nobody signs a sheet that says nothing."""
RHYTHM_FR: Final = {
    "weekly": "chaque semaine",
    "fortnightly": "toutes les deux semaines",
    "monthly": "chaque mois",
    "on_demand": "à l'initiative de l'émetteur, et au plus tard après la date limite de présentation",
}


@dataclass(frozen=True, slots=True)
class Convention:
    """One convention. Rates in basis points; `rhythm` a word of the programme's terms; `wording` the chamber's own."""

    number: str
    programme_name: str
    issuer: Party
    merchant: Party
    shop_name: str
    trade: str
    contact_name: str | None
    account: str | None
    """The account, masked; None where none is known yet."""
    starts_on: date
    expires_on: date
    presentation_deadline_on: date
    partial_use: bool
    commission_bp: int
    vat_bp: int
    reversal_window_minutes: int
    rhythm: str
    wording: str


def convention_pdf(convention: Convention) -> bytes:
    """A4 pages, the boxes to sign in at the end of the last."""
    out = io.BytesIO()
    sheet = _Sheet(out, convention)
    sheet.draw()
    return out.getvalue()


# fmt: off
def articles(told: Convention) -> Iterator[tuple[str, list[str]]]:
    """Each article: its title and its paragraphs."""
    yield "Objet", [
        f"Le commerçant accepte en paiement les chèques cadeaux du dispositif « {told.programme_name} », émis par"
        f" {told.issuer.name}. L'émetteur lui en rembourse la valeur. L'adhésion est gratuite et ne crée aucune"
        " exclusivité.",
    ]
    use = (
        "Un chèque peut servir en plusieurs fois : ce qui reste dessus appartient au client."
        if told.partial_use
        else "Un chèque se dépense en une fois. La monnaie n'est pas rendue."
    )
    yield "Accepter un chèque", [
        f"Un chèque se dépense du {day_fr(told.starts_on)} au {day_fr(told.expires_on)}. {use} Il ne s'échange pas"
        " contre de l'argent.",
        "Chaque chèque est scanné avant que la marchandise soit remise. Seul l'écran vert « accepté » vaut paiement ;"
        " un chèque refusé est rendu au client. Une erreur se corrige sur la caisse dans les"
        f" {told.reversal_window_minutes} minutes.",
        "Le commerçant ne refuse pas un client parce qu'il paie par chèque cadeau, et lui fait les mêmes prix.",
    ]
    yield "La caisse", [
        "Un téléphone du commerçant devient une caisse avec un code qui sert une fois. Le commerçant choisit qui s'en"
        " sert, et signale sans attendre un téléphone perdu ou volé : l'émetteur l'arrête aussitôt.",
    ]
    yield "Sans téléphone", [
        "Les chèques en papier peuvent être envoyés à l'émetteur jusqu'au"
        f" {day_fr(told.presentation_deadline_on)}, s'ils ont été reçus avant leur fin de validité. Après cette date,"
        " plus rien n'est remboursé.",
    ]
    free = "Aucune commission n'est retenue : chaque chèque est remboursé à sa valeur entière."
    taken = (
        f"L'émetteur retient une commission de {percent_fr(told.commission_bp)} hors taxes de la valeur acceptée, plus"
        f" la TVA au taux de {percent_fr(told.vat_bp)} sur cette commission. Elle est facturée à part."
    )
    account = f" sur le compte {told.account}" if told.account else " sur le compte que le commerçant indique"
    yield "Remboursement", [
        taken if told.commission_bp else free,
        f"Le remboursement part {RHYTHM_FR[told.rhythm]}, par virement{account}, avec un relevé qui détaille chaque"
        " chèque. Changer de compte demande la vérification de deux personnes chez l'émetteur, puis 48 heures : un"
        " appel ou un courriel ne suffit jamais.",
    ]
    yield "Contrôle et litiges", [
        "Un chèque accepté ailleurs, copié ou périmé n'est pas remboursé, sauf garantie prévue par le dispositif pour"
        " les acceptations hors réseau. L'émetteur peut suspendre un commerçant en cas d'abus, en le disant et en"
        " disant pourquoi ; ce qui lui est dû avant lui reste dû.",
    ]
    yield "Données", [
        "Le nom, l'adresse, les horaires et la photo du commerce paraissent dans la liste publique des commerces. Les"
        " coordonnées du responsable et le compte bancaire ne servent qu'au dispositif et ne sont pas publiés. Le"
        " commerçant peut les consulter et les faire corriger auprès de l'émetteur.",
    ]
    yield "Durée", [
        "La convention vaut de sa signature jusqu'au dernier remboursement du dispositif. Chacun peut y mettre fin par"
        " écrit, avec un mois de préavis ; les chèques acceptés jusque-là sont remboursés.",
    ]
    if told.wording.strip():
        yield "Conditions particulières", [line for line in told.wording.splitlines() if line.strip()]


# fmt: on
def _high(paragraphs: list[list[str]]) -> float:
    """What an article takes, its title and the room below it."""
    return 23 + sum(_LEADING * len(rows) + 3 for rows in paragraphs)


class _Sheet:
    """The pages of one convention."""

    def __init__(self, out: io.BytesIO, convention: Convention) -> None:
        self.told = convention
        title = f"Convention d'adhésion {convention.number}"
        self.pages = Pages(out, title=title, author=convention.issuer.name, subject=convention.shop_name)
        self.page = 1
        self.y = HEIGHT - 60

    def draw(self) -> None:
        self._head()
        self._parties()
        drawn = [
            (f"{number}. {title}", [self._rows(text) for text in paragraphs])
            for number, (title, paragraphs) in enumerate(articles(self.told), start=1)
        ]
        last = len(drawn) - _WITH_THE_BOXES
        for place, (title, paragraphs) in enumerate(drawn):
            if place == last and self.y - sum(_high(rows) for _, rows in drawn[last:]) - _SIGNING < _FOOT:
                self._turn()
            self._article(title, paragraphs)
        if self.y - _SIGNING < _FOOT:
            self._turn()
        self._boxes()
        self._foot()
        self.pages.turn()
        self.pages.close()

    def _head(self) -> None:
        self.pages.text(LEFT, self.y, "Convention d'adhésion", size=21, face=BOLD, ink=DEEP)
        self.pages.right(RIGHT, self.y, f"n° {self.told.number}", size=10, ink=SOFT)
        name = f"Chèques cadeaux « {self.told.programme_name} »"
        self.pages.text(LEFT, self.y - 19, name, size=12, room=RIGHT - LEFT)
        self.y -= 40

    def _parties(self) -> None:
        half = (RIGHT - LEFT - 16) / 2
        told = self.told
        shop = [f"{told.shop_name} ({told.trade})"] if told.shop_name != told.merchant.name else [told.trade]
        contact = [f"représenté par {told.contact_name}"] if told.contact_name else []
        sides: tuple[tuple[str, Party, list[str]], ...] = (
            ("L'émetteur", told.issuer, []),
            ("Le commerçant", told.merchant, [*shop, *contact]),
        )
        high = 106.0
        for column, (label, party, more) in enumerate(sides):
            x = LEFT + column * (half + 16)
            self.pages.block(x, self.y - high, width=half, height=high, ink=TINT)
            y = self.y - 15
            self.pages.text(x + 10, y, label, size=8.5, ink=SOFT)
            self.pages.text(x + 10, y - 15, party.name, size=11, face=BOLD, room=half - 20)
            siret = [f"SIRET {siret_fr(party.siret)}"] if party.siret else []
            rows = [*more, *party.address, *siret][:5]
            for place, row in enumerate(rows):
                self.pages.text(x + 10, y - 29 - 12.5 * place, row, size=9, room=half - 20)
        self.y -= high + 20

    def _article(self, title: str, drawn: list[list[str]]) -> None:
        if self.y - 16 - _LEADING * min(3, len(drawn[0])) < _FOOT:
            self._turn()
        self.pages.text(LEFT, self.y, title, size=12, face=BOLD, ink=DEEP)
        self.y -= 17
        for rows in drawn:
            for row in rows:
                if self.y < _FOOT:
                    self._turn()
                self.pages.text(LEFT, self.y, row, size=_SIZE, room=RIGHT - LEFT)
                self.y -= _LEADING
            self.y -= 3
        self.y -= 6

    def _rows(self, text: str) -> list[str]:
        rows, _size = fonts.paragraph(text, name=REGULAR, sizes=(_SIZE,), lines=_MOST_LINES, room=RIGHT - LEFT)
        return rows

    def _boxes(self) -> None:
        half = (RIGHT - LEFT - 16) / 2
        self.pages.text(LEFT, self.y - 4, "Fait en deux exemplaires, un pour chacun.", size=_SIZE)
        top, high = self.y - 18, _SIGNING - 40
        for column, (who, name) in enumerate(
            (("Pour l'émetteur", self.told.issuer.name), ("Pour le commerçant", self.told.merchant.name))
        ):
            x = LEFT + column * (half + 16)
            canvas = self.pages.canvas
            canvas.setStrokeColor(RULE)
            canvas.setLineWidth(1)
            canvas.rect(x, top - high, half, high)
            self.pages.text(x + 10, top - 16, who, size=10, face=BOLD)
            self.pages.text(x + 10, top - 30, name, size=9, room=half - 20)
            for row, label in enumerate(("Nom et qualité :", "À :", "Le :", "Signature :")):
                self.pages.text(x + 10, top - 50 - 17 * row, label, size=9, ink=SOFT)

    def _turn(self) -> None:
        self._foot()
        self.pages.turn()
        self.page += 1
        self.y = HEIGHT - 60

    def _foot(self) -> None:
        self.pages.rule(LEFT, 44, to=RIGHT)
        said = f"{self.told.merchant.name} – {self.told.programme_name}"
        self.pages.text(LEFT, 31, said, size=8, ink=SOFT, room=400)
        self.pages.right(RIGHT, 31, f"Convention {self.told.number}, page {self.page}", size=8, ink=SOFT)
