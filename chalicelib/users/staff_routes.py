"""REST routes of administrators: find people, appoint, disable, enable."""

from chalicelib.edge.calls import Call
from chalicelib.edge.contracts import documented
from chalicelib.edge.replies import Reply
from chalicelib.kernel.errors import Conflict, NotFound
from chalicelib.kernel.pagination import Page
from chalicelib.users import schemas, staffing
from chalicelib.users.authorizer import staff
from chalicelib.users.mount import blueprint, signed_in
from chalicelib.users.rules import User
from chalicelib.users.views import user_view
from chalicelib.users.wiring import deps


@blueprint.route("/admin/users", methods=["GET"], access=staff("users"))
@documented(replies={200: schemas.UsersPage}, query=schemas.StaffParameters)
def list_users(call: Call) -> Reply:
    """The people of a staff role, or whoever has an address."""
    found = _found(call)
    return Reply(200, call.listed(found, lambda user: user_view(user).model_dump()))


def _found(call: Call) -> Page[User]:
    asked = call.query(schemas.StaffParameters)
    if asked.email is not None:
        return staffing.find_by_email(asked.email, deps())
    return staffing.people_of(str(asked.role), call.page(), deps())


@blueprint.route(
    "/admin/users/{user_id}/role", methods=["POST"], access=staff("users", step_up=True)
)
@documented(
    request=schemas.RoleChange, replies={200: schemas.UserView}, errors=[Conflict, NotFound]
)
def post_role(call: Call, user_id: str) -> Reply:
    """Give somebody another role; their sessions end."""
    role = call.body(schemas.RoleChange).role
    user = staffing.change_role(user_id, role, signed_in(call), deps())
    return Reply(200, user_view(user))


@blueprint.route(
    "/admin/users/{user_id}/disable", methods=["POST"], access=staff("users", step_up=True)
)
@documented(replies={200: schemas.UserView}, errors=[Conflict, NotFound])
def post_disable(call: Call, user_id: str) -> Reply:
    """Close somebody's account; their sessions end."""
    return Reply(200, user_view(staffing.disable(user_id, signed_in(call), deps())))


@blueprint.route(
    "/admin/users/{user_id}/enable", methods=["POST"], access=staff("users", step_up=True)
)
@documented(replies={200: schemas.UserView}, errors=[Conflict, NotFound])
def post_enable(call: Call, user_id: str) -> Reply:
    """Open somebody's account again."""
    return Reply(200, user_view(staffing.enable(user_id, signed_in(call), deps())))
