"""How large an answer may be."""

MAX_BODY_BYTES = 1 << 30
"""More than a million customers take in any system's own words; what sends more is none, or has no end."""
