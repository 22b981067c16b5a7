"""Gestfy pushes its subscribers over the BQN REST API to a gateway, which is read (facts: systems that push)."""

from generator.billing.pushed import probe, read

__all__ = ["probe", "read"]
