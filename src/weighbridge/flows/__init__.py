"""What happens, in named steps. Flows know ports, never adapters."""
