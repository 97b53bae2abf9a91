"""How Ray is run where a machine may be busy: for tests, with Ray installed or not."""

# A busy machine is slow, and no node is dead for that.
PATIENT = {
    "RAY_raylet_start_wait_time_s": "300",
    "RAY_health_check_timeout_ms": "60000",
    "RAY_agent_register_timeout_ms": "600000",
    "RAY_worker_register_timeout_seconds": "600",
    "RAY_memory_monitor_refresh_ms": "0",  # what else runs here may need all the memory
    "RAY_USAGE_STATS_ENABLED": "0",
}
# what Ray says of a node that had not begun in the time that nothing sets
LATE = ("The current node timed out during startup", "TimeoutError: Timed out ")
