"""Why a subscriber is as it is: the rules and overrides that acted, from the billing record to the desired line."""
