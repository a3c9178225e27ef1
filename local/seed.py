"""Fills an empty shop with the demo data, through the public API like any client.

Only the first administrator cannot come from the API: whoever runs a shop appoints one with
`python -m chalicelib.users.first_admin EMAIL`, here and on AWS. Every step may run again: what is
there already is left as it is, so a seeding that broke off is completed by the next start.
"""

import contextlib
import itertools
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local import demo_data
from local.demo_data import AMINA, BRUNO, CATEGORIES, PASSWORD, PEOPLE, STAFF, Category, Person
from local.failures import SeedingFailed
from local.functions import Functions, local_environment
from local.shop import Answer, Refused, Shop, TookTooLong
from local.stack import Stack

FIRST_ADMIN_COMMAND = "chalicelib.users.first_admin"
CREATED, ACCEPTED, NO_CONTENT = 201, 202, 204
ALREADY_THERE = ("slug_taken", "sku_taken")
NEVER_PAID = ("FAILED", "CANCELLED")
PAID_OR_OVER = {"PAID", "SHIPPED", "DELIVERED", *NEVER_PAID}
# Bounds for a machine that is busy with something else; it usually takes a second.
MAIL_MAX_S = 60
ORDER_PAID_MAX_S = 60
APPOINTMENT_MAX_S = 60


def seed_if_empty(stack: Stack) -> bool:
    """Load what is missing; False if the shop was complete already."""
    shop = Shop(stack.info["api_url"])
    try:
        if is_complete(shop):
            return False
        Seeding(shop, appointment_environment(stack), stack.source).run()
    except (Refused, TookTooLong) as fault:
        raise SeedingFailed(
            f"The demo data could not be loaded: {fault}. Start with `python -m local up "
            "--no-seed` and look into `python -m local logs`."
        ) from None
    return True


def is_complete(shop: Shop) -> bool:
    """The last thing that a seeding does is there: amina's orders."""
    try:
        amina = shop.sign_in(AMINA.email, PASSWORD)
    except Refused:
        return False
    return len(amina.get("/orders")["items"]) >= len(demo_data.AMINAS_ORDERS)


