#!/bin/sh -e
# Works until the traffic is over, as far as five seconds go: sums of random bytes, one after the other.
for round in 1 2 3 4 5 6 7 8 9 10; do
    head -c 1000000 /dev/urandom | cksum
    sleep 0.4
done
