"""How word is sent: typed configuration and a message in, the other side's answer out. No models."""
