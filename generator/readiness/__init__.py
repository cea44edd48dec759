"""Whether the machine that one works on, and the hypervisors of the plan, are ready for what comes next."""
