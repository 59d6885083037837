"""Labels that a person checks: in which order, and what the answers say of all of them."""
