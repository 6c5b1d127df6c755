"""Personal data in texts: found by rules and checksums, and replaced before anything is stored. Pure Python."""
