"""The world: hubs, stores, the catalogue. Adapters know ports, never flows, and not each other."""
