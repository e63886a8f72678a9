# What filter-chain says of the chain itself. The order of steps and all mistakes of descriptions
# are in ChainTests and StepFileTests.

== version
conventions plain
options --version
output
| filter-chain 0.1
exit 0

== the chain as it would run
conventions plain
file filters.d/10-last
| run        /bin/sh -c 'exit 0'
| convention qfilter
| timeout    5s
file filters.d/20-first
| run   /bin/cat           # would serve
| stage rcpt
| skip  local
| report failures
file filters.d/README
| Not a step.
options --plan --filters filters.d
output
| rcpt 20-first run /bin/cat convention chain workers 2-32 timeout 30000ms on-error defer skip local report failures
| message 10-last run /bin/sh -c 'exit 0' convention qfilter workers 0 timeout 5000ms on-error defer
| ignored README
exit 0

== a folder that is not there
conventions plain
options --plan --filters nowhere
errors
| filter-chain: open nowhere: No such file or directory
exit 55

== an unknown keyword, named with file and line
conventions plain
file filters.d/10-a
| # A step.
| run   /bin/cat
| stages rcpt
options --plan --filters filters.d
errors
| filter-chain: filters.d/10-a:3: unknown keyword stages; known are run, stage, skip, on-error, timeout, workers, convention, report, mode
exit 55

== an unknown program
conventions plain
file filters.d/10-a
| run no-such-program
options --plan --filters filters.d
errors
| filter-chain: filters.d/10-a:1: no-such-program: no such program beside this one or in PATH
exit 55

== an unknown stage
conventions plain
file filters.d/10-a
| run   /bin/cat
| stage end
options --plan --filters filters.d
errors
| filter-chain: filters.d/10-a:2: end: it is one of connect, helo, mail, rcpt, data, message
exit 55

== a message is not judged by a chain that is wrong
conventions plain
file filters.d/10-a
| run  /bin/cat
| mode off
options --check --filters filters.d
message
| Subject: hello
|
errors
| filter-chain: filters.d/10-a:2: off: it is enforce or observe
exit 55
