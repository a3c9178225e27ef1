"""Write every message in every language into a folder, to be looked at: python -m tools.gallery.

The folder gets one HTML file for each mail, shown as a mail program would show it, one text file
for each message, and a page for each language with all of them; a fourth page shows what a hostile
name makes of them. The facts are invented; nothing is sent.
"""

import html
import sys
from pathlib import Path
from typing import Any

from chalicelib.notifications.rules import LOCALES, NOTICES, Channel
from chalicelib.notifications.wording import Words, mail_words, notice_words, sms_words

TARGET = Path("dist/gallery")
TOKEN = "3n0QCySRVhL40yXNz4XXWMzCVlyhuqqRIxAwFOQevY0"


def facts(name: str) -> dict[str, Any]:
    """Everything that any template may tell, about somebody called `name`."""
    lines = [
        {"title": "Tagine blue", "variant_title": "M", "quantity": 2, "line_total": 6800},
        {"title": "Saffron", "variant_title": "", "quantity": 1, "line_total": 1490},
    ]
    return {
        "name": name,
        "link": f"https://shop.example/verify-email#token={TOKEN}",
        "token": TOKEN,
        "enabled": True,
        "method": "change",
        "order": {
            "number": "SK-7Q4MZ2KD",
            "url": "https://shop.example/orders/ord_01J00000000000000000000000",
            "currency": "EUR",
            "lines": lines,
            "subtotal": 8290,
            "shipping": 0,
            "total": 8290,
        },
        "failure_reason": "out_of_stock",
        "tracking": {"carrier": "DHL", "number": "0034"},
        "refund_amount": 1000,
        "expires_at": "2026-03-01T12:15:00.000Z",
        "reference": "tkt_01J00000000000000000000000",
        "ticket_subject": f"Question of {name}",
        "text": "It left today.\n\nKind regards",
        "report": {
            "day": "2026-03-01",
            "orders_placed": 12,
            "orders_paid": 9,
            "orders_failed": {"out_of_stock": 2, "payment_declined": 1},
            "units": 17,
            "revenue": 123456,
            "refunded": 1000,
            "currency": "EUR",
            "top_variants": [{"variant_id": "var_01J00000000000000000000000", "units": 5}],
        },
    }


FACTS = facts("Amina")
HOSTILE = facts("<script>alert(1)</script> \u202egnidael\u202c שלום " + "N" * 60)
STYLE = """
* { box-sizing: border-box }
body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem; background: #e9e4da; color: #2b2520 }
section { display: grid; gap: 1rem; align-items: start }
section { grid-template-columns: repeat(auto-fill, minmax(25rem, 1fr)) }
figure { margin: 0; background: #fff; padding: .7rem; overflow-wrap: anywhere }
iframe { width: 100%; height: 34rem; border: 1px solid #d8cdbd }
figcaption { margin-bottom: .5rem } small { color: #6b6158 }
nav a { margin-right: 1rem }
"""


def main() -> int:
    """Write the gallery to the folder given, dist/gallery by default."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    folders = {locale: (locale, FACTS) for locale in LOCALES}
    folders["hostile-name"] = (LOCALES[0], HOSTILE)
    written = 0
    for name, (locale, told) in folders.items():
        figures = _figures(target / name, locale, told)
        written += len(figures)
        target.joinpath(name, "index.html").write_text(_page(name, figures), encoding="utf-8")
    links = "".join(f'<p><a href="{name}/index.html">{name}</a></p>' for name in folders)
    page = f"<!DOCTYPE html><meta charset=utf-8><title>Souk</title><h1>Messages</h1>{links}"
    target.joinpath("index.html").write_text(page, encoding="utf-8")
    print(f"wrote {written} messages to {target}/index.html")
    return 0


def _page(name: str, figures: list[str]) -> str:
    return (
        f"<!DOCTYPE html><html lang=en><meta charset=utf-8><title>Messages: {name}</title>"
        f"<style>{STYLE}</style><nav><a href='../index.html'>all</a></nav><h1>{name}</h1>"
        f"<section>{''.join(figures)}</section>"
    )


def _figures(folder: Path, locale: str, told: dict[str, Any]) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for notice in {one.template: one for one in NOTICES.values()}.values():
        rows.append(_written(folder, notice.template, mail_words(notice.template, locale, told)))
        if Channel.SMS in notice.channels:
            words = sms_words(notice.template, locale, told)
            rows.append(_written(folder, f"{notice.template}.sms", words))
        if notice.in_app:
            words = notice_words(notice.template, locale, told)
            rows.append(_written(folder, f"{notice.template}.notice", words))
    return rows


def _written(folder: Path, name: str, words: Words) -> str:
    folder.joinpath(f"{name}.txt").write_text(words.text.rstrip() + "\n", encoding="utf-8")
    subject = html.escape(words.subject)
    shown = f"<a href='{name}.txt'>{name}</a><br><b><bdi>{subject}</bdi></b>"
    if not words.html:
        shown += f"<br><bdi>{html.escape(words.text)}</bdi>"
        return f"<figure><figcaption><small>short</small> {shown}</figcaption></figure>"
    folder.joinpath(f"{name}.html").write_text(words.html, encoding="utf-8")
    frame = f"<iframe sandbox src='{name}.html' title='{name}'></iframe>"
    return f"<figure><figcaption>{shown}</figcaption>{frame}</figure>"


if __name__ == "__main__":
    sys.exit(main())
