"""A JSON field that is encrypted at rest."""

import json
from typing import TYPE_CHECKING, Any

from django.core.exceptions import FieldError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from optimizer_app.common.keyring import seal, unseal

if TYPE_CHECKING:
    _JSONText = models.TextField[Any, Any]
else:  # Django's fields are generic to type checkers only
    _JSONText = models.TextField


class EncryptedJSONField(_JSONText):
    """JSON, sealed with the newest data key (common/keyring.py). It cannot be searched; only `isnull` works."""

    if TYPE_CHECKING:
        _pyi_private_set_type: Any
        _pyi_private_get_type: Any
        _pyi_lookup_exact_type: Any

    def _context(self) -> bytes:
        return f"{self.model._meta.db_table}.{self.column}".encode()

    def from_db_value(self, value: str | None, expression: object, connection: BaseDatabaseWrapper) -> Any:
        return None if value is None else json.loads(unseal(value, self._context()))

    def get_prep_value(self, value: Any) -> str | None:
        if value is None:
            return None
        plain = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
        return seal(plain, self._context())

    def to_python(self, value: Any) -> Any:
        return value

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise FieldError(f"{self.name} is encrypted and cannot be searched.")
        return super().get_lookup(lookup_name)
