"""What runs in the process of a peer: the work, the same for all, and how it is asked for."""
