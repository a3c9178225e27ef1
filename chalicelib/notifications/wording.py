"""Messages put into words: one template for each message, channel and language.

An e-mail template gives the HTML and the text form alike: it is rendered twice, with the
building blocks (`kit`) and the frame of either form, the HTML one with autoescape. Names and
texts that people wrote appear as they wrote them, but cannot act: markup is escaped, direction
marks end where the name ends, and line breaks never reach a subject.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from chalicelib.kernel.clock import moment
from chalicelib.notifications.rules import LOCALE_DEFAULT, LOCALES

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES: Final = Path(__file__).parent / "templates"
SUBJECT_MAX: Final = 200
ISOLATE: Final = "\u2068"
ISOLATE_END: Final = "\u2069"
EMBEDDING_END: Final = "\u202c"

_RIGHT_TO_LEFT: Final = frozenset(
    {"R", "AL", "RLE", "RLO", "RLI", "LRE", "LRO", "LRI", "FSI", "PDF", "PDI"}
)
_OPENERS: Final = frozenset({"RLE", "RLO", "LRE", "LRO", "RLI", "LRI", "FSI"})
_BLANK_LINES: Final = re.compile(r"\n{3,}")
_SYMBOLS: Final = {"EUR": "€", "GBP": "£", "USD": "$"}
_WHOLE_UNITS: Final = frozenset({"JPY", "KRW", "XOF", "XAF"})
_GROUPING: Final = {"en-GB": (",", "."), "de-DE": (".", ","), "fr-FR": ("\u202f", ",")}

Facts = Mapping[str, Any]  # Any: templates read values of many shapes


@dataclass(frozen=True, slots=True)
class Words:
    """A message in words: what a mail needs; short messages leave `html` empty."""

    subject: str
    text: str
    html: str = ""


def mail_words(template: str, locale: str, facts: Facts) -> Words:
    """An e-mail: its subject, its text and its HTML."""
    values = {**facts, "locale": _known(locale)}
    path = f"{values['locale']}/email/{template}.j2"
    text, html = _text(), _html()
    subject = "".join(_block(text, path, "subject", values))
    written = _rendered(text, path, {**values, "frame": "frame.txt.j2"})
    return Words(
        subject=_one_line(subject)[:SUBJECT_MAX],
        # Quoted lines are indented, so no empty line of a person's own text is lost.
        text=_BLANK_LINES.sub("\n\n", written),
        html=_rendered(html, path, {**values, "frame": "frame.html.j2"}),
    )


def sms_words(template: str, locale: str, facts: Facts) -> Words:
    """A text message of one line."""
    values = {**facts, "locale": _known(locale)}
    path = f"{values['locale']}/sms/{template}.j2"
    return Words("", _one_line(_rendered(_text(), path, values)))


def notice_words(template: str, locale: str, facts: Facts) -> Words:
    """A push message or in-app notification: a title and one sentence."""
    values = {**facts, "locale": _known(locale)}
    path = f"{values['locale']}/notice/{template}.j2"
    title, body = (_one_line(_block(_text(), path, part, values)) for part in ("title", "body"))
    return Words(title, body)


def _known(locale: str) -> str:
    return locale if locale in LOCALES else LOCALE_DEFAULT


def _rendered(environment: "Environment", path: str, values: Facts) -> str:
    words = _dictionary(environment, str(values["locale"]))
    return environment.get_template(path).render({**values, "words": words}).strip() + "\n"


def _block(environment: "Environment", path: str, name: str, values: Facts) -> str:
    template = environment.get_template(path)
    words = _dictionary(environment, str(values["locale"]))
    context = template.new_context({**values, "words": words})
    return "".join(template.blocks[name](context))


def _dictionary(environment: "Environment", locale: str) -> object:
    return environment.get_template(f"{locale}/words.j2").module


def _one_line(text: str) -> str:
    return " ".join(text.split())


@lru_cache(maxsize=1)
def _html() -> "Environment":
    from markupsafe import Markup  # noqa: PLC0415 - with jinja2, below

    return _environment("kit.html.j2", lambda name: Markup("<bdi>{}</bdi>").format(name))


@lru_cache(maxsize=1)
def _text() -> "Environment":
    return _environment("kit.txt.j2", isolated)


def _environment(kit: str, person: Callable[[str], str]) -> "Environment":
    # The API function mounts this module's triggers too, but never writes a mail.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        # The text form has no markup that could be escaped.
        autoescape=kit.endswith("html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {"money": money, "clock": clock, "day": day, "person": person}
    environment.globals["ui"] = environment.get_template(kit).module
    return environment


def isolated(name: str) -> str:
    """A name in plain text; one that is written from the right cannot turn what follows."""
    if not any(unicodedata.bidirectional(letter) in _RIGHT_TO_LEFT for letter in name):
        return name
    # Whatever the name opens is closed behind it, even if it closes our isolate itself.
    opened = sum(unicodedata.bidirectional(letter) in _OPENERS for letter in name)
    ends = EMBEDDING_END * opened
    return f"{ISOLATE}{name}{ends}{ISOLATE_END * (opened + 1)}{ends}"


def money(amount: int, currency: str, locale: str) -> str:
    """An amount in minor units as the readers of `locale` write it."""
    thousands, point = _GROUPING[_known(locale)]
    digits = 0 if currency in _WHOLE_UNITS else 2
    whole, rest = divmod(abs(amount), 10**digits)
    written = f"{whole:,}".replace(",", thousands)
    if digits:
        written = f"{written}{point}{rest:0{digits}d}"
    sign = "-" if amount < 0 else ""
    symbol = _SYMBOLS.get(currency)
    if locale == LOCALE_DEFAULT:
        return f"{sign}{symbol or currency + chr(0xA0)}{written}"
    return f"{sign}{written}\u00a0{symbol or currency}"


def clock(instant: str, locale: str) -> str:
    """An instant as day and minute in UTC."""
    return f"{day(instant[:10], locale)} {moment(instant):%H:%M} UTC"


def day(written: str, locale: str) -> str:
    """A day, given as YYYY-MM-DD, as the readers of `locale` write it."""
    separator = "." if locale == "de-DE" else "/"
    return separator.join(reversed(written.split("-")))
