"""The small town of the demonstration: seventy shops that do not exist, with numbers whose keys are right.

Everything is drawn from one seed, so that the same town comes back each time.
"""

from random import Random
from typing import Final, NamedTuple

from schwifty import IBAN
from stdnum import luhn

COMMUNES: Final = ("Saint-Pierre-en-Auge", "Mézidon Vallée d'Auge", "Livarot-Pays-d'Auge", "Falaise")
_SHOPS: Final = {
    "Boulangerie": ("Au Pain d'Œillette", "La Miche dorée", "Le Fournil du Marché", "Aux Deux Épis", "Chez Françoise"),
    "Boucherie": ("Boucherie Lemaître", "Au Bœuf normand", "La Ferme d'Anaïs", "Maison Gaël"),
    "Fromagerie": ("La Crémerie d'Auge", "Le Pavé de Noël", "Au Bon Lait"),
    "Fleuriste": ("Pétales & Cie", "Le Jardin d'Hélène", "L'Églantine"),
    "Librairie": ("La Page tournée", "Livres & Thé", "Le Marque-page"),
    "Pharmacie": ("Pharmacie de la Halle", "Pharmacie du Prieuré"),
    "Coiffure": ("Coup d'éclat", "Chez Maëlle", "L'Atelier du cheveu", "Salon Jérôme", "Mèche à mèche"),
    "Restaurant": ("Le Pressoir", "L'Auberge du Pont", "La Table de Zoé", "Au Vieux Moulin", "Le Café de la Halle"),
    "Épicerie": ("Épicerie du Bourg", "Le Petit Panier", "Vrac & Compagnie", "Aux Saveurs d'Ici"),
    "Prêt-à-porter": ("Fil & Coton", "La Malle d'Inès", "Chez Benoît", "Élégance"),
    "Chaussures": ("À Vos Pieds", "Le Soulier normand"),
    "Quincaillerie": ("Clous & Crochets", "Brico du Bourg"),
    "Optique": ("Lunettes & Lumière", "Optique de l'Église"),
    "Cave": ("Cave du Pays d'Auge", "Cidre & Poiré", "Le Chai de Loïc"),
    "Primeur": ("Les Quatre Saisons", "Le Potager de Théo", "Primeurs du Marché"),
    "Poissonnerie": ("La Marée du jeudi", "Chez Yvon"),
    "Bijouterie": ("L'Heure juste", "Éclats"),
    "Jouets": ("La Toupie", "Le Grenier aux jouets"),
    "Institut de beauté": ("Douce Heure", "Belle Âme", "L'Instant présent"),
    "Cycles": ("Le Pignon fixe", "Vélos d'Auge"),
    "Traiteur": ("Maison Delaunay", "Le Goût des autres", "Chez Émile"),
    "Mercerie": ("Point de croix", "Bobines & Boutons"),
    "Garage": ("Garage du Stade", "Méca'Auge"),
    "Confiserie": ("La Bonbonnière", "Sucre & Nougat"),
}
_OWNERS: Final = (
    "Lefèvre", "Guérin", "Lemaître", "Noël", "Dubois", "Hébert", "Lecœur", "Marie", "Anquetil", "Duchêne",
    "Vasseur", "Bénard", "Poulain", "Gosselin", "Renault", "Aubry", "Quesnel", "Levêque", "Delarue", "Thiébault",
)  # fmt: skip
_BANKS: Final = ("30006", "10278", "16606", "20041")


class Shop(NamedTuple):
    """One shop of the town."""

    shop_name: str
    legal_name: str
    siret: str
    trade: str
    commune: str
    account_holder: str
    iban: str


def shops(count: int, *, chance: Random) -> list[Shop]:
    """`count` different shops (at most seventy)."""
    named = [(name, trade) for trade, names in _SHOPS.items() for name in names]
    assert count <= len(named), f"the town has {len(named)} shops"
    made = []
    for rank, (name, trade) in enumerate(chance.sample(named, count)):
        owner = chance.choice(_OWNERS)
        made.append(
            Shop(
                shop_name=name,
                legal_name=f"SARL {owner}",
                siret=siret(80_000_000 + rank, establishment=1),
                trade=trade,
                commune=chance.choices(COMMUNES, weights=(6, 2, 1, 1))[0],
                account_holder=f"SARL {owner}",
                iban=iban(chance),
            )
        )
    return made


_HOURS: Final = (
    "Du mardi au samedi : 9h-12h30, 14h-19h",
    "Du mardi au samedi : 7h-13h, 14h-19h30 | dimanche : 7h-13h",
    "Du lundi au samedi : 9h-19h",
    "Du mardi au samedi : 9h-22h | dimanche : 9h-15h",
)


class Profile(NamedTuple):
    """Where a shop of the town stands and when it is open; the place in millionths of a degree."""

    street: str
    postcode: str
    phone: str
    hours: str
    latitude_e6: int
    longitude_e6: int


_POSTCODES: Final = dict(zip(COMMUNES, ("14170", "14270", "14140", "14700"), strict=True))
_PLACES: Final = dict(
    # Of the real communes' centres, to some hundred metres: their shops are made up, and so are their addresses.
    zip(
        COMMUNES,
        ((49_019_000, -34_000), (49_086_000, -65_000), (49_007_000, 152_000), (48_893_000, -198_000)),
        strict=True,
    )
)


def profile(*, trade: str, commune: str, chance: Random) -> Profile:
    """A shop's address and its place, near the middle of its commune."""
    latitude_e6, longitude_e6 = _PLACES[commune]
    return Profile(
        street=f"{chance.randint(1, 60)} {chance.choice(('rue de la Halle', 'place du Marché', 'rue de Lisieux'))}",
        postcode=_POSTCODES[commune],
        phone=f"02 31 {chance.randint(10, 99)} {chance.randint(10, 99)} {chance.randint(10, 99)}",
        hours=_HOURS[3] if trade == "Restaurant" else chance.choice(_HOURS[:3]),
        latitude_e6=latitude_e6 + chance.randint(-6_000, 6_000),
        longitude_e6=longitude_e6 + chance.randint(-9_000, 9_000),
    )


def siret(company: int, *, establishment: int) -> str:
    """A SIRET with right keys: eight digits and their key, then four and theirs."""
    siren = f"{company:08d}"
    siren += luhn.calc_check_digit(siren)
    body = f"{siren}{establishment:04d}"
    return body + luhn.calc_check_digit(body)


def vat_number(company: int) -> str:
    """The VAT number of the same company, its key right."""
    siren = int(siret(company, establishment=1)[:9])
    return f"FR{(12 + 3 * (siren % 97)) % 97:02d}{siren:09d}"


def iban(chance: Random) -> str:
    """A French IBAN with both its keys right, at a bank that is listed, of nobody."""
    bank, branch, account = chance.choice(_BANKS), chance.randrange(1, 99_999), chance.randrange(10**10)
    key = 97 - (89 * int(bank) + 15 * branch + 3 * account) % 97
    return str(IBAN.from_bban("FR", f"{bank}{branch:05d}{account:011d}{key:02d}"))
