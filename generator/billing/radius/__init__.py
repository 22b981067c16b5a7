"""What RADIUS says of a subscriber: rates by attribute, in accounting packets and in FreeRADIUS's tables alike."""
