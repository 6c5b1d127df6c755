"""One turn of a ReAct step: call the tool that fits the request best, once, then finish."""

import re
from typing import Any

from optimizer_app.engine.offline.prompt import Task
from optimizer_app.engine.offline.spans import find, number_of
from optimizer_app.engine.offline.text import content_stems

TOOL = re.compile(
    r"^\(\d+\) (\w+), whose description is <desc>(.*?)</desc>\. It takes arguments (\{.*?\})\.?$",
    re.MULTILINE | re.DOTALL,
)
ARGUMENT = re.compile(r"'(\w+)': \{[^{}]*'type': '(\w+)'")
ARITHMETIC = re.compile(r"[\d(][\d\s.,()+\-*/%]*[\d)]")
FINISH = {"next_thought": "I have what I need.", "next_tool_name": "finish", "next_tool_args": {}}


def is_turn(task: Task) -> bool:
    """Whether the prompt asks for the next tool call."""
    return any(output.name == "next_tool_name" for output in task.outputs)


def act(task: Task) -> dict[str, Any]:
    """The next thought, tool and arguments."""
    text = "\n".join(value for name, value in task.inputs.items() if name != "trajectory")
    tools = [match.groups() for match in TOOL.finditer(task.instruction) if match[1] != "finish"]
    if not tools or "observation_" in task.inputs.get("trajectory", ""):
        return FINISH
    present = content_stems(text)
    name, _, arguments = max(tools, key=lambda tool: len(content_stems(f"{tool[0]} {tool[1]}") & present))
    numbers = [number_of(value) or 0.0 for _, _, value in find("number", text)]
    dates = [value for _, _, value in find("date", text)]
    filled: dict[str, Any] = {}
    for argument, kind in ARGUMENT.findall(arguments):
        if kind in ("integer", "number"):
            filled[argument] = numbers.pop(0) if numbers else 0
        else:
            filled[argument] = _text_argument(argument, text, dates)
    return {"next_thought": f"{name} can help with this.", "next_tool_name": name, "next_tool_args": filled}


def _text_argument(name: str, text: str, dates: list[str]) -> str:
    """An expression where one is asked for, else the next date, else the whole request."""
    if name == "expression":
        found = [match.group(0).strip() for match in ARITHMETIC.finditer(text)]
        return max(found, key=len) if found else text
    return dates.pop(0) if dates else text
