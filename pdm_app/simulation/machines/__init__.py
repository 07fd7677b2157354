"""What each simulated machine is: asset, device, signals with their addresses, alarm rules; one file per machine."""
