"""Credentials: keys by their issuers' prefixes, tokens, private keys, and what is assigned to a telling word."""

import re
from collections.abc import Iterator

from optimizer_app.privacy.spans import Span

_ISSUED = re.compile(
    r"""
    (?<![A-Za-z0-9])(?:
      sk-(?:ant-|proj-|or-v1-)?[A-Za-z0-9_-]{16,}          # OpenAI, Anthropic, OpenRouter
    | (?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{10,}          # Stripe
    | (?:AKIA|ASIA)[A-Z0-9]{16}                            # AWS
    | gh[pousr]_[A-Za-z0-9]{30,} | github_pat_\w{20,}      # GitHub
    | glpat-[\w-]{18,}                                     # GitLab
    | xox[abprs]-[A-Za-z0-9-]{10,}                         # Slack
    | AIza[\w-]{30,}                                       # Google
    | ya29\.[\w-]{20,}
    | hf_[A-Za-z0-9]{25,}                                  # Hugging Face
    | npm_[A-Za-z0-9]{30,} | pypi-[\w-]{30,}
    | SG\.[\w-]{16,}\.[\w-]{16,}                           # SendGrid
    | upl_[0-9a-f]{8}[\w-]{20,}                            # Uplift
    | eyJ[\w-]{8,}\.eyJ[\w-]{4,}\.[\w-]{8,}                # JWT
    )
    """,
    re.VERBOSE,
)
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_ASSIGNED = re.compile(
    r"""(?i)\b(?:pass(?:word|wort|wd|phrase)|pwd|secret|api[ _-]?key|access[ _-]?key|auth[ _-]?token|token|pin)
    (?P<sign>["']?\s*(?:[:=]|\bis\b)\s*["']?|\s+)(?P<value>[^\s"',;]{4,})""",
    re.VERBOSE,
)
_BEARER = re.compile(r"(?i)\b(?:bearer|basic)\s+(?P<value>[\w+/.~-]{16,}=*)")
# A text without any of these holds no secret.
TELLING = (
    "sk-", "_live_", "_test_", "akia", "asia", "gh", "glpat", "xox", "aiza", "ya29", "hf_", "npm_", "pypi-", "sg.",
    "upl_", "eyj", "begin ", "pass", "pwd", "secret", "key", "token", "pin", "bearer", "basic",
)  # fmt: skip


def find(text: str) -> Iterator[Span]:
    """Secrets. Words such as “password is required” are left: a value has a digit or a sign, or mixed case."""
    for pattern in (_ISSUED, _PRIVATE_KEY):
        for match in pattern.finditer(text):
            yield Span(*match.span(), "secret")
    for pattern in (_ASSIGNED, _BEARER):
        for match in pattern.finditer(text):
            value = match["value"].rstrip(".)!?")
            bare = match.groupdict().get("sign", ":").isspace()
            if _looks_secret(value) and (not bare or _mixed(value)):
                start = match.start("value")
                yield Span(start, start + len(value), "secret")


def _mixed(value: str) -> bool:
    """Letters and digits in one long word: what follows “password” without a sign is a password only then."""
    return len(value) >= 8 and any(c.isdigit() for c in value) and any(c.isalpha() for c in value)


def _looks_secret(value: str) -> bool:
    if value.startswith(("[", "{", "<", "$", "*")):  # a placeholder or a variable, not a value
        return False
    return len(value) >= 4 and (
        any(c.isdigit() for c in value)
        or any(not c.isalnum() and c not in "-." for c in value)
        or (len(value) >= 8 and not value.islower() and not value.istitle() and not value.isupper())
    )
