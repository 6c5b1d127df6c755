"""Read a DSPy prompt back into a task, and write the answer in the format it asks for.

Understands what ChatAdapter and JSONAdapter of DSPy 3.4 write. Nothing else is known about the task.
"""

import ast
import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

HEADER = re.compile(r"^\[\[ ## (\w+) ## \]\]\s?", re.MULTILINE)
FIELD_LINE = re.compile(r"^\d+\. `(\w+)` \((.+?)\):[ ]?(.*)$")
OPTIONS_NOTE = re.compile(r"must (?:exactly match \(no extra characters\) one of|be one of): (.*)", re.DOTALL)
SCHEMA_NOTE = re.compile(r"must adhere to the JSON schema: (\{.*\})", re.DOTALL)
NOT_SUPPLIED = "Not supplied for this"
INCOMPLETE = "This is an example of the task, though some input or output fields are not supplied."
REMINDERS = (
    "\n\nRespond with the corresponding output fields, starting with",
    "\n\nRespond with a JSON object in the following order of fields",
)


@dataclass(frozen=True)
class OutputField:
    """One value that the prompt asks for. `options` is the closed set of answers, if any."""

    name: str
    type: str = "str"
    description: str = ""
    options: tuple[str, ...] = ()
    item_options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Demo:
    """A worked example inside the prompt."""

    inputs: dict[str, str]
    outputs: dict[str, Any]


@dataclass
class Task:
    """A prompt, read back. `form` says how to answer: chat sections, a JSON object, or plain text."""

    form: str = "chat"
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: tuple[OutputField, ...] = ()
    instruction: str = ""
    demos: list[Demo] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.inputs.values())


def sections(text: str) -> dict[str, str]:
    """The `[[ ## name ## ]]` sections of a message."""
    found: dict[str, str] = {}
    matches = list(HEADER.finditer(text))
    for index, match in enumerate(matches):
        end = matches[index + 1].start() if index + 1 < len(matches) else len(text)
        found.setdefault(match.group(1), text[match.end() : end].strip())
    return found


def parse(system: str, messages: list[tuple[str, str]]) -> Task:
    """A task from a system prompt and (role, text) messages, the last of which is the request."""
    request = messages[-1][1] if messages else ""
    if "Your output fields are:" not in system:
        return Task(form="plain", inputs={"prompt": request}, instruction=system)
    instruction, outputs, is_json = _read_system(system)
    return Task(
        form="json" if is_json else "chat",
        inputs=sections(_without_reminder(request)) or {"text": request},
        outputs=outputs,
        instruction=instruction,
        demos=_read_demos(messages[:-1], {output.name for output in outputs}, is_json=is_json),
    )


def render(task: Task, values: dict[str, Any]) -> str:
    """The values as the reply that the prompt's format asks for."""
    if task.form == "json":
        return json.dumps(values, ensure_ascii=False)
    parts = []
    for output in task.outputs:
        value = values.get(output.name, "")
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        parts.append(f"[[ ## {output.name} ## ]]\n{shown}")
    return "\n\n".join([*parts, "[[ ## completed ## ]]"])


def _without_reminder(text: str) -> str:
    position = max(text.rfind(reminder) for reminder in REMINDERS)
    return text[:position] if position >= 0 else text


@lru_cache(maxsize=4096)
def _read_system(system: str) -> tuple[str, tuple[OutputField, ...], bool]:
    head, _, rest = system.partition("\nAll interactions will be structured in the following way")
    structure, _, objective = rest.partition("In adhering to this structure, your objective is:")
    lines = (line.removeprefix(" " * 8) for line in objective.strip("\n").splitlines())
    is_json = "Outputs will be a JSON object" in structure
    notes = _json_notes(structure) if is_json else sections(structure)
    outputs: list[OutputField] = []
    in_outputs = False
    for line in head.splitlines():
        if line.startswith("Your output fields are"):
            in_outputs = True
        elif in_outputs and (match := FIELD_LINE.match(line)):
            outputs.append(_output_field(match[1], match[2], match[3], notes.get(match[1], "")))
    return "\n".join(lines).strip(), tuple(outputs), is_json


def _json_notes(structure: str) -> dict[str, str]:
    blob = structure.rpartition("Outputs will be a JSON object with the following fields.")[2]
    try:
        data = json.loads(blob[blob.index("{") : blob.rindex("}") + 1])
    except ValueError:
        return {}
    return {key: str(value) for key, value in data.items()}


def _output_field(name: str, type_: str, description: str, note: str) -> OutputField:
    options: tuple[str, ...] = ()
    if type_ == "bool":
        options = ("True", "False")
    elif type_.startswith("Literal["):
        options = _literal_options(type_.removeprefix("Literal"))
    elif match := OPTIONS_NOTE.search(note):
        options = tuple(option.strip() for option in match[1].split("; "))
    return OutputField(name, type_, description, options, _item_options(type_, note))


def _literal_options(text: str) -> tuple[str, ...]:
    try:
        return tuple(str(option) for option in ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return ()


def _item_options(type_: str, note: str) -> tuple[str, ...]:
    if type_.startswith("list[Literal["):
        return _literal_options(type_.removeprefix("list[Literal").removesuffix("]"))
    if match := SCHEMA_NOTE.search(note):
        try:
            items = json.loads(match[1]).get("items", {})
        except ValueError:
            return ()
        return tuple(str(option) for option in items.get("enum", ()))
    return ()


def _read_demos(messages: list[tuple[str, str]], names: set[str], *, is_json: bool) -> list[Demo]:
    demos: list[Demo] = []
    pending: dict[str, str] = {}
    for role, content in messages:
        if role == "user":
            pending = sections(_without_reminder(content.removeprefix(INCOMPLETE)))
        elif role == "assistant" and pending:
            outputs = _read_reply(content, is_json=is_json)
            known = {key: value for key, value in outputs.items() if key in names and _supplied(value)}
            if known:
                demos.append(Demo(pending, known))
            pending = {}
    return demos


def _read_reply(content: str, *, is_json: bool) -> dict[str, Any]:
    if not is_json:
        return dict(sections(content))
    try:
        data = json.loads(content)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _supplied(value: object) -> bool:
    return value is not None and not (isinstance(value, str) and value.startswith(NOT_SUPPLIED))
