"""What linters cannot say about the house: sizes, names, seams, and nothing secret in it."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIB = ROOT / "chalicelib"
SHARED = {"kernel", "wire", "aws", "edge"}

MODULE_LINES_MAX = 300
# Tests and wire models are lists of declarations: longer, and still read at a glance.
LIST_LINES_MAX = 400
FUNCTION_LINES_MAX = 40
ROUTE_LINES_MAX = 10
APP_LINES_MAX = 120

VAGUE_MODULE = re.compile(r"^(utils?|helpers?|common|misc|manager|base|stuff)$")
VAGUE_FUNCTION = re.compile(r"^(handle_.*|do_.*|process_data|.*_helper|.*_util)$")
CLIPPED_NAMES = {"qty", "cfg", "usr", "obj", "info", "mgr", "tmp", "amt"}

# Who may ask the world for time, chance or environment; everyone else gets them through Deps.
# An id holds its millisecond, a metric line its time, a seal its nonce.
CLOCK = {"kernel/clock.py", "kernel/ids.py", "aws/observability.py"}
CHANCE = {"kernel/ids.py", "aws/encryption.py"}
ENVIRONMENT = {"aws/settings.py"}
WORLD = {
    "datetime.now": CLOCK,
    "datetime.utcnow": CLOCK,
    "datetime.today": CLOCK,
    "date.today": CLOCK,
    "time.time": CLOCK,
    "time.time_ns": CLOCK,
    "uuid.uuid4": CHANCE,
    "os.urandom": CHANCE,
    "secrets.token_bytes": CHANCE,
    "secrets.token_urlsafe": CHANCE,
    "random.random": CHANCE,
    "os.environ": ENVIRONMENT,
    "os.getenv": ENVIRONMENT,
}
# Adapters that tell the SDK's exceptions apart; its clients still come from chalicelib/aws.
ADAPTERS = {"chalicelib/notifications/carriers.py", "chalicelib/ops/wiring.py"}
TRIGGER_ENDINGS = ("routes.py", "events.py", "steps.py")


def sources(*folders: str) -> list[Path]:
    """List our Python files under `folders`, those that exist so far."""
    return sorted(
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
    )


def named(path: Path) -> str:
    """Name a file as a developer would."""
    return path.relative_to(ROOT).as_posix()


def is_list(path: Path) -> bool:
    """Tell whether a module lists declarations rather than tells how something works."""
    return named(path).startswith("tests/") or path.stem.endswith("schemas")


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Walk every function of a file, nested ones too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function's body, its docstring left out."""
    body = function.body
    if ast.get_docstring(function, clean=False) is not None:
        body = body[1:]
    if not body:
        return 0
    return (body[-1].end_lineno or body[-1].lineno) - body[0].lineno + 1


def imported_modules(path: Path) -> set[str]:
    """List the modules that a file names in imports, lazily imported ones too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update({node.module} | {f"{node.module}.{alias.name}" for alias in node.names})
    return found


def dotted_names(path: Path) -> set[str]:
    """List every `a.b` a file mentions, so that `datetime.datetime.now` counts as datetime.now."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            owner = node.value
            name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", None)
            if name:
                found.add(f"{name}.{node.attr}")
    return found


def is_about(module: str, package: str) -> bool:
    """Tell whether `module` is `package` or inside it."""
    return module == package or module.startswith(f"{package}.")


def test_modules_stay_small() -> None:
    """No module outgrows 300 lines, no list of tests or wire models 400."""
    too_long = {
        named(path): lines
        for path in [*sources("chalicelib", "local", "infra", "tools", "bench", "tests")]
        for lines in [len(path.read_text().splitlines())]
        if lines > (LIST_LINES_MAX if is_list(path) else MODULE_LINES_MAX)
    }
    assert too_long == {}


def test_functions_stay_small() -> None:
    """No function body outgrows 40 lines."""
    too_long = {
        f"{named(path)}:{function.name}": body_lines(function)
        for path in sources("chalicelib", "local", "infra", "tools", "bench")
        for function in functions(path)
        if body_lines(function) > FUNCTION_LINES_MAX
    }
    assert too_long == {}


def test_routes_only_parse_call_and_present() -> None:
    """A route's handler has at most ten lines."""
    too_long = {
        f"{named(path)}:{function.name}": body_lines(function)
        for path in sorted(LIB.glob("*/routes.py"))
        for function in functions(path)
        if function.decorator_list and body_lines(function) > ROUTE_LINES_MAX
    }
    assert too_long == {}


def test_names_are_words_of_the_field() -> None:
    """No vague module, no vague verb, no clipped parameter."""
    everywhere = sources("chalicelib", "local", "infra", "tools", "bench")
    vague = [named(path) for path in everywhere if VAGUE_MODULE.match(path.stem)]
    for path in everywhere:
        for function in functions(path):
            arguments = function.args
            names = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
            names += [one.arg for one in arguments.kwonlyargs]
            if VAGUE_FUNCTION.match(function.name) or CLIPPED_NAMES & set(names):
                vague.append(f"{named(path)}:{function.name}")
    assert vague == []


