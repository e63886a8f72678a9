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

== a clamd that cannot be asked is a deferral
conventions queue chain resident
options --clamd {folder}/nobody --clamd 127.0.0.1:1
sender a@example.org
recipient b@example.test
message
| Subject: x
verdict defer
reply 451 4.3.0 temporary trouble with a filter

== what clamd has in its own configuration is refused beside it
options --clamd {folder}/nobody --max-files 10
message
| Subject: x
exit 55

== so is a name that nobody looks up
options --clamd clamd.example.org:3310
message
| Subject: x
exit 55

== and a quarantine that nothing goes to
options --quarantine {folder}
message
| Subject: x
exit 55

== without signatures of its own the fallback serves, and the log says so
conventions resident
file other/test.ndb
| Test.Text:0:*:546869732069732061207669727573
options --database {folder}/none --fallback-database {folder}/other
sender a@example.org
recipient b@example.test
message
| Subject: This is a virus
verdict reject
reply 554 5.7.1 virus found: Test.Text.UNOFFICIAL
