"""RADIUS accounting: packets verified and read, sessions followed, subscribers made of them."""
