"""The built-in lexical model: no neural network, it learns only from the prompt it is given.

It stands in for a language model so that Uplift can be tried and tested without a key or a network.
It reads a prompt back into fields, instructions and demonstrations, and answers by word similarity.
"""

BUILT_IN = "offline/lexical-1"


def is_built_in(model: str) -> bool:
    """Whether a model string names the built-in lexical model, in any version."""
    return model.startswith("offline/")
