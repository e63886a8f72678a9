# What is asked of the sender, and of the grammar of addresses.

== a sender's domain with an exchanger or an address is fine
zone
| mx.test. MX 10 mail.mx.test.
| a.test. A 192.0.2.1
| aaaa.test. AAAA 2001:db8::1
file mailboxes
| bob@x.test
options --source file:mailboxes --sender-domain reject --resolver {zone}
fact client-ip 192.0.2.9
sender a@mx.test
recipient bob@x.test
message
| x
verdict accept
then
sender a@a.test
verdict accept
then
sender a@aaaa.test
verdict accept
then
sender a@[192.0.2.1]
verdict accept
then
sender a@nowhere.test
verdict reject
reply 550 5.1.8 the sender's domain has no MX, A or AAAA: a@nowhere.test

== so is nobody
zone
| a.test. A 192.0.2.1
file mailboxes
| bob@x.test
conventions queue chain resident
options --source file:mailboxes --sender-domain reject --resolver {zone}
fact client-ip 192.0.2.9
recipient bob@x.test
message
| x
verdict accept

== a null MX says that there is no reply
zone
| null.test. MX 0 .
file mailboxes
| bob@x.test
options --source file:mailboxes --sender-domain reject --resolver {zone}
fact client-ip 192.0.2.9
sender a@null.test
recipient bob@x.test
message
| x
verdict reject
reply 550 5.7.27 the sender's domain has a null MX: a@null.test

== both may be for now only
zone
| null.test. MX 0 .
file mailboxes
| bob@x.test
options --source file:mailboxes --sender-domain defer --resolver {zone}
fact client-ip 192.0.2.9
sender a@null.test
recipient bob@x.test
message
| x
verdict defer
reply 451 4.7.27 the sender's domain has a null MX: a@null.test
then
sender a@nowhere.test
verdict defer
reply 451 4.1.8 the sender's domain has no MX, A or AAAA: a@nowhere.test

== or be said in the log
zone
| null.test. MX 0 .
| broken.test. SERVFAIL
file mailboxes
| bob@x.test
options --source file:mailboxes --sender-domain warn --resolver {zone}
fact client-ip 192.0.2.9
sender a@null.test
recipient bob@x.test
message
| x
verdict accept
then
sender a@broken.test
verdict accept

== not known is later
zone
| broken.test. SERVFAIL
| silent.test. TIMEOUT
file mailboxes
| bob@x.test
options --source file:mailboxes --sender-domain reject --resolver {zone} --timeout 100ms
fact client-ip 192.0.2.9
sender a@broken.test
recipient bob@x.test
message
| x
exit 56
then
sender a@silent.test
exit 56

== nobody is asked for a client that may relay
file mailboxes
| bob@x.test
options --source file:mailboxes --sender-domain reject --resolver 127.0.0.1:1 --unknown-domain relay
fact client-ip 192.0.2.9
environment RELAYCLIENT=
conventions shell queue
sender a@nowhere.test
recipient bob@x.test
recipient any@elsewhere.test
message
| x
verdict accept
then
recipient eve@x.test
verdict reject
reply 550 5.1.1 no mailbox here by that name: eve@x.test

== an address that is none is refused
file mailboxes
| bob@x.test
options --source file:mailboxes
fact client-ip 192.0.2.9
sender a@b.test
recipient bob@x..test
message
| x
verdict reject
reply 553 5.1.3 not a valid recipient: bob@x..test
then
sender a@-b.test
recipient bob@x.test
verdict reject
reply 553 5.1.7 not a valid sender: a@-b.test
then
sender a b@b.test
recipient jürgen@bücher.test
verdict accept
then
sender a@b.test
recipient postmaster
verdict accept

== with its quotes only, if that is wanted
file mailboxes
| bob@x.test
options --source file:mailboxes --syntax strict
fact client-ip 192.0.2.9
sender a b@b.test
recipient bob@x.test
message
| x
verdict reject
reply 553 5.1.7 not a valid sender: a b@b.test
then
sender "a b"@b.test
verdict accept

== unless nobody looks
file mailboxes
| bob@x.test
options --source file:mailboxes --syntax off
fact client-ip 192.0.2.9
sender a
recipient bob@x..test
message
| x
verdict accept

== mail of this host may be incomplete
file mailboxes
| bob@x.test
options --source file:mailboxes --sender-domain reject --resolver 127.0.0.1:1
sender #@[]
recipient bob
message
| x
verdict accept

== every reply is ASCII
file mailboxes
| bob@x.test
options --source file:mailboxes
fact client-ip 192.0.2.9
sender a@b.test
recipient jürgen@x.test
message
| x
verdict reject
reply 550 5.1.1 no mailbox here by that name: j??rgen@x.test
