# What each option changes. RFC 7208, RFC 8601.

== a resolver that does not answer is followed by the next
zone
| a.test. TXT "v=spf1 -all"
options --resolver 127.0.0.1:1 --resolver {zone}
fact client-ip 192.0.2.1
fact helo mail.a.test
sender me@a.test
recipient you@b.test
message
| Subject: x
|
verdict reject
reply 550 5.7.23 SPF fail: a.test does not let 192.0.2.1 send its mail

== the time limit is one duration
options --timeout soon
message
| x
exit 55
errors
| spf-check: --timeout soon: not a duration such as 500ms, 20s, 5m, 1h or 7d

== our name stands in the field and in explanations
zone
| a.test. TXT "v=spf1 exp=why.a.test -all"
| why.a.test. TXT "ask %{r}"
options --resolver {zone} --receiver mx.test
fact client-ip 192.0.2.1
fact helo mail.a.test
sender me@a.test
recipient you@b.test
message
| Subject: x
|
verdict reject
reply 550 5.7.23 SPF fail; a.test explains: ask mx.test

== spfbehavior 0 looks at nothing
zone
| a.test. TXT "v=spf1 -all"
| b.test. SERVFAIL
options --resolver {zone} --behavior 0
fact client-ip 192.0.2.1
fact helo mail.a.test
sender me@a.test
recipient you@b.test
message
| Subject: x
|
verdict accept
then
sender me@b.test
verdict accept

== spfbehavior 1 writes a field and refuses nothing, 2 defers what cannot be asked
zone
| a.test. TXT "v=spf1 -all"
| b.test. SERVFAIL
options --resolver {zone} --behavior 1 --header authentication-results --receiver mx.test
fact client-ip 192.0.2.1
fact helo mail.a.test
sender me@a.test
recipient you@b.test
message
| Subject: x
|
verdict accept
output
: Authentication-Results: mx.test;\n\tspf=fail\n\tsmtp.mailfrom=a.test\n
| Subject: x
|
then
sender me@b.test
verdict accept
output
: Authentication-Results: mx.test;\n\tspf=temperror\n
: \treason="TXT b.test: server failure, code 2"\n\tsmtp.mailfrom=b.test\n
| Subject: x
|
then
options --resolver {zone} --behavior 2 --header none
sender me@a.test
verdict accept
then
sender me@b.test
verdict defer
reply 451 4.7.24 SPF temperror at b.test: TXT b.test: server failure, code 2

== spfbehavior 3 to 6 reject more and more
zone
| fail.test. TXT "v=spf1 -all"
| soft.test. TXT "v=spf1 ~all"
| neutral.test. TXT "v=spf1 ?all"
| broken.test. TXT "v=spf1 nonsense"
| down.test. SERVFAIL
options --resolver {zone} --behavior 3 --header none
fact client-ip 192.0.2.1
fact helo mail.a.test
sender me@fail.test
recipient you@b.test
message
| Subject: x
|
verdict reject
reply 550 5.7.23 SPF fail: fail.test does not let 192.0.2.1 send its mail
then
sender me@soft.test
verdict accept
then
options --resolver {zone} --behavior 4 --header none
verdict reject
reply 550 5.7.23 SPF softfail: soft.test does not expect 192.0.2.1 to send its mail
then
sender me@neutral.test
verdict accept
then
options --resolver {zone} --behavior 5 --header none
verdict reject
reply 550 5.7.23 SPF neutral: neutral.test does not say whether 192.0.2.1 may send its mail
then
sender me@none.test
verdict accept
then
options --resolver {zone} --behavior 6 --header none
verdict reject
reply 550 5.7.23 SPF none: none.test does not say who may send its mail
then
sender me@broken.test
verdict reject
reply 550 5.7.24 SPF permerror at broken.test: broken.test: unknown mechanism nonsense
then
sender me@down.test
verdict defer
reply 451 4.7.24 SPF temperror at down.test: TXT down.test: server failure, code 2

== spfbehavior ends at 6
options --behavior 7
message
| x
exit 55
errors
| spf-check: --behavior 7: not a number from 0 to 6

== spfbehavior and the lists say the same
options --behavior 3 --reject none
message
| x
exit 55
errors
| spf-check: --behavior says what --reject and --defer say: give one of them

