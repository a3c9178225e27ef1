"""Used and unused rights: what the engine notes, and what is left over."""

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from local.grants import Grant, given, install, unused, used
from local.worker_patches import UnknownEngine

SESSION = "arn:aws:sts::000000000000:assumed-role/souk-local-OrderStockRole-3B9F481EFAA57/souk"


@dataclass
class _Context:
    principal_arn: str
    action: str


def evaluator(decision: str) -> Any:
    """A module like MiniStack's, of one verdict."""

    def evaluate(ctx: Any, policies: Any, *limits: Any) -> Any:
        del ctx, policies, limits
        return SimpleNamespace(decision=decision, matched_sid="Core")

    return SimpleNamespace(evaluate=evaluate)


def test_an_allowed_call_is_noted_once_and_for_good(tmp_path: Path) -> None:
    """Also by the engine's next process; others' calls are not ours to note."""
    file = tmp_path / "state" / "grants.jsonl"
    for _ in range(2):
        engine = evaluator("Allow")
        install(engine, file)
        for principal in (SESSION, SESSION, "arn:aws:iam::000000000000:root"):
            assert engine.evaluate(_Context(principal, "dynamodb:GetItem"), []).decision == "Allow"
    assert list(used(file)) == [Grant("order_stock", "Core", "dynamodb:GetItem")]


def test_a_refused_call_uses_nothing(tmp_path: Path) -> None:
    """Only what a statement allowed counts."""
    engine = evaluator("ImplicitDeny")
    install(engine, tmp_path / "grants.jsonl")
    engine.evaluate(_Context(SESSION, "dynamodb:GetItem"), [])
    assert list(used(tmp_path / "grants.jsonl")) == []


def test_what_nobody_used_is_left(tmp_path: Path) -> None:
    """Each action of each statement is a grant of its own; a cut line is passed over."""
    statement = {"Sid": "Core", "Action": ["dynamodb:GetItem", "dynamodb:PutItem"]}
    (tmp_path / "order_stock.json").write_text(json.dumps({"Statement": [statement]}))
    file = tmp_path / "grants.jsonl"
    file.write_text('["order_stock", "Core", "dynamodb:GetItem"]\n["order_st')
    assert len(list(given(tmp_path))) == 2
    assert unused(tmp_path, file) == [Grant("order_stock", "Core", "dynamodb:PutItem")]


def test_an_engine_that_changed_is_refused(tmp_path: Path) -> None:
    """Better no start than rights that are no longer noted."""
    with pytest.raises(UnknownEngine):
        install(SimpleNamespace(evaluate=lambda _ctx: None), tmp_path / "grants.jsonl")
