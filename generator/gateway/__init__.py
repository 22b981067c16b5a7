"""Intake for billing systems that push: a BQN's REST interface and RADIUS accounting, kept on disk."""
