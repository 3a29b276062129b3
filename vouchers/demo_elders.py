"""The elders of the demonstration: people who do not exist, on the list that a town hall's spreadsheet would give.

The file is what such a file is: `;` between its columns, Windows-1252, names in capitals here and not there, one person
twice with and without an accent, one postcode that lost its first digit.
"""

from random import Random
from typing import Final, NamedTuple

HEADER: Final = ("Civilité", "Nom", "Prénom", "Adresse", "Code postal", "Ville", "Tournée", "Nombre", "Valeur")
_FIRST: Final = {
    "Mme": (
        "Yvette", "Jeannine", "Marie-Thérèse", "Simone", "Monique", "Huguette", "Ginette", "Denise", "Odette",
        "Paulette", "Françoise", "Colette", "Hélène", "Andrée", "Zoé", "Geneviève", "Solange", "Éliane", "Marcelle",
        "Renée",
    ),
    "M.": (
        "René", "Marcel", "Bernard", "Gérard", "Raymond", "Lucien", "André", "Guy", "Roland", "Fernand", "Étienne",
        "Jean-Claude", "Émile", "Maurice", "Yves", "Roger", "Gaston", "Noël", "Désiré", "Loïc",
    ),
}  # fmt: skip
_LAST: Final = (
    "Lefèvre", "Guérin", "Lemaître", "Dubois", "Hébert", "Lecœur", "Marie", "Anquetil", "Duchêne", "Vasseur", "Bénard",
    "Poulain", "Gosselin", "Renault", "Aubry", "Quesnel", "Levêque", "Delarue", "Thiébault", "Besnard", "Leroy",
    "d'Ornano", "de La Haye", "Fleury", "Marguerite", "Lepage", "Toutain", "Jardin", "Hamel", "Catherine", "Mérouze",
    "Picquenard", "Lhermitte", "Saint-Martin", "Noël", "Pottier", "Blaisot", "Carel", "Deschamps", "Enguehard",
)  # fmt: skip
_STREETS: Final = (
    "rue de l'Église", "rue du Bourg", "place de la Halle", "chemin des Pommiers", "rue de Lisieux", "route de Falaise",
    "impasse du Lavoir", "rue du Docteur-Lebigre", "résidence Les Tilleuls, appartement", "hameau de la Cour-Neuve",
)  # fmt: skip
_ROUNDS: Final = ("Centre", "Nord", "Sud", "Hameaux")


class Elder(NamedTuple):
    """One line of the list."""

    civility: str
    last_name: str
    first_name: str
    address: str
    postcode: str
    town: str
    round: str
    quantity: int
    euros: int


def elders(count: int, *, quantity: int, euros: int, chance: Random) -> list[Elder]:
    """`count` people, each of whom receives `quantity` vouchers of so many euros."""
    people = []
    for rank in range(count):
        civility = "Mme" if chance.random() < 0.6 else "M."
        last = chance.choice(_LAST)
        people.append(
            Elder(
                civility=civility,
                last_name=last.upper() if rank % 3 else last,
                first_name=chance.choice(_FIRST[civility]),
                address=f"{rank % 90 + 1} {chance.choice(_STREETS)}",
                postcode="14170",
                town="Saint-Pierre-en-Auge",
                round=_ROUNDS[rank % len(_ROUNDS)],
                quantity=quantity,
                euros=euros,
            )
        )
    return people


def as_file(people: list[Elder]) -> bytes:
    """The list as the town hall's spreadsheet saves it."""
    lines = [";".join(HEADER), *(";".join(map(str, person)) for person in people)]
    return ("\r\n".join(lines) + "\r\n").encode("cp1252")
