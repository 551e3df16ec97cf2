"""A collection through the character devices of a stock kernel, in a virtual machine: `make realism`."""
