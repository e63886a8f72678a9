# Waits that grow. Only those that do not depend on the time are shown: the share of recipients.

== the fields of the most specific network count, and then those of wider ones
conventions shell
file spamt
| # Everybody.
| :::300000::1:::
| 192.0.0.0/8::1000::700::::
| 192.0.2.0/24:private:2000:::::::
| 192.0.2.0/24:never:1:::::::
| .
| What follows the end is not read.
options --store {folder}/store --spamt spamt
fact client-ip 192.0.2.1
sender a@example.org
recipient a@example.test
recipient b@example.test
recipient c@example.test
message
| x
verdict accept
explain
| {"filter":"throttle","verdict":"accept","edits":["note spamthrottle=waited","delay 4700ms"],"counted":1,"limits":[{"limit":"spamthrottle","key":"private","wait":4000}],"delay":4700}
then
verdict accept
fact client-ip 192.1.0.1
explain
| {"filter":"throttle","verdict":"accept","edits":["note spamthrottle=waited","delay 2700ms"],"counted":1,"limits":[{"limit":"spamthrottle","key":"192.0.0.0/8","wait":2000}],"delay":2700}
then
verdict accept
fact client-ip 198.51.100.1
explain
| {"filter":"throttle","verdict":"accept","counted":0}

== the longest wait is the limit
conventions shell
file spamt
| [2001:db8::/32]::60000:90000::1::::
| .
options --store {folder}/store --spamt spamt
fact client-ip 2001:db8::1
sender a@example.org
recipient a@example.test
recipient b@example.test
recipient c@example.test
recipient d@example.test
message
| x
verdict accept
explain
| {"filter":"throttle","verdict":"accept","edits":["note spamthrottle=waited","delay 90000ms"],"counted":1,"limits":[{"limit":"spamthrottle","key":"2001:db8::/32","wait":90000}],"delay":90000}

== it waits at data and passes everybody
conventions chain resident
file spamt
| ::1000:::::::
| .
options --store {folder}/store --spamt spamt
stage data
fact client-ip 192.0.2.1
sender a@example.org
recipient b@example.test
verdict accept
then
verdict accept
then
stage rcpt
verdict accept

== what is over a limit with the action waits for a step at once
conventions shell
options --store {folder}/store --limit "client messages 1/1h spamthrottle 5s 1m"
fact client-ip 192.0.2.1
sender a@example.org
recipient b@example.test
message
| x
verdict accept
explain
| {"filter":"throttle","verdict":"accept","counted":2,"limits":[{"limit":"client messages 1/3600s/1","key":"192.0.2.1","units":1,"over":false}]}
then
verdict accept
explain
| {"filter":"throttle","verdict":"accept","edits":["delay 5000ms"],"counted":2,"limits":[{"limit":"client messages 1/3600s/1","key":"192.0.2.1","units":1,"over":true},{"limit":"client messages 1/3600s/1 wait","key":"192.0.2.1","wait":5000}],"over":"client messages 1/3600s/1","delay":5000}

== what is not done is said
conventions plain
file spamt
| ::1000::::60::
| ::1000:::::please wait:
| .
options --store {folder}/store --spamt spamt --show
exit 0
errors
| throttle: event=spamt-not-done file=spamt line=1 field=TG
| throttle: event=spamt-not-done file=spamt line=2 field=TG_RESP

== a table that is wrong is refused with file and line
conventions plain
file cut
| ::1000:::::::
file few
| 10.0.0.0/8::1000::
| .
file block
|
| 10.0::1000::::::
| .
file network
| 10.0.0.0/33::1000::::::
| .
file number
| ::-1::::::
| .
file long
| ::1:600001:::::
| .
file more
| ::1000::::::::x:
| .
file null
: ::1000\0:::::::\n.\n
options --spamt cut
exit 55
errors
| throttle: cut: the line . at its end is missing: is it cut short?
then
exit 55
options --spamt few
errors
| throttle: few:1: not IPBLOCK:DIR:ST:STMAX:FLUSH:RCPT:TG:TG_RESP: (5 fields)
then
exit 55
options --spamt block
errors
| throttle: block:2: '10.0' is not an address, or octets with /N
then
exit 55
options --spamt network
errors
| throttle: network:1: '10.0.0.0/33' is not an IPv4 network such as 192.0.2.0/24
then
exit 55
options --spamt number
errors
| throttle: number:1: ST -1: not a number up to 600000
then
exit 55
options --spamt long
errors
| throttle: long:1: STMAX 600001: not a number up to 600000
then
exit 55
options --spamt more
errors
| throttle: more:1: 'x' follows the last field
then
exit 55
options --spamt null
errors
| throttle: null:1: a NUL byte
then
exit 55
options --spamt none
errors
| throttle: open none: No such file or directory
