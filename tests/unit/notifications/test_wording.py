"""Every template in every language, told to readers with hostile names."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from chalicelib.notifications.rules import LOCALES, NOTICES, Channel
from chalicelib.notifications.wording import (
    TEMPLATES,
    Words,
    isolated,
    mail_words,
    money,
    notice_words,
    sms_words,
)
from tools.gallery import FACTS, facts

# Registration and the contact form are open to anybody, so their mails repeat nothing a
# stranger wrote: they could be used to write to others.
IMPERSONAL = {"verify_email", "already_registered", "ticket_received", "daily_report"}
HOSTILE = {
    "markup": '<script>alert(1)</script><img src=x onerror="alert(2)">',
    "attribute": '" onmouseover="alert(1)" x="',
    "template": "{{ 7 * 7 }}{% raw %}${7*7}",
    "right-to-left": "\u202egnidael\u202c שלום",
    "unbalanced": "\u2066\u202e\u2069\u2069 מרחבא",
    "very long": "N" * 100,
    "line breaks": "Zoe\r\nBcc: all@elsewhere.example\r\n\r\n<b>",
    "emoji": "Zoë 👩‍👩‍👧‍👦🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    "entities": "&lt;b&gt; &amp; &#x3C;",
}
TOLD = [(notice.template, channel) for notice in NOTICES.values() for channel in notice.channels]


class Page(HTMLParser):
    """What a browser would make of a mail: its elements, their attributes, its text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element and the names of its attributes: what a name must not change."""
        self.elements.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text += data


def squeezed(text: str) -> str:
    """Text without white space, in which browsers and mails may differ."""
    return "".join(text.split())


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("template", sorted({notice.template for notice in NOTICES.values()}))
@pytest.mark.parametrize("hostile", sorted(HOSTILE))
def test_mails_are_harmless_and_intact(template: str, locale: str, hostile: str) -> None:
    """A hostile name adds no element and no attribute, breaks no subject, and is still there."""
    name = HOSTILE[hostile]
    words = mail_words(template, locale, facts(name))
    harmless = Page(mail_words(template, locale, FACTS).html)
    page = Page(words.html)
    assert page.elements == harmless.elements
    assert not re.search(r"[\r\n]", words.subject)
    assert 0 < len(words.subject) <= 200
    is_shown = template not in IMPERSONAL
    assert (squeezed(name) in squeezed(page.text)) is is_shown
    assert (squeezed(name) in squeezed(words.text)) is is_shown


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(("template", "channel"), sorted(set(TOLD)))
def test_every_message_has_words_in_every_language(
    template: str, channel: Channel, locale: str
) -> None:
    """No channel of a notice lacks a template, and none shows a key instead of a value."""
    render = {Channel.EMAIL: mail_words, Channel.SMS: sms_words, Channel.PUSH: notice_words}
    words = render[channel](template, locale, FACTS)
    assert words.text.strip()
    assert "{{" not in words.text + words.html + words.subject
    assert "None" not in words.text


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("hostile", sorted(HOSTILE))
def test_short_messages_are_one_line(locale: str, hostile: str) -> None:
    """A carrier's name from a staff form cannot make a second line or a second message."""
    told: dict[str, Any] = {**FACTS, "tracking": {"carrier": HOSTILE[hostile], "number": "T1"}}
    assert "\n" not in sms_words("order_shipped", locale, told).text.strip()
    assert "\n" not in notice_words("order_shipped", locale, told).text


@pytest.mark.parametrize("locale", LOCALES)
def test_in_app_words_exist_for_every_in_app_notice(locale: str) -> None:
    """Whatever the table of notices keeps in the shop has a title and a sentence."""
    for notice in NOTICES.values():
        if notice.in_app:
            words = notice_words(notice.template, locale, FACTS)
            assert words.subject
            assert words.text


def test_a_reply_keeps_its_empty_lines() -> None:
    """What staff wrote arrives as they wrote it, each line indented."""
    told = {**FACTS, "text": "First.\n\n\n\nSecond."}
    text = mail_words("ticket_reply", "en-GB", told).text
    assert "  First.\n  \n  \n  \n  Second.\n" in text


def test_languages_have_the_same_templates() -> None:
    """No message is missing in one language, and an unknown language reads English."""
    listed = [
        {path.relative_to(TEMPLATES / one).as_posix() for path in (TEMPLATES / one).rglob("*.j2")}
        for one in LOCALES
    ]
    assert listed[0] == listed[1] == listed[2]
    assert mail_words("welcome", "xx-XX", FACTS) == mail_words("welcome", "en-GB", FACTS)


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "written"),
    [
        (123456789, "EUR", "en-GB", "€1,234,567.89"),
        (123456789, "EUR", "de-DE", "1.234.567,89\u00a0€"),
        (123456789, "EUR", "fr-FR", "1\u202f234\u202f567,89\u00a0€"),
        (5, "EUR", "en-GB", "€0.05"),
        (-500, "EUR", "de-DE", "-5,00\u00a0€"),
        (1200, "JPY", "en-GB", "JPY\u00a01,200"),
        (1200, "CHF", "de-DE", "12,00\u00a0CHF"),
    ],
)
def test_money_is_written_as_readers_write_it(
    amount: int, currency: str, locale: str, written: str
) -> None:
    """Grouping, decimal mark and symbol follow the language; yen have no cents."""
    assert money(amount, currency, locale) == written


def test_direction_marks_of_a_name_end_with_it() -> None:
    """Every opened embedding and isolate is closed behind the name; plain names stay plain."""
    name = "\u202eevil\u2067"
    wrapped = isolated(name)
    assert wrapped.startswith("\u2068" + name)
    assert wrapped.count("\u202c") >= 2
    assert wrapped.count("\u2069") >= 3
    assert isolated("Zoë") == "Zoë"


def test_no_message_is_empty_of_html() -> None:
    """Every mail has both forms."""
    assert isinstance(mail_words("welcome", "en-GB", FACTS), Words)
    assert mail_words("welcome", "en-GB", FACTS).html.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("locale", LOCALES)
def test_the_last_line_says_why_one_is_written_to(locale: str) -> None:
    """A stranger who used the form is told of no account, nor is the list of the report."""
    last = {
        name: mail_words(name, locale, FACTS).text.strip().splitlines()[-1]
        for name in ("welcome", "order_held", "ticket_received", "ticket_reply", "daily_report")
    }
    assert last["welcome"] == last["order_held"]
    assert last["ticket_received"] == last["ticket_reply"]
    assert len(set(last.values())) == 3
