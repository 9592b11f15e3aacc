"""Who somebody is and what is theirs: accounts, links, owners, the door of the Portal."""
