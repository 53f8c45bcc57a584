"""From a pushed group or a claim to an assignment."""
