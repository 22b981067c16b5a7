"""Billing systems: one module each, which reads the API and yields plain records; nothing else."""
