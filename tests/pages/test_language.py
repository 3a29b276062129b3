"""Every sentence of the pages is said in both languages."""

import re
from pathlib import Path
from typing import Final

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from vouchers.pages import language

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
