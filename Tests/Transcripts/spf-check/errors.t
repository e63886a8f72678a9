# What is wrong with the command line or with a control file is said at the start.

== a result that is none
options --reject nonsense
message
| x
exit 55
errors
| spf-check: --reject nonsense: not a list of none,neutral,fail,softfail,temperror,permerror

== a pass cannot be refused
options --reject pass
message
| x
exit 55
errors
| spf-check: --reject pass: not a list of none,neutral,fail,softfail,temperror,permerror

== one result cannot be both
options --reject fail,permerror --defer permerror
message
| x
exit 55
errors
| spf-check: --reject and --defer both name permerror

== a resolver is an address
options --resolver ns.test
message
| x
exit 55
errors
| spf-check: --resolver ns.test: not ADDRESS or ADDRESS:PORT

== a control file with something else in it
file etc/control/resolver
| ns.test
options --root {folder}
message
| x
exit 55

== the resolver and our name come from control files
zone
| a.test. TXT "v=spf1 -all"
conventions shell
file etc/control/resolver
| 127.0.0.1:1
file etc/control/me
| mx.test
options --root {folder}
fact client-ip 192.0.2.1
fact helo mail.a.test
sender me@a.test
message
| Subject: x
|
verdict defer
reply 451 4.7.24 SPF temperror at a.test: TXT a.test: recv 127.0.0.1:1: Connection refused
then
options --root {folder} --resolver {zone} --defer fail --reject ""
verdict defer
reply 451 4.7.23 SPF fail: a.test does not let 192.0.2.1 send its mail

== version
conventions plain
options --version
output
| spf-check 0.1
exit 0
