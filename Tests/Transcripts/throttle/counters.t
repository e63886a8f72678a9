# Looking at counters, forgetting them, and simulating from a log.

== counters are shown and forgotten
conventions plain
options --store {folder}/store --limit "sender+user messages 4/31d defer" --limit "all messages 1K/31d log" --sender "A b@example.org" --auth-user u --client-ip 192.0.2.1
message
| x
exit 0
output
| x
errors
| throttle: accept
then
options --store {folder}/store --show
output
: *\tall messages 1024/2678400s/1024\t1 of 1024\t44m\n
: a b@example.org+u\tsender+user messages 4/2678400s/4\t1 of 4\t8d\n
errors
then
options --store {folder}/store --reset "a b@example.org+u"
output
| 1 forgotten
then
options --store {folder}/store --reset "a b@example.org+u"
output
| 0 forgotten
then
options --store {folder}/store --reset "*"
output
| 1 forgotten
then
options --store {folder}/store --show
output

== one thing at a time, and for a shell
conventions plain
options --show --reset x
exit 55
errors
| throttle: --show and --reset: one thing at a time
then
exit 55
options --show --serve {folder}/socket
errors
| throttle: --show is for a shell: it judges no message
then
exit 55
options --simulate log
errors
| throttle: no --limits FILE, --limit 'KEY UNIT RATE ACTION [text]' or --spamt FILE

== a log tells what limits would have done
conventions plain
file log
| 1764172100.5 host smtp-server[7]: smtp-server: event=connect session=S1 client=192.0.2.1 port=5
| smtp-server: event=mail session=S1 message=S1-1 reverse-path="" code=250
| smtp-server: event=rcpt session=S1 message=S1-1 recipient=a@example.test code=250 status=2.1.5
| smtp-server: event=rcpt session=S1 message=S1-1 recipient=x@example.test code=550 status=5.1.1 text="no \"x\" here"
| smtp-server: event=rcpt session=S1 message=S1-1 recipient=y@example.test code=550 status=5.1.1
| smtp-server: event=rcpt session=S1 message=S1-1 recipient=b@example.test code=250 status=2.1.5
| throttle: event=verdict session=S1 message=S1-1 stage=message verdict=accept
| smtp-server: event=message session=S1 message=S1-1 size=3000 code=250
| smtp-server: event=mail session=S1 message=S1-2 reverse-path=a@example.org code=250
| smtp-server: event=message session=S1 message=S1-2 size=5000 code=250
| smtp-server: event=disconnect session=S1 reason=quit messages=2
| @400000006927234e00000000 smtp-server: event=connect session=S2 client=192.0.2.1
| smtp-server: event=connect session=S3 client=192.0.2.2
| smtp-server: event=mail session=S2 message=S2-1 reverse-path=a@example.org code=250
| smtp-server: event=mail session=S3 message=S3-1 reverse-path=a@example.org code=250
| smtp-server: event=mail session=S0 message=S0-1 reverse-path=a@example.org code=250
| something else
options --limit "client connections 1/1d defer" --limit "client failures 1/1d reject" --limit "client bytes 4K/1d delay 5s" --limit "sender-domain messages 1/1d log" --simulate log
exit 0
output
| 17 lines, 12 asked, 2 not asked after a refusal, 1 of sessions that began before
| client connections 1/86400s/1 defer: accept 2, defer 1
: \t192.0.2.1\t1 of 2\n\t192.0.2.2\t0 of 1\n
| client failures 1/86400s/1 reject: accept 6, reject 5
: \t192.0.2.1\t5 of 9\n\t192.0.2.2\t0 of 2\n
| client bytes 4096/86400s/4096 delay: accept 1, delay 0
: \t192.0.2.1\t0 of 1\n
| sender-domain messages 1/86400s/1 log: accept 2, log 0
: \texample.org\t0 of 2\n

== a refused login of a log is a failure of the client and of the login
conventions plain
file log
| smtp-server: event=connect session=1k16akssj6xe31a0xwke9 client=192.0.2.1
| smtp-server: event=login-refused session=1k16akssj6xe31a0xwke9 login=anna mechanism=PLAIN reason=credentials
| smtp-server: event=login-refused session=1k16akssj6xe31a0xwke9 mechanism=PLAIN reason=malformed
| smtp-server: event=mail session=1k16akssj6xe31a0xwke9 reverse-path=a@b.test helo=c.test auth-user=anna code=250
| smtp-server: event=mail session=1k16akssj6xe31a0xwke9 reverse-path=a@b.test helo=c.test auth-user=otto code=250
options --limit "client failures 2/31d log" --limit "user failures 1/31d log" --limit "helo messages 1/31d log" --simulate log
exit 0
output
| 5 lines, 5 asked, 0 not asked after a refusal, 0 of sessions that began before
| client failures 2/2678400s/2 log: accept 1, log 2
: \t192.0.2.1\t2 of 3\n
| user failures 1/2678400s/1 log: accept 1, log 1
: \tanna\t1 of 1\n\totto\t0 of 1\n
| helo messages 1/2678400s/1 log: accept 1, log 1
: \tc.test\t1 of 2\n

== a log that is not there cannot be read
conventions plain
options --limit "client connections 1/1d defer" --simulate none
exit 54
errors
| throttle: open none: No such file or directory

== standard input is a log, too
conventions plain
options --spamt spamt --simulate -
file spamt
| ::1000::::::
| .
message
| 2026-11-26T15:49:12.25+01:00 smtp-server: event=connect session=S1 client=192.0.2.1
| smtp-server: event=message session=S1 size=3000 code=250
| smtp-server: event=message session=S1 size=3000 code=250
| 2026-11-26T15:49:15+0100 smtp-server: event=message session=S1 size=3000 code=250
exit 0
output
| 4 lines, 4 asked, 0 not asked after a refusal, 0 of sessions that began before
| spamthrottle: 1 waits

== a store has a size, and how fast it is can be seen
options --store {folder}/store --store-size 1M --limit "all messages 1/31d reject" --measure 50 --check
conventions resident
sender a@example.org
recipient b@example.test
message
| x
verdict accept
then
verdict accept
then
options --store {folder}/store --store-size 1M --limit "all messages 1/31d reject" --measure 2
verdict reject
reply 550 5.7.1 too many messages, try again later

== a size and a number that are none are refused
conventions plain
options --store {folder}/store --store-size 255K --limit "all messages 1/1h reject"
exit 55
errors
| throttle: --store-size 255K: not a size from 256K to 1G
then
options --store {folder}/store --measure 0 --limit "all messages 1/1h reject"
exit 55
errors
| throttle: --measure 0: not a number from 1 to 1000000000
