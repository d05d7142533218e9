"""``cellbook import``: what a plant exports, as signed events in an outbox.

bytes → ``encodings`` → ``sheet`` (rows) → ``mapping`` + ``cells`` + ``values`` → ``drafting`` (an
event, or why not) → ``outbox`` (signed, on disk) → ``sending`` → ``returned`` (what was refused).
"""
