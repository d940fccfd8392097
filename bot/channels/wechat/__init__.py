"""WeChat Official Account: messages in safe mode, the passive answer, customer messages and notices, menu and codes."""
