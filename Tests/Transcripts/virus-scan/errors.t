# What keeps the scanner from scanning.

== without a pool queue and chain defer
conventions queue chain qfilter
options --pool {folder}/nobody
sender a@example.org
recipient b@example.test
message
| Subject: x
verdict defer
reply 451 4.3.2 the virus scanner is not available

== signatures that cannot be loaded are bad configuration
conventions shell resident
file db/test.ndb
| Test.Broken:0:*:zz
options --database {folder}/db
message
| Subject: x
exit 55

== so is a folder without any
conventions shell resident
file db/readme
| nothing
options --database {folder}/db
message
| Subject: x
exit 55

== before the message is there is nothing to scan
conventions resident
file db/test.ndb
| Test.Text:0:*:546869732069732061207669727573
options --database {folder}/db
stage rcpt
sender a@example.org
recipient b@example.test
verdict defer
reply 451 4.3.5 the mail system is not set up right
