"""How the machines behave: pure steps from state to state, reproducible from one seed."""
