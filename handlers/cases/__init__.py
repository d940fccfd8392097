"""What is done with a case, whoever asks for it: the reporter's side is ``handlers.tips``, the bureau's ``handlers.officers``."""
