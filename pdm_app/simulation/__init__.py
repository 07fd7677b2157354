"""The demo plant: physics, fault scripts and real protocol servers on loopback, each in a process of its own."""
