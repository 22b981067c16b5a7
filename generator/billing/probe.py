"""Moved to `generator.net.probe`."""

from generator.net.probe import Probe, tried

__all__ = ["Probe", "tried"]
