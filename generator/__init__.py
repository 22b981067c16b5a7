"""bqnctl: subscriber policy as code, from the billing system to Bequant BQN appliances."""

__version__ = "0.1.0"
