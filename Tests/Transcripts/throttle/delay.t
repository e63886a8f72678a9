# What a delay does in each convention: nothing is refused, and only in qmail-queue's place the
# filter waits itself.

== a client over its limit passes late
options --store {folder}/store --limit "client messages 1/1h delay 100ms"
fact client-ip 192.0.2.1
sender a@example.org
recipient b@example.test
message
| Subject: x
|
| Hello
verdict accept
then
verdict accept
