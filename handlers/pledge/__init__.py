"""The pledge of honest metrology: signing, the card, what anybody may see of it, and what keeps it true every day."""
