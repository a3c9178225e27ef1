"""Write every message in every language into a folder, to be looked at: python -m tools.gallery.

The folder gets one HTML file for each mail, shown as a mail program would show it, one text file
for each message, and an index. The facts are invented; nothing is sent.
"""

import html
import sys
from pathlib import Path
from typing import Any

from chalicelib.notifications.rules import LOCALES, NOTICES, Channel
from chalicelib.notifications.wording import Words, mail_words, notice_words, sms_words

TARGET = Path("dist/gallery")


def facts(name: str) -> dict[str, Any]:
    """Everything that any template may tell, about somebody called `name`."""
    lines = [
        {"title": "Tagine blue", "variant_title": "M", "quantity": 2, "line_total": 6800},
        {"title": "Saffron", "variant_title": "", "quantity": 1, "line_total": 1490},
    ]
    return {
        "name": name,
        "link": "https://shop.example/verify-email#token=abc",
        "token": "abc",
        "enabled": True,
        "method": "change",
        "order": {
            "number": "SK-7Q4MZ2KD",
            "url": "https://shop.example/orders/ord_1",
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


def main() -> int:
    """Write the gallery to the folder given, dist/gallery by default."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    rows = [row for locale in LOCALES for row in _language(target / locale, locale)]
    index = "<!DOCTYPE html><meta charset=utf-8><title>Messages of Souk</title><table border=1>"
    target.joinpath("index.html").write_text(index + "".join(rows) + "</table>", encoding="utf-8")
    print(f"wrote {len(rows)} messages to {target}/index.html")
    return 0


def _language(folder: Path, locale: str) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for notice in {one.template: one for one in NOTICES.values()}.values():
        rows.append(_written(folder, notice.template, mail_words(notice.template, locale, FACTS)))
        if Channel.SMS in notice.channels:
            words = sms_words(notice.template, locale, FACTS)
            rows.append(_written(folder, f"{notice.template}.sms", words))
        if notice.in_app:
            words = notice_words(notice.template, locale, FACTS)
            rows.append(_written(folder, f"{notice.template}.notice", words))
    return rows


def _written(folder: Path, name: str, words: Words) -> str:
    folder.joinpath(f"{name}.txt").write_text(words.text, encoding="utf-8")
    shown = f'<a href="{folder.name}/{name}.txt">{folder.name} {name}</a>'
    if words.html:
        folder.joinpath(f"{name}.html").write_text(words.html, encoding="utf-8")
        shown += f' <a href="{folder.name}/{name}.html">HTML</a>'
    told = html.escape(words.subject or words.text)
    return f"<tr><td>{shown}<td>{told}"


if __name__ == "__main__":
    sys.exit(main())
