"""Every sentence of the pages is said in both languages."""

import re
from pathlib import Path
from typing import Final

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from vouchers.errors import OrderState
from vouchers.pages import language
from vouchers.tables import BATCH_STATES, LIST_STATES, ORDER_STATES, RUN_STATES, VOUCHER_STATES
from vouchers.wrong import STATES_FR

PAGES: Final = Path(language.__file__).parent
_METHODS: Final = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]
_OPTIONS: Final = {"templates/**.html": {"extensions": "jinja2.ext.i18n", "trimmed": "false", "silent": "false"}}
_FILLED: Final = re.compile(r"%\([a-z_]+\)[sd]|\{[a-z_]+\}")


def sentences() -> dict[str, str]:
    """Each sentence of the pages, and where it stands."""
    found: dict[str, str] = {}
    for name, line, message, _comments, _context in extract_from_dir(str(PAGES), _METHODS, _OPTIONS):
        for one in message if isinstance(message, tuple) else (message,):
            found.setdefault(one, f"{name}:{line}")
    return found


def test_every_sentence_has_its_english() -> None:
    known = language.english()
    plural = {pair for path in (PAGES / "locale" / "en").glob("*.po") for pair in _plurals(path)}
    missing = [f"{where}: {one}" for one, where in sentences().items() if one not in known and one not in plural]
    assert not missing, "\n" + "\n".join(sorted(missing))


def test_no_translation_stands_for_a_sentence_that_is_gone() -> None:
    gone = sorted(set(language.english()) - set(sentences()))
    assert not gone, "\n".join(gone)


def test_a_translation_fills_in_what_its_sentence_fills_in() -> None:
    for french, said in language.english().items():
        for english in (said,) if isinstance(said, str) else said:
            assert sorted(set(_FILLED.findall(french))) == sorted(set(_FILLED.findall(english))), french


def _plurals(path: Path) -> list[str]:
    with path.open("rb") as file:
        return [message.id[1] for message in read_po(file) if isinstance(message.id, (tuple, list))]


def test_a_refusal_tells_the_state_of_a_thing_in_words_and_not_in_those_of_its_table() -> None:
    told = OrderState(number=2, state="approved", wanted="paid, accepted")
    assert told.text("fr") == "La commande 2 est « approuvée » ; il faudrait : payée ou acceptée."
    assert told.text("en") == "Order 2 is 'approved'; wanted: paid, accepted."
    told_of = {*ORDER_STATES, *BATCH_STATES, *VOUCHER_STATES, *RUN_STATES, *LIST_STATES}
    assert told_of - set(STATES_FR) == set()
