//! Names of the configuration: nodes, compatible strings and properties of `/chosen/hypervisor`.
