"""What other support tools run: a plugin for sos, an executable for supportconfig. Each is one file, copied as is."""
