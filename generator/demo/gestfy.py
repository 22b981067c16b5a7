"""A gateway on loopback that Gestfy pushed to."""

from generator.demo.pushed import CREDENTIALS, SWITCHES, from_lists, make_app_for, sample

__all__ = ["CREDENTIALS", "DEFAULT_PORT", "SWITCHES", "from_lists", "make_app_for", "sample"]

DEFAULT_PORT = 8460
