"""A gateway on loopback that took the RADIUS accounting of a WISPControl network."""

from generator.demo.pushed import CREDENTIALS, SWITCHES, from_lists, make_app_for
from generator.demo.pushed import radius_sample as sample

__all__ = ["CREDENTIALS", "DEFAULT_PORT", "SWITCHES", "from_lists", "make_app_for", "sample"]

DEFAULT_PORT = 8465
