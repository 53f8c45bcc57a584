"""How does Rolecall tell its operators what it does: logs and metrics?"""
