"""The programme's own text of a letter: paragraphs, and words in braces that stand for what differs by person.

The list of these words is closed, so that nobody finds a pair of braces in their letter.
"""

import re
from collections.abc import Mapping
from typing import Final

from vouchers.errors import BadInput

WORDS: Final = (
    "civilite", "prenom", "nom", "cheques", "nombre", "montant", "dernier_jour", "programme", "acheteur",
)  # fmt: skip
"""`cheques` is '4 chèques cadeaux' or '1 chèque cadeau', `nombre` the figure alone, `montant` what they are worth
together, `acheteur` who offers them."""
MOST_CHARACTERS: Final = 1_500
DEFAULT_TEXT: Final = """{civilite},

Nous avons le plaisir de vous offrir {cheques}, d’une valeur de {montant} en tout.

À dépenser dans les commerces près de chez vous, jusqu’au {dernier_jour} inclus."""
"""Where a programme has none of its own."""
_DEFAULT_FOR_ONE: Final = DEFAULT_TEXT.replace(" en tout", "")
_SPACES: Final = re.compile(r"[ \t]+")
_UNPARTED: Final = re.compile(r" (?=[:;!?»€])|(?<=«) ")
"""Spaces where no French line may end."""
_BRACED: Final = re.compile(r"\{([^{}]*)\}")


def refusal(text: str, *, field: str = "letter_text") -> BadInput | None:
    """Why `text` cannot be printed: too long by far, a word in braces that is none of `WORDS`, a brace left alone."""
    if len(text) > MOST_CHARACTERS:
        return BadInput(field=field, problem="length", least=1, most=MOST_CHARACTERS)
    left = _BRACED.sub("", text)
    if "{" in left or "}" in left or any(word not in WORDS for word in _BRACED.findall(text)):
        return BadInput(field=field, problem="unknown_word", words=", ".join(f"{{{word}}}" for word in WORDS))
    return None


def paragraphs(text: str, said: Mapping[str, str]) -> list[str]:
    """The paragraphs of `text` (the default where it is empty) with `said` in the place of the words in braces.

    The default sums up several vouchers (`nombre`), never one. A word for which nothing is said leaves no gap before
    the comma that follows it.
    """
    default = _DEFAULT_FOR_ONE if said.get("nombre") == "1" else DEFAULT_TEXT
    filled = _BRACED.sub(lambda found: said.get(found[1], ""), text.strip() or default)
    spaced = (_SPACES.sub(" ", line).strip().replace(" ,", ",") for line in filled.splitlines())
    return [_UNPARTED.sub("\N{NO-BREAK SPACE}", line) for line in spaced if line]


def called(civility: str | None) -> str:
    """How a letter begins, from what a list has for a title; both where nothing says which."""
    given = (civility or "").casefold().rstrip(".")
    if given in {"m", "mr", "monsieur"}:
        return "Monsieur"
    return "Madame" if given in {"mme", "mlle", "madame", "mademoiselle"} else "Madame, Monsieur"
