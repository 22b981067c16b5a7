"""The bqnctl command: one thin module per subcommand."""
