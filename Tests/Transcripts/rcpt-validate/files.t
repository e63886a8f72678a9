# Sources that are files of other mail systems. Folders of users are below {folder}, which a block
# cannot name: /proc/self/cwd is the same.

== the root's own list, when nothing else is said
options --root {folder}
file etc/control/mailboxes
| bob@x.test
| @all.test /srv/all
sender a@b.test
recipient BOB@x.test
recipient any@all.test
recipient any@elsewhere.test
message
| x
verdict accept
then
recipient eve@x.test
verdict reject
reply 550 5.1.1 no mailbox here by that name: eve@x.test

== what nobody knows is refused if that is wanted, and postmaster never for lack of a domain
options --unknown-domain reject --source file:mailboxes
file mailboxes
| bob@x.test
fact client-ip 192.0.2.9
sender a@b.test
recipient Postmaster
recipient bob@x.test
message
| x
verdict accept
then
recipient postmaster@y.test
verdict reject
reply 550 5.7.1 we do not take mail for postmaster@y.test

== validrcptto.cdb: the address, its negation, the domain, its negation
options --unknown-domain reject --extensions + --source cdb:some.cdb
cdb some.cdb
| bob@x.test->
| @all.test->
| -eve@all.test->
| -@no.test->
| ann@no.test->
sender a@b.test
recipient Bob@X.test
recipient bob+tag@x.test
recipient any@all.test
recipient ann@no.test
message
| x
verdict accept
then
recipient eve@all.test
verdict reject
reply 550 5.1.1 no mailbox here by that name: eve@all.test
then
recipient -eve@all.test
verdict accept
then
recipient any@no.test
verdict reject
reply 550 5.1.1 no mailbox here by that name: any@no.test
then
recipient bob@y.test
verdict reject
reply 550 5.7.1 we do not take mail for bob@y.test

== recipients.cdb of s/qmail
options --source cdb:some.cdb
cdb some.cdb
| :bob@x.test->
| :list-@x.test->
| :@all.test->
sender a@b.test
recipient bob@x.test
recipient list-any@x.test
recipient any@all.test
message
| x
verdict accept
then
recipient :bob@x.test
verdict reject
reply 550 5.1.1 no mailbox here by that name: :bob@x.test

== a database that is cut
options --source cdb:some.cdb
file some.cdb
| too short
message
| x
exit 55
errors
| rcpt-validate: some.cdb: not a cdb file: the header is missing

== qmail: locals, percenthack, users/cdb, dot-qmail files and aliases
options --unknown-domain reject --source qmail:q?passwd=passwd
file q/control/me
| mx.test
file q/control/percenthack
| mx.test
file q/control/virtualdomains
| virt.test:virt
| no.virt.test:
| .virt.test:virt
cdb q/users/cdb
: ->-\n
: !joe\0->joe\01000\0100\0/proc/self/cwd/joe\0\0\n
: !joe-->joe\01000\0100\0/proc/self/cwd/joe\0-\0\n
file passwd
| root:x:0:0::/:/bin/sh
| alias:x:77:77::/proc/self/cwd/alias:/bin/sh
file joe/.qmail-lists-default
| ./Maildir/
file joe/.qmail-gone
| |bouncesaying 'She left'
file alias/.qmail-sales:eu
| &joe@mx.test
file alias/.qmail-virt-postmaster
| &joe@mx.test
sender a@b.test
recipient JOE@mx.test
recipient joe-Lists-swift@mx.test
recipient sales.eu@mx.test
recipient postmaster@virt.test
recipient postmaster@a.virt.test
recipient joe%mx.test@mx.test
recipient joe
message
| x
verdict accept
then
recipient joe-other@mx.test
verdict reject
reply 550 5.1.1 no mailbox here by that name: joe-other@mx.test
then
recipient joe-gone@mx.test
verdict reject
reply 550 5.1.1 no mailbox here by that name: joe-gone@mx.test
then
recipient joe%elsewhere.test@mx.test
verdict reject
reply 550 5.7.1 we do not take mail for joe%elsewhere.test@mx.test
then
recipient postmaster@no.virt.test
verdict reject
reply 550 5.7.1 we do not take mail for postmaster@no.virt.test
then
recipient ../joe@mx.test
verdict reject
reply 550 5.1.1 no mailbox here by that name: ../joe@mx.test

== qmail: a home that is not there is no answer
options --source qmail:q?passwd=passwd
file q/control/me
| mx.test
file passwd
| alias:x:77:77::/proc/self/cwd/alias:/bin/sh
sender a@b.test
recipient bob@mx.test
message
| x
exit 54

