# What plugins say, and what becomes of it. qmail-spp's documentation, Writing plugins.

== a plugin that says nothing accepts
options --folder {folder} --stage mail --plugin ":exit 7"
sender alice@a.test
recipient bob@b.test
message
| Subject: x
|
verdict accept

== E refuses with its code
options --folder {folder} --stage mail --plugin ":echo 'E550 5.7.0 go away'; echo E451 never"
sender alice@a.test
recipient bob@b.test
message
| Subject: x
|
verdict reject
reply 550 5.7.0 go away

== E with qmail's form of a status
options --folder {folder} --stage rcpt --plugin ":echo 'E553 no such user (#5.1.1)'"
sender alice@a.test
recipient bob@b.test
message
| Subject: x
|
verdict reject
reply 553 5.1.1 no such user

== E with a code of 4xx defers
options --folder {folder} --stage rcpt --plugin ":echo 'E451 come back'"
sender alice@a.test
recipient bob@b.test
message
| Subject: x
|
verdict defer
reply 451 4.7.1 come back

== a status of another class than the code is not believed
options --folder {folder} --stage rcpt --plugin ":echo 'E451 5.7.7 come back'"
sender alice@a.test
recipient bob@b.test
message
| Subject: x
|
verdict defer
reply 451 4.7.1 come back

== R ends the session where the client may come again
options --folder {folder} --stage mail --plugin ":echo 'R450 later'"
sender alice@a.test
recipient bob@b.test
message
| Subject: x
|
verdict defer
reply 421 4.7.1 later

== R for good is heard
options --folder {folder} --stage mail --plugin ":echo 'R554 never'"
sender alice@a.test
recipient bob@b.test
message
| Subject: x
|
verdict reject
reply 554 5.7.1 never

== D is the end of the session
options --folder {folder} --stage mail --plugin ":echo D"
sender alice@a.test
recipient bob@b.test
message
| Subject: x
|
verdict defer
reply 421 4.7.0 closing the connection

== H adds fields in their order, folded too
options --folder {folder} --stage mail --plugin ":printf 'HX-One: 1\nHX-Two: 2\nH\tand more\n'" --plugin ":echo 'HX-Three: 3'"
sender alice@a.test
recipient bob@b.test
message
| Subject: x
|
| Hello
verdict accept
output
| X-One: 1
: X-Two: 2\n\tand more\n
| X-Three: 3
| Subject: x
|
| Hello

== an empty header field is not known
options --folder {folder} --stage mail --plugin ":echo H"
sender alice@a.test
recipient bob@b.test
message
| Subject: x
|
exit 71

== a broken header field is not known
options --folder {folder} --stage mail --plugin ":echo 'Hno field'"
sender alice@a.test
recipient bob@b.test
message
| Subject: x
|
exit 71

== C changes the recipient, for the plugins that follow too
conventions queue qfilter
options --folder {folder} --stage rcpt --plugin ":echo Ccarol@b.test" --plugin ":[ $SMTPRCPTTO = carol@b.test ] || echo E550 no"
sender alice@a.test
recipient bob@b.test
message
| Subject: x
|
verdict accept
new-sender alice@a.test
new-recipient carol@b.test

== C changes the reverse-path
conventions queue qfilter
options --folder {folder} --stage mail --plugin ":echo Clist@a.test" --plugin ":[ $SMTPMAILFROM = list@a.test ] || echo E550 no"
sender alice@a.test
recipient bob@b.test
message
| Subject: x
|
verdict accept
new-sender list@a.test
new-recipient bob@b.test

== N and O pass over what follows, A too
options --folder {folder} --stage mail --plugin ":echo N; echo E550 no" --plugin ":echo E550 no"
sender alice@a.test
recipient bob@b.test
message
| Subject: x
|
verdict accept
then
options --folder {folder} --stage mail --plugin ":echo O" --plugin ":echo E550 no"
verdict accept
then
options --folder {folder} --stage mail --plugin ":echo A" --plugin ":echo E550 no"
verdict accept

== S and U set variables for the plugins that follow
options --folder {folder} --stage mail --plugin ":printf 'SWHO=me and you\nSGONE=1\n'" --plugin ":printf 'UGONE\n'" --plugin ':echo "E550 $WHO${GONE-, gone}"'
sender alice@a.test
recipient bob@b.test
message
| Subject: x
|
verdict reject
reply 550 5.7.1 me and you, gone

== a variable hides what is known of the client from the plugins that follow
options --folder {folder} --stage mail --plugin ":printf 'STCPREMOTEIP=127.0.0.1\n'" --plugin ':echo "E550 $TCPREMOTEIP $SMTPHELOHOST $SMTPMAILFROM"'
fact client-ip 192.0.2.1
fact helo c.a.test
sender alice@a.test
recipient bob@b.test
message
| Subject: x
|
verdict reject
reply 550 5.7.1 127.0.0.1 c.a.test alice@a.test

== the variables of a recipient
file root/etc/control/rcpthosts
| b.test
options --root {folder}/root --folder {folder} --stage rcpt --plugin ':echo "E550 $SMTPRCPTTO $SMTPRCPTCOUNT $SMTPRCPTCOUNTALL $SMTPRCPTHOSTSOK"'
sender alice@a.test
recipient bob@b.test
message
| Subject: x
|
verdict reject
reply 550 5.7.1 bob@b.test 0 1 1

== the second recipient is the second, and in no domain of ours
file root/etc/control/rcpthosts
| b.test
options --root {folder}/root --folder {folder} --stage rcpt --plugin ':[ $SMTPRCPTCOUNTALL = 1 ] || echo "E550 $SMTPRCPTTO $SMTPRCPTCOUNT $SMTPRCPTCOUNTALL $SMTPRCPTHOSTSOK"'
sender alice@a.test
recipient bob@b.test
recipient carol@c.test
message
| Subject: x
|
verdict reject
reply 550 5.7.1 carol@c.test 1 2 0

== the sections of a file
file plugins
| # of ours
| [connection]
| :echo E550 connect
| [mail]
| :[ "$SMTPMAILFROM" = "a b@a.test" ] && echo 'E550 mail'
| [auth]
| plugins/none
| [rcpt]
| :echo E550 rcpt
options --folder {folder} --stage mail --file plugins
sender a b@a.test
recipient bob@b.test
message
| Subject: x
|
verdict reject
reply 550 5.7.1 mail

== after its last word nobody listens to a plugin, nor waits for what it left running
options --folder {folder} --stage mail --plugin ":yes 'E550 no'"
sender alice@a.test
recipient bob@b.test
message
| Subject: x
|
verdict reject
reply 550 5.7.1 no
then
options --folder {folder} --stage mail --plugin ":sleep 600 & echo 'E550 no'"
verdict reject
reply 550 5.7.1 no
