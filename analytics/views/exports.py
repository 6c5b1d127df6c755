"""A page's numbers as a file: ?export=csv or ?export=json in its address."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from analytics.selectors.records import Record
from optimizer_app.common.problems import Refused
from optimizer_app.services.formats import FORMULA_SIGNS


def exported(request: HttpRequest, name: str, records: Callable[[], list[Record]]) -> HttpResponse | None:
    """The file that the address asks for; None when it asks for the page. Raises Refused for other formats."""
    kind = request.GET.get("export", "")
    if not kind:
        return None
    if kind not in ("csv", "json"):
        raise Refused(f"There is no export “{kind[:20]}”; there are csv and json.")
    told = records()
    answer = JsonResponse(told, safe=False) if kind == "json" else HttpResponse(_csv(told), content_type="text/csv")
    answer["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    return answer


def _csv(records: list[Record]) -> str:
    columns = list(dict.fromkeys(name for record in records for name in record))
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(columns)
    writer.writerows([[_cell(record.get(name)) for name in columns] for record in records])
    return file.getvalue()


def _cell(value: Any) -> Any:
    """Texts that a spreadsheet would run are kept from it; lists and objects are JSON."""
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False)
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_SIGNS) else value
