"""French first, English second. The French sentence is the name of its translation (`locale/en/*.po`).

    _("Commandes à approuver")          in a template, or `say(_("…"))` where a page speaks from Python

Each room of pages has a catalogue of its own; together they are one. They are read as text at the start, so that
nothing has to be compiled. A sentence without its English fails a test.
"""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final, Literal

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

Language = Literal["fr", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("fr", "en")
LOCALE: Final = Path(__file__).parent / "locale"
_KEPT_WITH: Final = re.compile(r"(?<=[^ ]) (?=[:;?!»€]|%(?!\())|(?<=«) (?=[^ ])|(?<=n°) (?=[^ ])")
"""Where French has a space at which no line may break; `%(` begins a name to be filled in."""


def _(sentence: str) -> str:
    """Marks a sentence of Python code for the catalogue; it is translated where it is shown."""
    return sentence


@cache
def english() -> dict[str, str | tuple[str, str]]:
    """French → English; a pair (singular, plural) under the French singular of a counted sentence.

    Raises ValueError when two catalogues translate one sentence differently.
    """
    known: dict[str, str | tuple[str, str]] = {}
    for path in sorted((LOCALE / "en").glob("*.po")):
        for named, said in _sentences(path).items():
            if known.setdefault(named, said) != said:
                raise ValueError(f"{path.name}: another catalogue translates {named!r} differently")
    return known


def _sentences(path: Path) -> dict[str, str | tuple[str, str]]:
    with path.open("rb") as file:
        catalogue: Catalog = read_po(file, locale="en")
    said: dict[str, str | tuple[str, str]] = {}
    for message in catalogue:
        if not message.id or "fuzzy" in message.flags:
            continue
        if isinstance(message.id, (tuple, list)) and isinstance(message.string, (tuple, list)):
            said[message.id[0]] = (message.string[0], message.string[1])
        elif message.string:
            said[str(message.id)] = str(message.string)
    return said


def typographic(sentence: str) -> str:
    """A French sentence whose signs stay on the line of the word before them: 'Bloquer ?' with a no-break space."""
    return _KEPT_WITH.sub("\N{NO-BREAK SPACE}", sentence)


def gettext_in(language: Language) -> Callable[[str], str]:
    """How a sentence is said in `language`."""

    def said(sentence: str) -> str:
        if language == "fr":
            return typographic(sentence)
        found = english().get(sentence, sentence)
        return found if isinstance(found, str) else found[0]

    return said


def ngettext_in(language: Language) -> Callable[[str, str, int], str]:
    """How a counted sentence is said in `language`; French has the singular for 0 and 1, English for 1 alone."""

    def said(one: str, many: str, count: int) -> str:
        if language == "fr":
            return typographic(one if abs(count) < 2 else many)
        found = english().get(one, (one, many))
        pair = (found, found) if isinstance(found, str) else found
        return pair[0] if count == 1 else pair[1]

    return said


def say(sentence: str, language: Language, **values: object) -> str:
    """A marked sentence in `language`, its `{names}` filled in."""
    said = gettext_in(language)(sentence)
    return said.format(**values) if values else said
