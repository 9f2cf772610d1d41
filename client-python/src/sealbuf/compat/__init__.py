"""Other stores' interfaces over this one, for code that was written for them."""
