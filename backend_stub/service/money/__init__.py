"""Money in, money back and its papers: payments, callbacks, refunds, payouts, invoices."""
