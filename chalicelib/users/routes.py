"""REST routes of users: the files that declare them, on one blueprint."""

from chalicelib.users import account_routes, me_routes, mfa_routes, staff_routes
from chalicelib.users.mount import blueprint

__all__ = ["account_routes", "blueprint", "me_routes", "mfa_routes", "staff_routes"]
