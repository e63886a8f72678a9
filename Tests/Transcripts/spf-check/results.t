# What the domain's policy says becomes a verdict, a field and a note. RFC 7208.

== a client that the policy names passes, with a field that says so
zone
| a.test. TXT "v=spf1 ip4:192.0.2.0/24 -all"
options --resolver {zone} --receiver mx.test
fact client-ip 192.0.2.1
fact helo mail.a.test
sender me@a.test
recipient you@b.test
message
| Subject: x
|
| y
verdict accept
output
| Received-SPF: pass (mx.test: domain of a.test designates 192.0.2.1 as permitted sender)
: \treceiver=mx.test;\n\tclient-ip=192.0.2.1;\n\tenvelope-from="me@a.test";\n
: \thelo=mail.a.test;\n\tidentity=mailfrom;\n\tmechanism="ip4:192.0.2.0/24"\n
| Subject: x
|
| y

== a fail is refused with the domain's own words, and says that they are
zone
| a.test. TXT "v=spf1 exp=why.a.test -all"
| why.a.test. TXT "%{c} is no host of %{d}"
options --resolver {zone}
fact client-ip 192.0.2.1
fact helo mail.a.test
sender me@a.test
recipient you@b.test
message
| Subject: x
|
verdict reject
reply 550 5.7.23 SPF fail; a.test explains: 192.0.2.1 is no host of a.test

== a fail without words is refused with ours
zone
| a.test. TXT "v=spf1 -all"
options --resolver {zone}
fact client-ip 2001:db8::1
fact helo mail.a.test
sender me@a.test
recipient you@b.test
message
| Subject: x
|
verdict reject
reply 550 5.7.23 SPF fail: a.test does not let 2001:db8::1 send its mail

== a zone that fails is not known, and not known is later
zone
| a.test. SERVFAIL
options --resolver {zone}
fact client-ip 192.0.2.1
fact helo mail.a.test
sender me@a.test
recipient you@b.test
message
| Subject: x
|
verdict defer
reply 451 4.7.24 SPF temperror at a.test: TXT a.test: server failure, code 2

== a zone that is silent is not known within the time
zone
| a.test. TIMEOUT
options --resolver {zone} --timeout 200ms
fact client-ip 192.0.2.1
fact helo mail.a.test
sender me@a.test
recipient you@b.test
message
| Subject: x
|
verdict defer
reply 451 4.7.24 SPF temperror at a.test: TXT a.test: no answer in time

== a policy that cannot be understood passes unless it is said otherwise
zone
| a.test. TXT "v=spf1 nonsense -all"
options --resolver {zone} --receiver mx.test
fact client-ip 192.0.2.1
fact helo mail.a.test
sender me@a.test
recipient you@b.test
message
| Subject: x
|
verdict accept
output
| Received-SPF: permerror (mx.test: the policy of a.test cannot be understood)
: \treceiver=mx.test;\n\tclient-ip=192.0.2.1;\n\tenvelope-from="me@a.test";\n
: \thelo=mail.a.test;\n\tidentity=mailfrom;\n\tproblem="a.test: unknown mechanism nonsense"\n
| Subject: x
|
then
options --resolver {zone} --reject permerror
verdict reject
reply 550 5.7.24 SPF permerror at a.test: a.test: unknown mechanism nonsense
then
options --resolver {zone} --defer permerror
verdict defer
reply 451 4.7.24 SPF permerror at a.test: a.test: unknown mechanism nonsense

== results are refused as the lists say
zone
| soft.test. TXT "v=spf1 ~all"
| neutral.test. TXT "v=spf1 ?all"
options --resolver {zone} --reject softfail,neutral,none --defer fail
fact client-ip 192.0.2.1
fact helo mail.a.test
sender me@soft.test
recipient you@b.test
message
| Subject: x
|
verdict reject
reply 550 5.7.23 SPF softfail: soft.test does not expect 192.0.2.1 to send its mail
then
sender me@neutral.test
verdict reject
reply 550 5.7.23 SPF neutral: neutral.test does not say whether 192.0.2.1 may send its mail
then
sender me@none.test
verdict reject
reply 550 5.7.23 SPF none: none.test does not say who may send its mail

