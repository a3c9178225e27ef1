"""The page that shows mails, in a real browser: readable, harmless, its links at work."""

import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from local.shop import Refused, Shop, wait_for
from tests.e2e.browser import Browser, Tab, browser, chromium
from tests.e2e.conftest import RunningShop

pytestmark = pytest.mark.timeout(300)
PASSWORD = "a perfectly fine phrase"
HOSTILE = """
<html><head><meta http-equiv="refresh" content="0;url=URL/refresh"><base href="URL/">
<link rel="prefetch" href="URL/prefetch"><link rel="stylesheet" href="URL/style.css">
<style>@import "URL/import.css"; body { background: url(URL/background.png) }</style></head>
<body onload="fetch('URL/onload')"><p>Readable words</p>
<script>fetch("URL/script"); parent.document.title = "taken"; top.location = "URL/top"</script>
<img src="URL/pixel.png"><img src="x" onerror="fetch('URL/onerror')">
<iframe src="URL/frame"></iframe><object data="URL/object"></object>
<svg onload="fetch('URL/svg')"><a xlink:href="javascript:fetch('URL/svg-link')">x</a></svg>
<form action="URL/form"><button>Send the form</button></form>
<p><a href="javascript:fetch('URL/javascript')" ping="URL/ping">A script link</a></p>
<p><a href="http://[" target="_top">A broken link</a></p></body></html>
"""


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One Chromium for this file."""
    command = chromium()
    if command is None:
        pytest.skip("NOT CHECKED: the mailbox page; no Chromium here (apt-get install chromium)")
    with browser(command, tmp_path_factory.mktemp("chromium")) as started:
        yield started


class Elsewhere(ThreadingHTTPServer):
    """A server that remembers what it was asked for."""

    asked: list[str]


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    """Somebody else's server, which no mail may reach."""

    class Remember(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append(self.path)
            self.send_error(404)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = Elsewhere(("127.0.0.1", 0), Remember)
    server.asked = []
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def send(shop: RunningShop, to: str, subject: str, html: str = "") -> None:
    """Put a mail into the embedded AWS, past the shop."""
    body = {"Text": {"Data": "plain words"}, **({"Html": {"Data": html}} if html else {})}
    shop.client("sesv2").send_email(
        FromEmailAddress="shop@souk.example",
        Destination={"ToAddresses": [to]},
        Content={"Simple": {"Subject": {"Data": subject}, "Body": body}},
    )


def search(tab: Tab, text: str) -> None:
    """Type into the search field."""
    tab.until("document.querySelectorAll('#list button').length")
    tab.ask(f"wanted = document.getElementById('wanted'), wanted.value = {text!r}, 0")
    tab.ask("wanted.dispatchEvent(new Event('input')), 0")


def test_a_hostile_mail_is_shown_and_cannot_act(
    shop: RunningShop, window: Browser, elsewhere: Elsewhere
) -> None:
    """Its words are there; no script runs, nothing is loaded or sent, the page stays."""
    subject = f"<img src=x onerror=alert(1)> \u202e {uuid.uuid4().hex}"
    port = elsewhere.server_address[1]
    send(shop, "eve@x.example", subject, HOSTILE.replace("URL", f"http://127.0.0.1:{port}"))
    with window.opened(shop.info["mail_url"]) as tab:
        pages = len(window.urls())
        search(tab, subject[-32:])
        tab.press(subject[-32:])
        tab.until("Boolean(document.querySelector('iframe'))")
        words = [node["children"][0]["nodeValue"] for node in tab.in_frame("p")[:1]]
        assert words == ["Readable words"]
        assert tab.in_frame("form") == tab.in_frame("script") == tab.in_frame("iframe") == []
        assert tab.ask("document.querySelector('h2').innerText").startswith("<img src=x")
        for link in tab.in_frame("a")[-2:]:
            tab.click(link)
        tab.ask("new Promise(done => setTimeout(done, 1500)), 0")
        assert tab.ask("document.title") == "Souk: mails of this machine"
        assert tab.ask("location.href") == shop.info["mail_url"]
        assert len(window.urls()) == pages
    assert elsewhere.asked == []


def test_the_link_of_a_verification_mail_opens_the_account(
    shop: RunningShop, window: Browser
) -> None:
    """Clicked with the mouse, confirmed on the page behind it; then signing in works."""
    email = f"zoe-{uuid.uuid4().hex[:8]}@souk.example"
    account = {"email": email, "password": PASSWORD, "name": "<b>Zoë</b> \u202e"}
    shop.anonymous.ask("POST", "/users/register", account, expect=202)
    shop.anonymous.mail(email, "verify_email", within_s=60)
    with pytest.raises(Refused):
        shop.anonymous.sign_in(email, PASSWORD)
    with window.opened(shop.info["mail_url"]) as tab:
        search(tab, email)
        tab.press("confirm your e-mail")
        tab.until("Boolean(document.querySelector('iframe'))")
        tab.click(tab.in_frame("a")[0])
        with window.opened_by(tab) as behind:
            behind.press("Confirm this address")
            behind.until("document.getElementById('outcome').innerText.startsWith('Confirmed')")
            # The token has left the address bar and the history.
            assert behind.ask("location.href") == shop.info["mail_url"]
    assert shop.anonymous.sign_in(email, PASSWORD).get("/users/me")["email"] == email


def test_the_link_of_an_order_mail_shows_the_order_to_its_owner(
    shop: RunningShop, window: Browser
) -> None:
    """The customer says yes at the sandbox's bank there, signs in, and sees the order paid."""
    buyer = shop.signed_in("customer")
    email, password = shop.info["logins"]["customer"].values()
    variant = buyer.get("/products/by-slug/paper-star")["variants"][0]["id"]
    address = {"name": "A", "line1": "B", "city": "C", "postal_code": "80331", "country": "DE"}
    asked = {
        "lines": [{"variant_id": variant, "quantity": 1}],
        "shipping_address": address,
        "payment_token": "tok_requires_action",
    }
    order = buyer.post_once("/orders", asked, expect=202)["order"]
    mailed = f"payment of your order {order['number']}"
    with window.opened(shop.info["mail_url"]) as tab:
        search(tab, mailed)
        tab.press(mailed)
        tab.until("Boolean(document.querySelector('iframe'))")
        tab.click(tab.in_frame("a")[0])
        with window.opened_by(tab) as behind:
            behind.press("Approve")
            behind.until("document.getElementById('outcome').innerText.includes('approve')")
            wait_for(lambda: paid(buyer, order["id"]), "the payment", within_s=60)
            for kind, text in (("email", email), ("password", password)):
                behind.ask(f"document.querySelector('input[type={kind}]').value = {text!r}")
            behind.press("Show the order")
            behind.until("document.getElementById('page').innerText.includes('PAID')")


def paid(buyer: Shop, order_id: str) -> bool | None:
    """Whether the order is paid, None if not yet."""
    return buyer.get(f"/orders/{order_id}")["status"] == "PAID" or None


def test_many_mails_and_none(shop: RunningShop, window: Browser) -> None:
    """A long list is cut with a word about it, a search finds what is not shown, or says so."""
    mark = uuid.uuid4().hex
    for number in range(310):
        send(shop, f"crowd-{number}@x.example", f"{mark} {number}")
    with window.opened(shop.info["mail_url"]) as tab:
        search(tab, mark)
        tab.until("document.getElementById('count').innerText.startsWith('310 of')")
        assert tab.ask("document.querySelectorAll('#list button').length") == 300
        assert tab.ask("document.getElementById('list').innerText.includes('10 older ones')")
        search(tab, f"{mark} 0")
        assert tab.ask("document.querySelectorAll('#list button').length") == 1
        tab.press(mark)
        assert "plain words" in tab.until("document.querySelector('pre').innerText")
        search(tab, f"{mark} nothing")
        assert "No mail like this" in tab.ask("document.getElementById('list').innerText")


def test_without_mails_and_without_a_shop(shop: RunningShop, window: Browser) -> None:
    """An empty mailbox says what to expect, a stopped shop that it does not answer."""
    with window.opened(shop.info["mail_url"]) as tab:
        tab.until("document.querySelectorAll('#list button').length")
        tab.ask("fetch = async () => ({ json: async () => ({ messages: {} }) }), 0")
        tab.press("Refresh")
        tab.until("document.getElementById('list').innerText.includes('No mail has been sent')")
        tab.ask("fetch = async () => { throw new Error('refused') }, 0")
        tab.press("Refresh")
        tab.until("document.getElementById('count').innerText.includes('does not answer')")
