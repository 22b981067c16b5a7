"""A BQN's REST interface from the server's side, over a store: the simulator's and the gateway's."""
