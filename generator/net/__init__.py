"""The wire: TLS settings, retries, and the loopback servers of emulators and simulator."""
