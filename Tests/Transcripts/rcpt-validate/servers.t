# Databases and other servers as sources. An empty file is a database of SQLite without tables.

== a mailbox with a row exists, in any case of its letters
options --source "sqlite:empty.db?query=SELECT 1 WHERE :address IN ('bob@x.test', 'o''hara@x.test')"
file empty.db
sender a@b.test
recipient Bob@X.test
recipient o'hara@x.test
message
| x
verdict accept

== one without a row does not, whatever SQL it is
file empty.db
options --source "sqlite:empty.db?query=SELECT 1 WHERE :local || '@' || :domain = 'bob@x.test'"
sender a@b.test
recipient ' OR 1=1 --@x.test
message
| x
verdict reject
reply 550 5.1.1 no mailbox here by that name: ' OR 1=1 --@x.test

== a query may say which domains it knows, and the next source is asked for others
file empty.db
file mailboxes
| eve@y.test
options --source "sqlite:empty.db?domains=SELECT 1 WHERE :domain = 'x.test'&query=SELECT 1 WHERE 0" --source file:mailboxes
sender a@b.test
recipient eve@y.test
message
| x
verdict accept
then
recipient eve@x.test
verdict reject
reply 550 5.1.1 no mailbox here by that name: eve@x.test

== a status says more
file empty.db
options --source "sqlite:empty.db?query=SELECT :local AS status"
sender a@b.test
recipient ok@x.test
message
| x
verdict accept
then
recipient missing@x.test
verdict reject
reply 550 5.1.1 no mailbox here by that name: missing@x.test
then
recipient disabled@x.test
verdict reject
reply 550 5.2.1 this mailbox takes no mail: disabled@x.test
then
recipient over-quota@x.test
verdict reject
reply 552 5.2.2 the mailbox is full: over-quota@x.test
then
recipient unknown-domain@x.test
verdict accept
then
recipient nonsense@x.test
exit 54

== a full mailbox may get its mail later
file empty.db
options --quota defer --source "sqlite:empty.db?query=SELECT 'over-quota' AS status"
sender a@b.test
recipient bob@x.test
message
| x
verdict defer
reply 452 4.2.2 the mailbox is full: bob@x.test

== or now
file empty.db
options --quota off --source "sqlite:empty.db?query=SELECT 'over-quota' AS status"
sender a@b.test
recipient bob@x.test
message
| x
verdict accept

== an extension is no part of the name
file empty.db
options --extensions -+ --source "sqlite:empty.db?query=SELECT 1 WHERE :local = 'bob'"
sender a@b.test
recipient bob-lists+swift@x.test
message
| x
verdict accept
then
recipient eve-lists@x.test
verdict reject
reply 550 5.1.1 no mailbox here by that name: eve-lists@x.test

== what was looked at is said
file empty.db
conventions shell
options --check --source "sqlite:empty.db?domains=SELECT 5 AS id&query=SELECT '/mail/' || :local AS place WHERE :local = 'bob'"
sender a@b.test
recipient bob@x.test
recipient eve@x.test
message
| x
verdict reject
reply 550 5.1.1 no mailbox here by that name: eve@x.test
explain
| {"filter":"rcpt-validate","verdict":"reject","code":550,"status":"5.1.1","text":"no mailbox here by that name: eve@x.test","recipient":"eve@x.test","mailbox":"missing","recipients":[{"recipient":"bob@x.test","mailbox":"exists","looked-at":["source sqlite:empty.db","domains= x.test: id=5","query= bob@x.test: place=/mail/bob"],"reply":null},{"recipient":"eve@x.test","mailbox":"missing","looked-at":["source sqlite:empty.db","domains= x.test: id=5","query= eve@x.test: no row"],"reply":"550 5.1.1 no mailbox here by that name: eve@x.test"}]}

== a server that is not there is no answer, and keeps no pool from starting
options --source "postgresql:host=/nowhere dbname=mail?query=SELECT 1 FROM users WHERE address = :address"
sender a@b.test
recipient bob@x.test
message
| x
exit 54

== nor is another mail server
options --timeout 2s --source callout:127.0.0.1:1 --source file:mailboxes
file mailboxes
| bob@x.test
sender a@b.test
recipient bob@x.test
message
| x
exit 54

== a mail server is only asked for its domains
options --source callout:[::1]:1?domains=domains&from=us@x.test&helo=us.test&timeout=1s
file domains
| x.test
| .y.test
sender a@b.test
recipient bob@z.test
message
| x
verdict accept
then
recipient bob@a.y.test
exit 54

== a query without an end ends in time
file empty.db
options --timeout 100ms --cache 0s --source "sqlite:empty.db?query=WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c"
sender a@b.test
recipient bob@x.test
message
| x
exit 54
