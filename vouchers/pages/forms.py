"""What somebody typed into a form, as it was typed: read field by field, and shown again when it is refused.

An amount is typed in euros ('12', '12,50', '1 200,00 €'), a day as the browser sends it (2026-12-31) or as the French
write it (31/12/2026). What cannot be read refuses `BadInput` with the name of its field, so that the page can say so
beside it.
"""

import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final, NamedTuple

from vouchers.errors import BadInput, Refusal
from vouchers.money import MAX_CENTS, cents_from_text, share_of
from vouchers.pages.language import Language, _, say, typographic

_SPACES: Final = re.compile(r"[\s\u00a0\u202f]+")
_DAY_FR: Final = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})", re.ASCII)
_DAY_ISO: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", re.ASCII)
_WHOLE: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_YEARS: Final = range(2000, 2200)
MOST_CHARACTERS: Final = 4_000
_IN_WORDS: Final = {
    "not_found": _("Ce que vous cherchez n'est pas là."),
    "forbidden": _("Votre rôle ne permet pas cette action."),
    "same_person": _("Quatre yeux : une autre personne doit le faire."),
    "already_enrolled": _("C'est déjà inscrit : il n'y a rien à refaire."),
}


def in_words(refusal: Refusal, language: Language) -> str:
    """Why, for a person: without the name that a program has for an act or a thing."""
    plain = _IN_WORDS.get(refusal.reason)
    return refusal.text(language) if plain is None else say(plain, language)


class Upload(NamedTuple):
    """A file that somebody sent: its name as their computer calls it, and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Typed:
    """The fields of a form. `refusal`: why it came back; None when it is shown for the first time."""

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    uploads: Mapping[str, Upload] = field(default_factory=dict)
    refusal: Refusal | None = None

    def refused(self, refusal: Refusal) -> "Typed":
        """The same, with why it was refused."""
        return replace(self, refusal=refusal)

    @property
    def wrong_field(self) -> str | None:
        """The field to put right, where it is one."""
        return str(self.refusal.data["field"]) if isinstance(self.refusal, BadInput) else None

    def why(self, language: Language) -> str:
        """Why the form came back, for who sees it; empty when it did not."""
        if isinstance(self.refusal, BadInput):
            said = self.refusal.beside(language)
        else:
            said = "" if self.refusal is None else in_words(self.refusal, language)
        return typographic(said) if language == "fr" else said

    def shown(self, name: str, default: Any = "") -> str:
        """What to put into the field again; `default` before anything was typed."""
        given = self.values.get(name)
        return given[0] if given else ("" if default is None else str(default))

    def has(self, name: str) -> bool:
        """Whether something stands in the field, or its box is ticked."""
        return any(value.strip() for value in self.values.get(name, ()))

    def many(self, name: str) -> tuple[str, ...]:
        """Every value of a field that may be given several times."""
        return tuple(value.strip() for value in self.values.get(name, ()) if value.strip())

    def text(self, name: str) -> str:
        """A text that is not empty. Refuses `BadInput`."""
        given = self.optional(name)
        if given is None:
            raise BadInput(field=name, problem="missing")
        return given

    def optional(self, name: str) -> str | None:
        """A text, None where nothing was typed. Line ends become plain line feeds."""
        given = self.shown(name).replace("\r\n", "\n").strip()
        if len(given) > MOST_CHARACTERS:
            raise BadInput(field=name, problem="length", least=1, most=MOST_CHARACTERS)
        return given or None

    def cents(self, name: str, *, least: int = 0, most: int = MAX_CENTS) -> int:
        """Euros as typed, in whole cents. Refuses `BadInput`."""
        typed = _SPACES.sub("", self.text(name)).removesuffix("€")
        cents = cents_from_text(typed)
        if cents is None:
            raise BadInput(field=name, problem="not_an_amount")
        if not least <= cents <= most:
            raise BadInput(field=name, problem="amount_range", least_cents=least, most_cents=most)
        return cents

    def whole(self, name: str, *, least: int = 0, most: int = 10**12 - 1) -> int:
        """A whole number. Refuses `BadInput`."""
        typed = _SPACES.sub("", self.text(name))
        if not _WHOLE.fullmatch(typed):
            raise BadInput(field=name, problem="not_whole")
        if not least <= int(typed) <= most:
            raise BadInput(field=name, problem="range", least=least, most=most)
        return int(typed)

    def basis_points(self, name: str) -> int:
        """A percentage as typed ('5', '5,25 %'), in hundredths of a percent, up to 100 %. Refuses `BadInput`."""
        typed = _SPACES.sub("", self.text(name)).removesuffix("%")
        hundredths = cents_from_text(typed)
        if hundredths is None:
            raise BadInput(field=name, problem="not_a_rate")
        if hundredths > share_of(10_000, basis_points=10_000):
            raise BadInput(field=name, problem="range", least=0, most=100)
        return hundredths

    def day(self, name: str) -> date:
        """A day. Refuses `BadInput`."""
        typed = self.text(name)
        iso, french = _DAY_ISO.fullmatch(typed), _DAY_FR.fullmatch(typed)
        parts = iso.groups() if iso else french.groups()[::-1] if french else None
        if parts is not None:
            with suppress(ValueError):
                day = date(int(parts[0]), int(parts[1]), int(parts[2]))
                if day.year in _YEARS:
                    return day
        raise BadInput(field=name, problem="not_a_day")

    def choice(self, name: str, words: Collection[str]) -> str:
        """One of `words`. Refuses `BadInput`."""
        given = self.text(name)
        if given not in words:
            raise BadInput(field=name, problem="one_of", words=", ".join(words))
        return given

    def upload(self, name: str) -> Upload | None:
        """The file that was sent; None where none was."""
        return self.uploads.get(name)


def day_typed(day: date | None) -> str:
    """A day as a date field takes it."""
    return "" if day is None else day.isoformat()
