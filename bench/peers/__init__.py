"""One module a peer or floor: how it starts, puts and gets. Each has a class `Here`."""
