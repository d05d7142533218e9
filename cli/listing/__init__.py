"""``cellbook list``: public lists stated by publishers, shown, compared and proved."""