def appointment_environment(stack: Stack) -> dict[str, str]:
    """What the command that appoints the first administrator needs to reach this stack."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return kept | local_environment(stack.instance.endpoint, Functions(stack.client))


class Seeding:
    """One run of the seeding; the parts are called in the order in which they need each other."""

    def __init__(self, shop: Shop, environment: Mapping[str, str], source: Path) -> None:
        """`environment` gives a program in `source` the operator's rights on the stack."""
        self._shop = shop
        self._source = source
        self._environment = environment
        self._offered = _offered_routes(shop)

    def run(self) -> None:
        """Load everything that this app has routes for."""
        with ThreadPoolExecutor(max_workers=len(PEOPLE)) as pool:
            list(pool.map(self.open_account, PEOPLE))
        self.appoint_staff()
        self.fill_shelves()
        self.settle_customers()
        self.place_orders()

    def open_account(self, person: Person) -> None:
        """Register and verify, unless the account can be used already."""
        with contextlib.suppress(Refused):
            self._sign_in(person)
            return
        registration = {"email": person.email, "password": PASSWORD, "name": person.name}
        self._shop.ask("POST", "/users/register", registration, expect=ACCEPTED)
        mail = self._shop.mail(person.email, "verify_email", within_s=MAIL_MAX_S)
        token = {"token": mail["token"]}
        self._shop.ask("POST", "/users/verify-email", token, expect=NO_CONTENT)

    def appoint_staff(self) -> None:
        """The operator appoints the administrator, who appoints the others."""
        self._appoint_first_admin()
        admin = self._sign_in(demo_data.ADMIN)
        for person in STAFF:
            user = admin.get("/admin/users", email=person.email)["items"][0]
            if user["role"] != person.role:
                admin.ask("POST", f"/admin/users/{user['id']}/role", {"role": person.role})

    def _appoint_first_admin(self) -> None:
        run = subprocess.run(
            [sys.executable, "-m", FIRST_ADMIN_COMMAND, demo_data.ADMIN.email],
            cwd=self._source,
            env=dict(self._environment),
            capture_output=True,
            text=True,
            timeout=APPOINTMENT_MAX_S,
            check=False,
        )
        if run.returncode != 0:
            raise SeedingFailed("The first administrator could not be appointed:", run.stderr)

    def fill_shelves(self) -> None:
        """Categories, products with their first stock, all published."""
        merchant = self._sign_in(demo_data.MERCHANT)
        for position, category in enumerate(CATEGORIES, start=1):
            shelf = {
                "id": category.slug,
                "title": category.slug.capitalize(),
                "description": category.description,
                "position": 10 * position,
            }
            _unless_there(merchant.call("POST", "/admin/categories", shelf))
            self._fill_shelf(merchant, category)

    def _fill_shelf(self, merchant: Shop, category: Category) -> None:
        drafts = merchant.get("/admin/products", status="DRAFT", limit=100)["items"]
        # A draft was left behind by a seeding that broke off.
        draft_ids = {draft["slug"]: draft["id"] for draft in drafts}
        numbers = itertools.count(1)
        for product in category.products:
            offer = {
                "slug": product.slug,
                "title": product.title,
                "description": product.description,
                "category": category.slug,
                "variants": [
                    _variant(variant, f"{category.sku_prefix}-{next(numbers)}")
                    for variant in product.variants
                ],
            }
            created = _unless_there(merchant.call("POST", "/admin/products", offer))
            product_id = created["id"] if created else draft_ids.get(product.slug)
            if product_id:
                merchant.ask("POST", f"/admin/products/{product_id}/publish")

    def settle_customers(self) -> None:
        """Amina has an address, bruno is told by SMS; as far as the app has routes for it."""
        if ("post", "/users/me/addresses") in self._offered:
            amina = self._sign_in(AMINA)
            if not amina.get("/users/me/addresses")["items"]:
                address = demo_data.AMINAS_ADDRESS | {"is_default": True}
                amina.ask("POST", "/users/me/addresses", address, expect=CREATED)
        if ("put", "/users/me/preferences") in self._offered:
            bruno = self._sign_in(BRUNO)
            bruno.ask("PATCH", "/users/me", {"phone": demo_data.BRUNOS_PHONE})
            told = {"email": True, "sms": True, "push": False}
            wishes = {"order_updates": told, "marketing_email": False}
            bruno.ask("PUT", "/users/me/preferences", wishes)

    def place_orders(self) -> None:
        """Amina orders, pays and waits; her keys make a repeat harmless."""
        amina = self._sign_in(AMINA)
        for number, lines in enumerate(demo_data.AMINAS_ORDERS, start=1):
            order = {
                "lines": [
                    {"variant_id": self._variant_id(slug), "quantity": pieces}
                    for slug, pieces in lines
                ],
                "shipping_address": demo_data.AMINAS_ADDRESS,
                "payment_token": "tok_approve",
            }
            key = f"demo-order-{number}"
            placed = amina.post_once("/orders", order, expect=ACCEPTED, key=key)["order"]
            ended = amina.order_in(placed["id"], PAID_OR_OVER, within_s=ORDER_PAID_MAX_S)
            if ended["status"] in NEVER_PAID:
                raise SeedingFailed(f"Amina's order {placed['id']} ended as {ended['status']}.")

    def _variant_id(self, slug: str) -> str:
        return str(self._shop.get(f"/products/by-slug/{slug}")["variants"][0]["id"])

    def _sign_in(self, person: Person) -> Shop:
        return self._shop.sign_in(person.email, PASSWORD)


def _variant(variant: demo_data.Variant, sku: str) -> dict[str, object]:
    return {
        "sku": sku,
        "title": variant.title,
        "options": variant.options,
        "price": variant.price,
        "initial_stock": variant.stock,
    }


def _unless_there(answer: Answer) -> dict[str, str] | None:
    """What was created, or nothing if it was there before; SeedingFailed otherwise."""
    if answer.status == CREATED:
        created: dict[str, str] = answer.body
        return created
    code = (answer.body or {}).get("error", {}).get("code")
    if code in ALREADY_THERE:
        return None
    raise SeedingFailed(
        f"The API refused a piece of the demo data with {answer.status}:", answer.text
    )


def _offered_routes(shop: Shop) -> set[tuple[str, str]]:
    paths = shop.get("/openapi.json")["paths"]
    return {(method, path) for path, methods in paths.items() for method in methods}