== a local policy lets pass what a domain does not, and says so
zone
| a.test. TXT "v=spf1 -all"
| friends.test. TXT "v=spf1 ip4:192.0.2.0/24 -all"
options --resolver {zone} --receiver mx.test --local-policy "ip4:203.0.113.0/24 include:friends.test"
fact client-ip 192.0.2.1
fact helo mail.a.test
sender me@a.test
recipient you@b.test
message
| Subject: x
|
verdict accept
output
| Received-SPF: pass (mx.test: pass for 192.0.2.1 by local policy)
: \treceiver=mx.test;\n\tclient-ip=192.0.2.1;\n\tenvelope-from="me@a.test";\n
: \thelo=mail.a.test;\n\tidentity=mailfrom;\n\tmechanism="include:friends.test"\n
| Subject: x
|
then
fact client-ip 198.51.100.1
verdict reject
reply 550 5.7.23 SPF fail: a.test does not let 198.51.100.1 send its mail

== a local policy may refuse too
zone
| a.test. TXT "v=spf1 ?all"
options --resolver {zone} --local-policy -ip4:192.0.2.1
fact client-ip 192.0.2.1
fact helo mail.a.test
sender me@a.test
recipient you@b.test
message
| Subject: x
|
verdict reject
reply 550 5.7.23 SPF fail: 192.0.2.1 may not send mail of a.test by local policy

== a local policy that cannot be read is refused at the start
options --local-policy "ip4:192.0.2.1 redirect=a.test"
message
| x
exit 55
errors
| spf-check: --local-policy ip4:192.0.2.1 redirect=a.test: redirect and exp have no place in a local policy

== both fields, ours on top
zone
| a.test. TXT "v=spf1 ip4:192.0.2.0/24 -all"
options --resolver {zone} --receiver mx.test --header both
fact client-ip 192.0.2.1
fact helo mail.a.test
sender me@a.test
recipient you@b.test
message
| Authentication-Results: other.test; spf=fail
| Subject: x
|
verdict accept
output
| Received-SPF: pass (mx.test: domain of a.test designates 192.0.2.1 as permitted sender)
: \treceiver=mx.test;\n\tclient-ip=192.0.2.1;\n\tenvelope-from="me@a.test";\n
: \thelo=mail.a.test;\n\tidentity=mailfrom;\n\tmechanism="ip4:192.0.2.0/24"\n
: Authentication-Results: mx.test;\n\tspf=pass\n\tsmtp.mailfrom=a.test\n
| Authentication-Results: other.test; spf=fail
| Subject: x
|

== a field that claims to be ours goes, and its company with it
zone
| a.test. TXT "v=spf1 ip4:192.0.2.0/24 -all"
options --resolver {zone} --receiver mx.test --header authentication-results
fact client-ip 192.0.2.1
fact helo mail.a.test
sender me@a.test
recipient you@b.test
message
| Authentication-Results: other.test; spf=fail
| Subject: x
| authentication-results : (so (it) is)
: \t"MX.test" 1; dkim=pass\n
|
| y
verdict accept
output
: Authentication-Results: mx.test;\n\tspf=pass\n\tsmtp.mailfrom=a.test\n
| Subject: x
|
| y
then
options --resolver {zone} --receiver mx.test --header none
verdict accept

== HELO is named where it was asked
zone
| mail.a.test. TXT "v=spf1 +all"
| a.test. TXT "v=spf1 +all"
options --resolver {zone} --receiver mx.test --header authentication-results --identity both
fact client-ip 192.0.2.1
fact helo mail.a.test
sender me@a.test
recipient you@b.test
message
| Subject: x
|
verdict accept
output
: Authentication-Results: mx.test;\n\tspf=pass\n\tsmtp.mailfrom=a.test\n
: Authentication-Results: mx.test;\n\tspf=pass\n\tsmtp.helo=mail.a.test\n
| Subject: x
|

== there are four kinds of header
options --header all
message
| x
exit 55
errors
| spf-check: --header all: not one of received-spf, authentication-results, both, none

== the memory for answers is a size
options --cache much
message
| x
exit 55
errors
| spf-check: --cache much: not a size such as 4096, 64K, 100M or 1G

== a pool answers from memory what it was asked before, unless it has none
conventions resident
zone
| a.test. TXT "v=spf1 -all"
options --resolver {zone}
fact client-ip 192.0.2.1
fact helo mail.a.test
sender me@a.test
recipient you@b.test
message
| Subject: x
|
verdict reject
reply 550 5.7.23 SPF fail: a.test does not let 192.0.2.1 send its mail
then
verdict reject
reply 550 5.7.23 SPF fail: a.test does not let 192.0.2.1 send its mail
then
options --resolver {zone} --cache 0
verdict reject
reply 550 5.7.23 SPF fail: a.test does not let 192.0.2.1 send its mail