== vpopmail: users, flags, quota, aliases, alias domains, extensions
options --extensions - --source vpopmail:pop?qmail=q
cdb q/users/cdb
: ->-\n
: !pop.test-->pop.test\089\089\0/proc/self/cwd/pop/x\0-\0\n
: !alias.test-->pop.test\089\089\0/proc/self/cwd/pop/x\0-\0\n
file pop/x/.qmail-default
| | /v/vdelivermail '' bounce-no-mailbox
file pop/x/.qmail-sales
| &bob@pop.test
cdb pop/x/vpasswd.cdb
| bob->c:1:0:Bob:/proc/self/cwd/pop/x/A/bob:NOQUOTA
| eve->c:1:16:Eve:/proc/self/cwd/pop/x/eve:NOQUOTA
| full->c:1:0::/proc/self/cwd/pop/x/full:100S
| torn->c:1:0
file pop/x/full/Maildir/maildirsize
| 100S
| 100 1
sender a@b.test
recipient bob@pop.test
recipient Bob-tag@pop.test
recipient bob@alias.test
recipient sales@alias.test
recipient any@elsewhere.test
message
| x
verdict accept
then
recipient ann@alias.test
verdict reject
reply 550 5.1.1 no mailbox here by that name: ann@alias.test
then
recipient eve@pop.test
verdict reject
reply 550 5.2.1 this mailbox takes no mail: eve@pop.test
then
recipient full@pop.test
verdict reject
reply 552 5.2.2 the mailbox is full: full@pop.test
then
recipient torn@pop.test
exit 54

== vpopmail: vpasswd as text, and somebody for all others
options --quota defer --source vpopmail:pop?qmail=q
cdb q/users/cdb
: ->-\n
: !text.test-->text.test\089\089\0/proc/self/cwd/pop/text\0-\0\n
: !all.test-->all.test\089\089\0/proc/self/cwd/pop/all\0-\0\n
file pop/text/.qmail-default
| | /v/vdelivermail '' bounce-no-mailbox
file pop/text/vpasswd
| bob:c:1:0:Bob:/proc/self/cwd/pop/text/bob:2C
file pop/text/bob/Maildir/new/1.a,S=5
file pop/text/bob/Maildir/cur/2.b,S=5:2,S
file pop/all/.qmail-default
| | /v/vdelivermail '' bob@text.test
file pop/all/vpasswd
sender a@b.test
recipient any@all.test
message
| x
verdict accept
then
recipient bob@text.test
verdict defer
reply 452 4.2.2 the mailbox is full: bob@text.test
then
recipient ann@text.test
verdict reject
reply 550 5.1.1 no mailbox here by that name: ann@text.test

== vmailmgr: virtual users in records of three kinds
options --source vmailmgr:q?passwd=passwd
file q/control/me
| mx.test
file q/control/virtualdomains
| virt.test:base
cdb q/users/cdb
: ->-\n
: !base-->base\01000\0100\0/proc/self/cwd/base\0-\0\n
file passwd
| alias:x:77:77::/proc/self/cwd/alias:/bin/sh
file base/.qmail-default
| | vdeliver
cdb base/passwd.cdb
| bob->:c:./users/bob
| ann->:c:&ann@y.test
: one->\x01c\0./users/one\0\0One\0-\0-\0-\0-\01\0-\0\n
: off->\x02\x08\0\0c\0./users/off\0\0Off\0-\0-\0-\0-\01\0-\0\n
: torn->\x02\x08\0\0c\0./users/torn\n
sender a@b.test
recipient Bob@virt.test
recipient ann@virt.test
recipient one@virt.test
recipient any@elsewhere.test
message
| x
verdict accept
then
recipient eve@virt.test
verdict reject
reply 550 5.1.1 no mailbox here by that name: eve@virt.test
then
recipient off@virt.test
verdict reject
reply 550 5.2.1 this mailbox takes no mail: off@virt.test
then
recipient torn@virt.test
exit 54

== a host without a name of its own knows its domains all the same
options --root {folder} --source "sqlite:empty.db?query=SELECT 1 WHERE :local = 'bob'"
file etc/control/rcpthosts
| x.test
file empty.db
sender a@b.test
recipient bob@x.test
recipient any@elsewhere.test
message
| x
verdict accept
then
recipient eve@x.test
verdict reject
reply 550 5.1.1 no mailbox here by that name: eve@x.test