def test_packages_import_nothing() -> None:
    """An `__init__.py` is one docstring: importing a package costs and does nothing."""
    for path in sources("chalicelib"):
        if path.name == "__init__.py":
            tree = ast.parse(path.read_text())
            assert ast.get_docstring(tree), named(path)
            assert len(tree.body) == 1, named(path)


def test_slices_say_what_they_own_in_one_line() -> None:
    """A slice's docstring fits one line."""
    for path in sorted(LIB.glob("*/__init__.py")):
        assert len(path.read_text().strip().splitlines()) == 1, named(path)


def test_public_use_cases_are_described() -> None:
    """Every public function of a service says what it promises."""
    silent = [
        f"{named(path)}:{function.name}"
        for path in sorted(LIB.glob("*/service.py"))
        for function in ast.parse(path.read_text()).body
        if isinstance(function, ast.FunctionDef) and not function.name.startswith("_")
        if not ast.get_docstring(function)
    ]
    assert silent == []


def test_app_is_only_the_map() -> None:
    """`app.py` mounts blueprints of routes, events and steps, in at most 120 lines."""
    app = ROOT / "app.py"
    if not app.exists():
        pytest.skip("no app yet")
    assert len(app.read_text().splitlines()) <= APP_LINES_MAX
    tree = ast.parse(app.read_text())
    for node in ast.walk(tree):
        assert not isinstance(node, ast.FunctionDef | ast.ClassDef), "no handler bodies in app.py"
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("chalicelib"):
            for alias in node.names:
                parts = f"{node.module}.{alias.name}".split(".")
                is_trigger = parts[-1].endswith(("routes", "events", "steps", "authorizer"))
                assert parts[1] == "edge" or is_trigger, parts


@pytest.mark.parametrize("name", sorted(WORLD))
def test_the_world_enters_by_one_door(name: str) -> None:
    """Time, chance and environment are asked for in one place; all else gets them through Deps."""
    offenders = [
        named(path)
        for path in sources("chalicelib")
        if name in dotted_names(path) and path.relative_to(LIB).as_posix() not in WORLD[name]
    ]
    assert offenders == []


def test_boto3_appears_only_in_aws() -> None:
    """AWS is called through chalicelib/aws, where time-outs and retries are set."""
    offenders = [
        named(path)
        for path in sources("chalicelib")
        if path.relative_to(LIB).parts[0] != "aws"
        for module in imported_modules(path)
        if is_about(module, "boto3") or is_about(module, "botocore")
        if not (named(path) in ADAPTERS and is_about(module, "botocore.exceptions"))
        if path.name != "wiring.py"  # real adapters may name AWS's own errors
    ]
    assert offenders == []


@pytest.mark.covers(110)
def test_chalice_appears_only_at_the_edge() -> None:
    """The framework is known to edge/ and to the files that hold triggers, to nobody else."""
    offenders = [
        named(path)
        for path in sources("chalicelib")
        if path.relative_to(LIB).parts[0] != "edge"
        and not path.name.endswith(TRIGGER_ENDINGS)
        and named(path) != "chalicelib/users/authorizer.py"
        for module in imported_modules(path)
        if is_about(module, "chalice")
    ]
    assert offenders == []


def test_shared_packages_know_no_slice() -> None:
    """kernel, wire, aws and edge never import a slice, not even lazily."""
    slices = {path.parent.name for path in LIB.glob("*/__init__.py")} - SHARED
    offenders = [
        f"{named(path)} -> {module}"
        for shared in sorted(SHARED)
        for path in sources(f"chalicelib/{shared}")
        for module in imported_modules(path)
        if any(is_about(module, f"chalicelib.{one}") for one in slices)
    ]
    assert offenders == []


def tracked_text_files() -> list[tuple[str, str]]:
    """Read every file under version control that is text."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listing.returncode:
        pytest.skip("not a git checkout")
    texts = []
    for name in filter(None, listing.stdout.decode().split("\0")):
        path = ROOT / name
        if path.is_file():
            try:
                texts.append((name, path.read_text()))
            except UnicodeDecodeError:
                continue
    return texts


SECRET_SHAPES = {
    "AWS access key": re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b"),
    "private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE " + r"KEY-----"),
    "GitHub token": re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36}\b"),
    "Slack token": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}\b"),
    "Stripe live key": re.compile(r"\b[sr]k_live_[A-Za-z0-9]{16,}\b"),
    "key ring value": re.compile(r'"k\d"\s*:\s*"[A-Za-z0-9]{64}"'),
}
# The folder of this very checkout: where a tool wrote an absolute path, it is this one.
PLACE_SHAPES = re.compile(re.escape(str(ROOT.resolve())) + r"\b")


@pytest.mark.covers(84)
def test_no_secret_is_in_the_repository() -> None:
    """Nothing that looks like a live credential is under version control."""
    found = [
        f"{name}: {kind}"
        for name, text in tracked_text_files()
        for kind, shape in SECRET_SHAPES.items()
        if shape.search(text)
    ]
    assert found == []


def test_no_machine_path_is_in_the_repository() -> None:
    """No file refers to the machine it happened to be written on."""
    found = [name for name, text in tracked_text_files() if PLACE_SHAPES.search(text)]
    assert found == []
