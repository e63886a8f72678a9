# qmail's lists with regular expressions. regex-filter(8), section QMAIL'S LISTS.

== badmailfrom refuses an address, a domain, and what an expression matches
file badmailfrom
| # a comment
| exact+plus@example.org
| @example.com
| ^spam.*@
options --qmail-control {folder}
recipient bob@example.test
message
| Subject: x
|
sender Exact+Plus@example.org
verdict reject
reply 553 5.7.1 sorry, your envelope sender has been denied (#5.7.1)
then
sender any@EXAMPLE.com
verdict reject
reply 553 5.7.1 sorry, your envelope sender has been denied (#5.7.1)
then
sender spammer@example.net
verdict reject
reply 553 5.7.1 sorry, your envelope sender has been denied (#5.7.1)
then
sender alice@example.org
verdict accept

== a line that begins with ! refuses what it does not match
file badmailfrom
| !@example\.(org|net)$
options --qmail-control {folder}
sender alice@example.com
recipient bob@example.test
message
| Subject: x
|
verdict reject
reply 553 5.7.1 sorry, your envelope sender has been denied (#5.7.1)
then
sender alice@example.org
verdict accept

== but never the null reverse-path
conventions queue chain resident
file badmailfrom
| !@example\.(org|net)$
| .*
options --qmail-control {folder}
recipient bob@example.test
message
| Subject: x
|
verdict accept

== badrcptto and badhelo
file badrcptto
| ^trap@
file badhelo
| ^localhost$
| !\.
options --qmail-control {folder}
sender alice@example.org
recipient bob@example.test
recipient trap@example.test
message
| Subject: x
|
verdict reject
reply 553 5.7.1 sorry, your envelope recipient has been denied (#5.7.1)
then
recipient bob@example.test
fact client-ip 192.0.2.1
fact helo LOCALHOST
verdict reject
reply 553 5.7.1 sorry, your HELO host name has been denied (#5.7.1)

== the lists for those who may not relay
conventions chain resident
file badmailfromnorelay
| @example\.org$
file badrcpttonorelay
| ^bob@
file badhelonorelay
| ^pc$
options --qmail-control {folder}
sender alice@example.org
recipient bob@example.test
fact client-ip 192.0.2.1
fact helo pc
message
| Subject: x
|
verdict reject
reply 553 5.7.1 sorry, your HELO host name has been denied (#5.7.1)

== RELAYCLIENT spares them those lists
conventions shell queue
environment RELAYCLIENT=
file badmailfromnorelay
| @example\.org$
file badrcpttonorelay
| ^bob@
options --qmail-control {folder}
sender alice@example.org
recipient bob@example.test
message
| Subject: x
|
verdict accept

== qmail's variables switch lists off
conventions shell queue
environment NOBADHELO=1
environment DISABLE_BADMAILFROM=1
file badhelo
| .
file badmailfrom
| .
options --qmail-control {folder} --helo pc
sender alice@example.org
recipient bob@example.test
message
| Subject: x
|
verdict accept

== at its stage only what is known is judged
conventions chain resident
file badmailfrom
| ^spam
file badrcptto
| ^trap
options --qmail-control {folder}
stage mail
sender alice@example.org
verdict accept
then
stage rcpt
recipient trap@example.test
verdict reject
reply 553 5.7.1 sorry, your envelope recipient has been denied (#5.7.1)

== expressions are POSIX's: a backslash between brackets is one
conventions shell
file badmailfrom
| [\.]x@
options --qmail-control .
sender a.x@example.org
recipient bob@example.test
message
| Subject: x
|
verdict reject
reply 553 5.7.1 sorry, your envelope sender has been denied (#5.7.1)

== what is wrong is refused with file and line
options --qmail-control .
file badrcptto
| fine
| (
message
| Subject: x
|
exit 55
errors
| regex-filter: ./badrcptto:2: expression: Unmatched ( or \(

== a folder without such a list
options --qmail-control .
message
| Subject: x
|
exit 55
errors
| regex-filter: .: none of badhelo, badhelonorelay, badmailfrom, badmailfromnorelay, badrcptto, badrcpttonorelay, ssattach is there

== simscan's list of suffixes, by itself and in the control folder
file ssattach
| .exe
| .tar.gz
options --simscan-attach ssattach
sender alice@example.org
recipient bob@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Disposition: attachment; filename="Cheap.EXE .."
|
| x
| --b--
verdict reject
reply 554 5.7.1 bad attachment: Cheap.EXE ..
then
options --qmail-control {folder}
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Disposition: attachment; filename*=utf-8''a%2Etar.gz
|
| x
| --b--
verdict reject
reply 554 5.7.1 bad attachment: a.tar.gz
then
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Disposition: attachment; filename="xexe"
|
| x
| --b--
verdict accept

== a list that is named must be there
options --simscan-attach {folder}/nowhere
conventions queue chain
sender alice@example.org
recipient bob@example.test
message
| Subject: x
|
exit 55
