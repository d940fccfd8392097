"""Cases as officers work them in chat: the day's list, the card, the steps, who gets what. Never an identity."""
