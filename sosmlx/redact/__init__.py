"""Replace what tells whose host, card or network this is by tokens; keep what tells what it is and how it is set."""
