"""A language model's errors in words that say what happened and what to do."""

import dspy
from dspy.utils.exceptions import (
    AdapterParseError,
    ContextWindowExceededError,
    LMAuthError,
    LMBillingError,
    LMConfigurationError,
    LMError,
    LMInvalidRequestError,
    LMRateLimitError,
    LMServerError,
    LMTimeoutError,
    LMTransportError,
    LMUnsupportedModelError,
)

# Another call would fail the same way: the run ends at once.
FATAL = (LMAuthError, LMBillingError, LMUnsupportedModelError, LMConfigurationError)
# First match wins, so the narrower class stands first.
ADVICE: tuple[tuple[type[Exception], str], ...] = (
    (LMAuthError, "the key was refused (401). Check the key of the language model."),
    (LMBillingError, "the provider refuses for lack of credit or quota. Check the account."),
    (LMUnsupportedModelError, "the provider does not know this model (404). Check the model string and the address."),
    (LMConfigurationError, "the connection is not fully set up. Check key, address and sampling."),
    (ContextWindowExceededError, "the prompt is longer than the model's context. Use fewer or shorter examples."),
    (LMInvalidRequestError, "the provider rejected the request as invalid."),
    (LMRateLimitError, "the provider is limiting the rate of calls (429). Run fewer threads or try later."),
    (LMTimeoutError, "no answer within the timeout."),
    (LMServerError, "the provider failed (5xx)."),
    (LMTransportError, "the server could not be reached, or did not answer within the timeout. Check the address."),
    (AdapterParseError, "the answer could not be read: it does not have the form the prompt asks for."),
)


def is_fatal(error: Exception) -> bool:
    """Whether no later call with these settings can succeed."""
    return isinstance(error, FATAL)


def explain(error: Exception, model_name: str) -> str:
    """One sentence for people, with the provider's own words behind it."""
    advice = next((text for kind, text in ADVICE if isinstance(error, kind)), "an unexpected error.")
    detail = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
    return f"{model_name}: {advice} ({type(error).__name__}: {detail})"


def lm_error_in(error: BaseException) -> LMError | None:
    """The language model error behind an exception, if any."""
    current: BaseException | None = error
    while current is not None:
        if isinstance(current, dspy.LMError):
            return current
        current = current.__cause__ or current.__context__
    return None
