# Failures are told afterwards, and being over refuses.

== who failed too often is refused, and asking costs nothing
conventions plain
options --store {folder}/store --limit "client failures 2/31d reject go away" --client-ip 192.0.2.1
message
| x
exit 0
output
| x
errors
| throttle: accept
then
options --store {folder}/store --limit "client failures 2/31d reject go away" --client-ip 192.0.2.1 --failed
output
errors
then
then
options --store {folder}/store --limit "client failures 2/31d reject go away" --client-ip 192.0.2.1
exit 31
errors
| throttle: reject 550 5.7.1 go away
then
options --store {folder}/store --limit "client failures 2/31d reject go away" --client-ip 192.0.2.2
exit 0
output
| x
errors
| throttle: accept

== a failure is charged to limits of failures alone, and not with --check
conventions plain
options --store {folder}/store --limit "client messages 1/1h defer" --limit "user failures 1/31d defer" --auth-user a --client-ip 192.0.2.1 --failed --check
exit 0
then
options --store {folder}/store --show
exit 0
then
options --store {folder}/store --limit "client messages 1/1h defer" --limit "user failures 1/31d defer" --auth-user a --client-ip 192.0.2.1 --failed
exit 0
then
options --store {folder}/store --show
exit 0
output
: a\tuser failures 1/2678400s/1\t1 of 1\t31d\n

== without a limit of failures there is nothing to charge
conventions plain
options --store {folder}/store --limit "client messages 1/1h defer" --failed
exit 55
errors
| throttle: --failed: no limit counts failures
