"""The BQN appliance: its REST client, its live state, and the server side for simulator and gateway."""
