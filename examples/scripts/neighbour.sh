#!/bin/sh
# A noisy neighbour on the host: processes that come and go, and touch memory as they do, on the cores of the node under test. Where the kernel
# lets nobody else run there, on whatever cores are left. It ends with the node.
for core in $(echo "$TAILBED_CPUS" | tr , ' '); do
    {
        taskset -pc "$core" "$(exec sh -c 'echo $PPID')" > /dev/null 2>&1
        while :; do head -c 1000000 /dev/zero | cksum > /dev/null; done
    } < /dev/null > /dev/null 2>&1 &
done
exit 0
