"""Commands that measure and print ratios; nothing here asserts a time."""
