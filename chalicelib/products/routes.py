"""REST routes of the catalogue and of the stock."""

from collections.abc import Mapping
from typing import Final, cast

from chalicelib.edge.calls import Call
from chalicelib.edge.contracts import documented
from chalicelib.edge.http import PUBLIC, HttpBlueprint
from chalicelib.edge.replies import Reply
from chalicelib.kernel.clock import instant
from chalicelib.kernel.domain_events import Actor, ActorType, Cause
from chalicelib.products import categories, inventory, service
from chalicelib.products import presentation as shown
from chalicelib.products.inventory import Adjusted
from chalicelib.products.rules import Category, NothingToSell, SkuTaken, SlugTaken, TooMany
from chalicelib.products.schemas import (
    AdjustedView,
    AdjustStock,
    AdminProductParameters,
    CategoryChanges,
    CategoryList,
    CategoryView,
    MovementList,
    NewCategory,
    NewProduct,
    NewVariant,
    ProductChanges,
    ProductList,
    ProductParameters,
    ProductView,
    StockView,
    VariantChanges,
)
from chalicelib.products.service import Display, Edition, Shelved
from chalicelib.products.stock import Adjustment, InsufficientStock, StockChanged
from chalicelib.products.wiring import category_deps, deps, stock_deps
from chalicelib.users.authorizer import staff
from chalicelib.wire.models import PageParameters

CATALOGUE: Final = staff("catalogue")
STOCK: Final = staff("stock")

blueprint: Final = HttpBlueprint(__name__)


@blueprint.route("/products", methods=["GET"], access=PUBLIC)
@documented(replies={200: ProductList}, query=ProductParameters, is_public_cache=True)
def get_products(call: Call) -> Reply:
    """Browse what is for sale, newest first."""
    category = call.query(ProductParameters).category
    return _cards(call, service.browse_products(category, call.page(), deps()))


@blueprint.route("/products/{product_id}", methods=["GET"], access=PUBLIC)
@documented(replies={200: ProductView}, is_public_cache=True)
def get_product(_call: Call, product_id: str) -> Reply:
    """Look at one product."""
    display = service.show_product(product_id, deps())
    return Reply(200, shown.product_view(display, is_public=True))


@blueprint.route("/products/by-slug/{slug}", methods=["GET"], access=PUBLIC)
@documented(replies={200: ProductView}, is_public_cache=True)
def get_product_by_slug(_call: Call, slug: str) -> Reply:
    """Look at the product with this slug."""
    display = service.show_product_by_slug(slug, deps())
    return Reply(200, shown.product_view(display, is_public=True))


@blueprint.route("/categories", methods=["GET"], access=PUBLIC)
@documented(replies={200: CategoryList}, is_public_cache=True)
def get_categories(_call: Call) -> Reply:
    """List the categories that are shown, by position."""
    items = [shown.category_view(one) for one in categories.shown_categories(category_deps())]
    return Reply(200, CategoryList(items=items, next=None))


@blueprint.route("/admin/products", methods=["GET"], access=CATALOGUE)
@documented(replies={200: ProductList}, query=AdminProductParameters)
def get_admin_products(call: Call) -> Reply:
    """List the products of a status, newest first."""
    status = call.query(AdminProductParameters).status
    return _cards(call, service.list_products(status, call.page(), deps()))


@blueprint.route("/admin/products/{product_id}", methods=["GET"], access=CATALOGUE)
@documented(replies={200: ProductView})
def get_admin_product(_call: Call, product_id: str) -> Reply:
    """Read a product in any state, as last written."""
    return _edited(200, service.inspect_product(product_id, deps()))


@blueprint.route("/admin/products", methods=["POST"], access=CATALOGUE)
@documented(request=NewProduct, replies={201: ProductView}, errors=[SlugTaken, SkuTaken])
def post_product(call: Call) -> Reply:
    """Draft a product with its variants and their first stock."""
    return _edited(201, service.draft_product(call.body(NewProduct), _cause(call), deps()))


@blueprint.route("/admin/products/{product_id}", methods=["PATCH"], access=CATALOGUE)
@documented(request=ProductChanges, replies={200: ProductView}, needs_version=True)
def patch_product(call: Call, product_id: str) -> Reply:
    """Change a product."""
    edition, wanted = Edition(product_id, call.version()), call.body(ProductChanges)
    return _edited(200, service.change_product(edition, wanted, _cause(call), deps()))


@blueprint.route("/admin/products/{product_id}/variants", methods=["POST"], access=CATALOGUE)
@documented(
    request=NewVariant,
    replies={201: ProductView},
    errors=[SkuTaken, TooMany],
    needs_version=True,
)
def post_variant(call: Call, product_id: str) -> Reply:
    """Add a variant to a product."""
    edition, wanted = Edition(product_id, call.version()), call.body(NewVariant)
    return _edited(201, service.add_variant(edition, wanted, _cause(call), deps()))


