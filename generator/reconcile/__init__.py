"""Desired against live: diff, guards, plan, apply."""
