"""What payers see: the phone's inbox, the payment page, the scripted provider's page.

ports     what the pages need of a backend
texts     what an order's state means to a payer
pages     routes and templates
server    the pages on a loopback port
"""
