# A message by hand: the verdict by its exit code, the message on descriptor 1. What steps log has
# ids and times, so these cases leave it out; JudgeTests and ChainRunTests look at it.

== a chain without a step passes the message as it is
conventions shell
file filters.d/README
| No step.
options --filters filters.d
sender alice@example.org
recipient bob@example.test
message
: bytes \x00\xff\r\n.\nno line end
verdict accept

== reject
conventions shell
file filters.d/10-a
| run        /bin/sh -c 'cat; exit 31'
| convention qfilter
options --filters filters.d
sender alice@example.org
recipient bob@example.test
message
| Subject: hello
|
exit 31

== discard
conventions shell
file filters.d/10-a
| run        /bin/sh -c 'exit 99'
| convention qfilter
options --filters filters.d
sender alice@example.org
recipient bob@example.test
message
| Subject: hello
|
exit 99

== a step that crashes is defer, and accept only where the administrator wrote so
conventions shell
file filters.d/10-a
| run        /bin/sh -c 'kill -SEGV $$'
| convention qfilter
options --filters filters.d
sender alice@example.org
recipient bob@example.test
message
| Subject: hello
|
exit 71

== a step without a verdict in our own convention
conventions shell
file filters.d/10-a
| run     /bin/sh -c 'exit 0'
| workers 0
options --filters filters.d
sender alice@example.org
recipient bob@example.test
message
| Subject: hello
|
exit 71

== an empty message means that what comes before refused it
conventions plain
file filters.d/README
| No step.
options --filters filters.d --check
message
errors
| filter-chain: the message is empty: did what comes before refuse it?
exit 54

== an address that is none
conventions plain
file filters.d/README
| No step.
options --filters filters.d --client-ip 192.0.2 --sender a@example.org
message
| x
errors
| filter-chain: --client-ip 192.0.2: not an address
exit 55

== fields that only we may write are gone before the first step
conventions shell
file etc/control/me
| mx.example.test
file filters.d/10-forger
| run        /bin/sh -c 'grep -iE "results|chainmail" && exit 31; exit 0'
| convention qfilter
options --filters filters.d --root .
sender alice@example.org
recipient bob@example.test
message
| X-Chainmail-Spam: no
| Authentication-Results: (a;b) "mx.exam\ple.test"; spf=pass
| AUTHENTICATION-RESULTS :
|  other; dkim=pass
| Subject: hello
|
| Hello.
exit 0
output
| Subject: hello
|
| Hello.

== what other servers found out stays
conventions shell
file etc/control/me
| mx.example.test
file filters.d/README
| No step.
options --filters filters.d --root .
sender alice@example.org
recipient bob@example.test
message
| Authentication-Results: other; smtp.rcptto=bob@mx.example.test
| Subject: hello
|
verdict accept
