"""REST routes of the caller's own things: profile, sessions, addresses, wishes, devices."""

from chalicelib.edge.calls import Call
from chalicelib.edge.contracts import documented
from chalicelib.edge.replies import Reply
from chalicelib.kernel.errors import NotFound
from chalicelib.users import contact_points, ending, schemas, service
from chalicelib.users.authorizer import CUSTOMER, require_scope
from chalicelib.users.mount import admitted, blueprint, signed_in
from chalicelib.users.possessions import LimitReached
from chalicelib.users.views import (
    activity_view,
    address_view,
    device_view,
    preferences_view,
    session_view,
    user_view,
)
from chalicelib.users.wiring import deps
from chalicelib.wire.models import PageParameters


@blueprint.route("/users/me", methods=["GET"], access=CUSTOMER)
@documented(replies={200: schemas.UserView})
def get_me(call: Call) -> Reply:
    """The caller's own account."""
    return Reply(200, user_view(service.profile(call.caller.user_id, deps())))


@blueprint.route("/users/me", methods=["PATCH"], access=CUSTOMER)
@documented(request=schemas.ProfilePatch, replies={200: schemas.UserView})
def patch_me(call: Call) -> Reply:
    """Change name, phone or locale; a null phone is cleared."""
    asked = call.body(schemas.ProfilePatch)
    wanted = asked.model_dump(include=asked.model_fields_set)
    user = service.update_profile(admitted(call), wanted, signed_in(call), deps())
    return Reply(200, user_view(user))


@blueprint.route("/users/{user_id}", methods=["GET"], access=CUSTOMER)
@documented(replies={200: schemas.UserView}, errors=[NotFound])
def get_user(call: Call, user_id: str) -> Reply:
    """A user: oneself, or anybody for staff with the scope `users`."""
    if user_id != call.caller.user_id:
        if "users" not in call.caller.scopes:
            raise NotFound
        require_scope(call.caller, "users")
    return Reply(200, user_view(service.profile(user_id, deps())))


@blueprint.route("/users/me/activity", methods=["GET"], access=CUSTOMER)
@documented(replies={200: schemas.ActivityPage}, query=PageParameters)
def list_activity(call: Call) -> Reply:
    """What happened to the account, newest first."""
    page = service.activity(call.caller.user_id, call.page(), deps())
    return Reply(200, call.listed(page, activity_view))


@blueprint.route("/users/me/sessions", methods=["GET"], access=CUSTOMER)
@documented(replies={200: schemas.SessionsPage})
def list_sessions(call: Call) -> Reply:
    """All live sessions of the caller."""
    live = ending.live_sessions(call.caller.user_id, deps())
    shown = [session_view(one, call.caller.session_id) for one in live]
    return Reply(200, schemas.SessionsPage(items=shown, next=None))


@blueprint.route("/users/me/sessions/{session_id}", methods=["DELETE"], access=CUSTOMER)
@documented(replies={204: None}, errors=[NotFound])
def delete_session(call: Call, session_id: str) -> Reply:
    """End one of the caller's sessions."""
    ending.revoke_session(call.caller.user_id, session_id, signed_in(call), deps())
    return Reply(204)


@blueprint.route("/users/me/addresses", methods=["GET"], access=CUSTOMER)
@documented(replies={200: schemas.AddressesPage})
def list_addresses(call: Call) -> Reply:
    """The caller's address book."""
    book = deps().store.address_book(call.caller.user_id)
    shown = [address_view(one) for one in book.addresses]
    return Reply(200, schemas.AddressesPage(items=shown, next=None))


@blueprint.route("/users/me/addresses", methods=["POST"], access=CUSTOMER)
@documented(
    request=schemas.AddressRequest, replies={201: schemas.AddressView}, errors=[LimitReached]
)
def post_address(call: Call) -> Reply:
    """One more address."""
    asked = call.body(schemas.AddressRequest)
    return Reply(201, address_view(contact_points.add_address(admitted(call), asked, deps())))


@blueprint.route("/users/me/addresses/{address_id}", methods=["PUT"], access=CUSTOMER)
@documented(request=schemas.AddressRequest, replies={200: schemas.AddressView}, errors=[NotFound])
def put_address(call: Call, address_id: str) -> Reply:
    """Another address in the place of one."""
    asked = call.body(schemas.AddressRequest)
    address = contact_points.replace_address(admitted(call), address_id, asked, deps())
    return Reply(200, address_view(address))


@blueprint.route("/users/me/addresses/{address_id}", methods=["DELETE"], access=CUSTOMER)
@documented(replies={204: None}, errors=[NotFound])
def delete_address(call: Call, address_id: str) -> Reply:
    """One address fewer."""
    contact_points.delete_address(admitted(call), address_id, deps())
    return Reply(204)


@blueprint.route("/users/me/preferences", methods=["GET"], access=CUSTOMER)
@documented(replies={200: schemas.PreferencesView})
def get_preferences(call: Call) -> Reply:
    """What the caller wants to be told."""
    return Reply(200, preferences_view(deps().store.preferences(call.caller.user_id)))


@blueprint.route("/users/me/preferences", methods=["PUT"], access=CUSTOMER)
@documented(request=schemas.PreferencesRequest, replies={200: schemas.PreferencesView})
def put_preferences(call: Call) -> Reply:
    """Say anew what the caller wants to be told."""
    asked = call.body(schemas.PreferencesRequest)
    wanted = contact_points.set_preferences(admitted(call), asked, deps())
    return Reply(200, preferences_view(wanted))


@blueprint.route("/users/me/devices", methods=["GET"], access=CUSTOMER)
@documented(replies={200: schemas.DevicesPage})
def list_devices(call: Call) -> Reply:
    """The caller's push devices."""
    known = deps().store.device_list(call.caller.user_id)
    shown = [device_view(one) for one in known.devices]
    return Reply(200, schemas.DevicesPage(items=shown, next=None))


@blueprint.route("/users/me/devices", methods=["POST"], access=CUSTOMER)
@documented(request=schemas.DeviceRequest, replies={201: schemas.DeviceView}, errors=[LimitReached])
def post_device(call: Call) -> Reply:
    """One more push device."""
    asked = call.body(schemas.DeviceRequest)
    return Reply(201, device_view(contact_points.add_device(admitted(call), asked, deps())))


@blueprint.route("/users/me/devices/{device_id}", methods=["DELETE"], access=CUSTOMER)
@documented(replies={204: None}, errors=[NotFound])
def delete_device(call: Call, device_id: str) -> Reply:
    """One push device fewer."""
    contact_points.delete_device(admitted(call), device_id, deps())
    return Reply(204)
