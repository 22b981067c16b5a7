"""Overrides: human decisions on top of the billing, read from `overrides.yml` and applied in a render."""
