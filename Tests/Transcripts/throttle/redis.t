# What is said of Redis without one. With one: Tests/CountersTests.

== a server that is not there is not known
options --store redis+unix://{folder}/none --limit "all messages 1/1h reject"
sender a@example.org
recipient b@example.test
message
| x
exit 56

== unless not known shall pass
conventions queue chain resident
options --store redis+unix://{folder}/none --store-lost accept --limit "all messages 1/1h reject"
sender a@example.org
recipient b@example.test
message
| x
verdict accept
then
verdict accept

== or this host counts alone
conventions queue chain resident
options --root {folder}/root --store redis+unix://{folder}/none --store-lost local --limit "all messages 1/1h reject"
sender a@example.org
recipient b@example.test
message
| x
verdict accept
then
verdict reject
reply 550 5.7.1 too many messages, try again later

== an address that is none is refused, and a password is not shown
conventions plain
options --store redis://:secret@h:x --limit "all messages 1/1h reject"
exit 55
errors
| throttle: --store: not redis://[[USER]:PASSWORD@]HOST[:PORT][/DB] or redis+unix://[[USER]:PASSWORD@]PATH[?db=DB]
then
exit 55
options --store memcached://h --limit "all messages 1/1h reject"
errors
| throttle: --store memcached://h: not a folder, redis:// or redis+unix://
then
exit 55
options --store-lost local --limit "all messages 1/1h reject"
errors
| throttle: --store-lost local: the store is one of this host already
then
exit 55
options --store-timeout 1s --limit "all messages 1/1h reject"
errors
| throttle: --store-timeout is for a store in Redis
then
exit 55
options --store redis://192.0.2.1 --store-timeout 11s --limit "all messages 1/1h reject"
errors
| throttle: --store-timeout 11s: not a time from 1ms to 10s
then
exit 55
options --store redis://redis.test --resolver nowhere --limit "all messages 1/1h reject"
errors
| throttle: --resolver nowhere: not ADDRESS or ADDRESS:PORT
