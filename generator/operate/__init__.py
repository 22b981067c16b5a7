"""Running bqnctl by itself: schedule, what outlives a run, metrics, events, webhooks."""
