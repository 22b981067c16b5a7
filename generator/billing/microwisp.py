"""Microwisp: RADIUS accounting that a gateway took, or the FreeRADIUS database behind it (facts: RADIUS systems)."""

from generator.billing.radius.source import probe, read

__all__ = ["probe", "read"]
