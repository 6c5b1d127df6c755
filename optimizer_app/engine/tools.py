"""Tools that ReAct steps may call: ours and those registered from code. Nothing else can be named."""

import ast
import operator
from collections.abc import Callable
from datetime import date
from typing import Any

from optimizer_app.sdk.registry import REGISTRY

OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
LONGEST, LARGEST_POWER = 200, 64


def calculator(expression: str) -> float:
    """Calculate a sum, difference, product, quotient or power of numbers, e.g. (12.5 + 3) * 4."""
    if len(expression) > LONGEST:
        raise ValueError(f"An expression has at most {LONGEST} characters.")
    return float(_value(ast.parse(expression.strip(), mode="eval").body))


def days_between(first: str, second: str) -> int:
    """Count the days from the first date to the second, both as yyyy-mm-dd."""
    return (date.fromisoformat(second) - date.fromisoformat(first)).days


OURS: dict[str, Callable[..., Any]] = {"calculator": calculator, "days_between": days_between}


def tools() -> dict[str, Callable[..., Any]]:
    """Every tool by name."""
    return OURS | {name: entry.call for name, entry in REGISTRY.tools.items()}


def _value(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value  # type: ignore[return-value]
    if isinstance(node, ast.UnaryOp) and type(node.op) in OPERATORS:
        return float(OPERATORS[type(node.op)](_value(node.operand)))
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        left, right = _value(node.left), _value(node.right)
        if isinstance(node.op, ast.Pow) and (abs(right) > LARGEST_POWER or abs(left) > 1e6):
            raise ValueError("This power is too large.")
        return float(OPERATORS[type(node.op)](left, right))
    raise ValueError("Only numbers, + - * / // % ** and parentheses can be calculated.")
