"""Emulators of the billing systems on loopback, with sample data, and the demo story."""