@blueprint.route(
    "/admin/products/{product_id}/variants/{variant_id}", methods=["PATCH"], access=CATALOGUE
)
@documented(request=VariantChanges, replies={200: ProductView}, needs_version=True)
def patch_variant(call: Call, product_id: str, variant_id: str) -> Reply:
    """Change a variant of a product."""
    edition, wanted = Edition(product_id, call.version()), call.body(VariantChanges)
    return _edited(200, service.change_variant(edition, variant_id, wanted, _cause(call), deps()))


@blueprint.route("/admin/products/{product_id}/publish", methods=["POST"], access=CATALOGUE)
@documented(replies={200: ProductView}, errors=[NothingToSell])
def post_publish(call: Call, product_id: str) -> Reply:
    """Put a product into the shop."""
    return _edited(200, service.publish_product(product_id, _cause(call), deps()))


@blueprint.route("/admin/products/{product_id}/archive", methods=["POST"], access=CATALOGUE)
@documented(replies={200: ProductView})
def post_archive(call: Call, product_id: str) -> Reply:
    """Take a product out of the shop."""
    return _edited(200, service.archive_product(product_id, _cause(call), deps()))


@blueprint.route("/admin/categories", methods=["POST"], access=CATALOGUE)
@documented(request=NewCategory, replies={201: CategoryView}, errors=[SlugTaken, TooMany])
def post_category(call: Call) -> Reply:
    """Open a category."""
    wanted = call.body(NewCategory)
    return _category(201, categories.open_category(wanted, _cause(call), category_deps()))


@blueprint.route("/admin/categories/{category_id}", methods=["GET"], access=CATALOGUE)
@documented(replies={200: CategoryView})
def get_category(_call: Call, category_id: str) -> Reply:
    """Read a category, also a hidden one."""
    return _category(200, categories.read_category(category_id, category_deps()))


@blueprint.route("/admin/categories/{category_id}", methods=["PATCH"], access=CATALOGUE)
@documented(request=CategoryChanges, replies={200: CategoryView}, needs_version=True)
def patch_category(call: Call, category_id: str) -> Reply:
    """Change a category."""
    wanted, cause = call.body(CategoryChanges), _cause(call)
    changed = categories.change_category(
        category_id, call.version(), wanted, cause, category_deps()
    )
    return _category(200, changed)


@blueprint.route("/admin/stock/{variant_id}", methods=["GET"], access=STOCK)
@documented(replies={200: StockView})
def get_stock(_call: Call, variant_id: str) -> Reply:
    """Read what is left of a variant."""
    return Reply(200, shown.stock_view(inventory.read_stock(variant_id, stock_deps())))


@blueprint.route("/admin/stock/{variant_id}/movements", methods=["GET"], access=STOCK)
@documented(replies={200: MovementList}, query=PageParameters)
def get_movements(call: Call, variant_id: str) -> Reply:
    """Read what moved a variant's stock, newest cause first."""
    page = inventory.list_movements(variant_id, call.page(), stock_deps())
    return Reply(200, MovementList(**call.listed(page, shown.movement_view)))


@blueprint.route("/admin/stock/{variant_id}/adjust", methods=["POST"], access=STOCK)
@documented(
    request=AdjustStock,
    replies={200: AdjustedView},
    errors=[InsufficientStock, StockChanged],
    needs_key=True,
)
def post_adjust(call: Call, variant_id: str) -> Reply:
    """Count units of a variant in or out."""
    adjustment = Adjustment(**call.body(AdjustStock).model_dump())
    once = call.once(_adjusted)
    return _adjusted(
        inventory.adjust_stock(variant_id, adjustment, once, _cause(call), stock_deps())
    )


def _cause(call: Call) -> Cause:
    actor = Actor(cast("ActorType", call.caller.actor_type), call.caller.user_id)
    return Cause(instant(deps().clock.now()), actor, call.correlation_id)


def _cards(call: Call, shelved: Shelved) -> Reply:
    fields = call.listed(shelved.page, lambda product: shown.product_card(product, shelved))
    return Reply(200, ProductList(**fields))


def _edited(status: int, display: Display) -> Reply:
    view = shown.product_view(display, is_public=False)
    return Reply(status, view, _etag(view.version))


def _category(status: int, category: Category) -> Reply:
    return Reply(status, shown.category_view(category), _etag(category.version))


def _etag(version: int) -> Mapping[str, str]:
    return {"ETag": f'"{version}"'}


def _adjusted(adjusted: Adjusted) -> Reply:
    return Reply(200, shown.adjusted_view(adjusted))
