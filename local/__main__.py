"""The command line of the laptop: `python -m local <command>`."""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036  (this very line explains it to the developer)
    sys.exit("Souk needs Python 3.11 or newer, this is " + sys.version.split()[0] + ".")

import argparse
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; a failure that a developer can act on is one block, never a trace."""
    options = parser().parse_args(arguments)
    # boto3 and the rest take half a second, which --help need not wait for.
    from local import commands
    from local.failures import LocalFailure
    from local.instance import Instance
    from local.watch import report

    try:
        instance = Instance.from_environment(os.environ)
        code: int = getattr(commands, options.command)(instance, options)
    except LocalFailure as failure:
        sys.stderr.write(report(failure).strip() + "\n")
        return 1
    return code


def parser() -> argparse.ArgumentParser:
    """Every command with its options."""
    top = argparse.ArgumentParser(
        prog="python -m local",
        description="Souk on the embedded AWS of this machine.",
        epilog="SOUK_HOME (default .local) and SOUK_PORT (default 8400) choose the instance; "
        "LOCAL_LAMBDA_WORKERS (default 4) bounds the processes of each function.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="command")

    up = commands.add_parser("up", help="start everything, reload on save, stop with Ctrl-C")
    up.add_argument(
        "--no-seed", dest="seed", action="store_false", help="start without the demo data"
    )
    up.add_argument(
        "--parameter",
        action="append",
        type=name_and_value,
        metavar="NAME=VALUE",
        help="replace a template parameter, such as ReviewAbove=5000; may be repeated",
    )
    up.add_argument("--source", metavar="FOLDER", help="where the app is; default: this project")

    commands.add_parser("demo", help="play the buyer journey against the running shop")
    chat = commands.add_parser("chat", help="talk to the desk, or from it, in a terminal")
    chat.add_argument(
        "--as",
        dest="role",
        default="customer",
        choices=["customer", "support", "merchant", "admin"],
        help="who talks; default: a customer, who asks",
    )
    chat.add_argument("--conversation", metavar="ID", help="which one; default: a new one")

    commands.add_parser("clean", help="forget the saved state")
    commands.add_parser("status", help="print what runs, as JSON")
    commands.add_parser("grants", help="list the rights of functions that nothing has used so far")

    _add_function_commands(commands)
    return top


def _add_function_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    logs = commands.add_parser("logs", help="print what functions logged in the last hour")
    logs.add_argument("function", nargs="?", help="such as api_handler; default: all")
    logs.add_argument("-f", "--follow", action="store_true", help="go on until Ctrl-C")

    invoke = commands.add_parser("invoke", help="call a function directly")
    invoke.add_argument("function", help="such as order_stock")
    invoke.add_argument(
        "event", nargs="?", default="-", help="a JSON file; default: standard input"
    )

    tick = commands.add_parser("tick", help="call the function of a schedule now")
    tick.add_argument("name", help="such as sweeper")
    tick.add_argument("--at", metavar="TIME", help="what time it shall be, ISO 8601; default: now")

    commands.add_parser(
        "env", help="print the environment for `chalice local --stage local`, for eval"
    )


def name_and_value(text: str) -> tuple[str, str]:
    """Split NAME=VALUE."""
    name, separator, value = text.partition("=")
    if not (name and separator):
        raise argparse.ArgumentTypeError(f"{text} is not NAME=VALUE")
    return name, value


if __name__ == "__main__":
    sys.exit(main())