== empty lists refuse nothing
zone
| a.test. TXT "v=spf1 -all"
options --resolver {zone} --reject "" --defer "" --receiver mx.test
fact client-ip 192.0.2.1
fact helo mail.a.test
sender me@a.test
recipient you@b.test
message
| Subject: x
|
verdict accept
output
| Received-SPF: fail (mx.test: domain of a.test does not designate 192.0.2.1 as permitted sender)
: \treceiver=mx.test;\n\tclient-ip=192.0.2.1;\n\tenvelope-from="me@a.test";\n
: \thelo=mail.a.test;\n\tidentity=mailfrom;\n\tmechanism=all\n
| Subject: x
|

== a null reverse-path is the business of HELO
conventions queue chain qfilter resident
zone
| mail.a.test. TXT "v=spf1 -all"
options --resolver {zone}
fact client-ip 192.0.2.1
fact helo mail.a.test
recipient you@b.test
message
| Subject: x
|
verdict reject
reply 550 5.7.23 SPF fail: mail.a.test does not let 192.0.2.1 send its mail

== HELO by itself, and before the reverse-path
zone
| mail.a.test. TXT "v=spf1 -all"
| a.test. TXT "v=spf1 +all"
options --resolver {zone} --identity helo
fact client-ip 192.0.2.1
fact helo mail.a.test
sender me@a.test
recipient you@b.test
message
| Subject: x
|
verdict reject
reply 550 5.7.23 SPF fail: mail.a.test does not let 192.0.2.1 send its mail
then
options --resolver {zone} --identity both
verdict reject
reply 550 5.7.23 SPF fail: mail.a.test does not let 192.0.2.1 send its mail

== without a reverse-path and without HELO there is nobody to ask
conventions queue chain qfilter resident
zone
| a.test. TXT "v=spf1 -all"
options --resolver {zone}
fact client-ip 192.0.2.1
recipient you@b.test
message
| Subject: x
|
verdict accept

== where no client is known nothing is judged
zone
| a.test. TXT "v=spf1 -all"
options --resolver {zone}
sender me@a.test
recipient you@b.test
message
| Subject: x
|
verdict accept

== a client that may relay is not judged
conventions chain resident
zone
| a.test. TXT "v=spf1 -all"
options --resolver {zone}
fact client-ip 192.0.2.1
fact helo mail.a.test
fact relay
sender me@a.test
recipient you@b.test
message
| Subject: x
|
verdict accept

== nor one that the environment lets relay
conventions shell queue qfilter
zone
| a.test. TXT "v=spf1 -all"
options --resolver {zone}
fact client-ip 192.0.2.1
fact helo mail.a.test
environment RELAYCLIENT=
sender me@a.test
recipient you@b.test
message
| Subject: x
|
verdict accept

== it judges at MAIL, where there is no message yet
conventions chain resident
zone
| a.test. TXT "v=spf1 -all"
options --resolver {zone}
stage mail
fact client-ip 192.0.2.1
fact helo mail.a.test
sender me@a.test
verdict reject
reply 550 5.7.23 SPF fail: a.test does not let 192.0.2.1 send its mail

== evidence says what decided and what it took
conventions shell
zone
| a.test. TXT "v=spf1 a:none.test include:b.test -all"
| b.test. TXT "v=spf1 mx -all"
| b.test. MX 10 m.test.
| m.test. A 192.0.2.1
fact client-ip 192.0.2.9
fact helo mail.a.test
sender me@a.test
message
| Subject: x
|
options --resolver {zone}
verdict reject
reply 550 5.7.23 SPF fail: a.test does not let 192.0.2.9 send its mail
explain
| {"filter":"spf-check","verdict":"reject","code":550,"status":"5.7.23","text":"SPF fail: a.test does not let 192.0.2.9 send its mail","result":"fail","domain":"a.test","identity":"mailfrom","mechanism":"all","explanation":null,"lookups":3,"void_lookups":1,"queries":["TXT a.test","A none.test","TXT b.test","MX b.test","A m.test"]}
