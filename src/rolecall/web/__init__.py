"""Which pages does Rolecall itself render for people? They work without JavaScript."""
