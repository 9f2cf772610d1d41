"""What the system tests stand on: uids, a real daemon, a raw client, counters, a bystander.

Nothing under test runs as root. When pytest runs as root, it is the stage hand: it starts the
daemon, producers, readers and attackers as numeric uids without capabilities (`uids`), and looks
at the daemon from outside (`process`). When pytest runs as an ordinary user, everything runs as
that user and the tests that need several uids are skipped with a printed reason.

The raw client (`raw`) shares no code with the product: a bug in the product's framing cannot
hide behind itself.
"""
