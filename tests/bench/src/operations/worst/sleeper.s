// A vCPU that sleeps for good; what is pending for it, its CPU interface holds back. MMU and caches off.

.section .text.sleeper, "ax"
.global sleeper_entry
sleeper_entry:
    wfi
    b       sleeper_entry
