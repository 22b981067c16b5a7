"""`python -m generator` is `bqnctl`."""

from generator.cli.main import run

if __name__ == "__main__":
    run()
