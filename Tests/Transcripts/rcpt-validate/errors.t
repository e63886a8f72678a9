# What is wrong with the command line, and can be known at the start, is said then.

== a kind that is mistyped
options --source sqlit:mail.db?query=x
message
| x
exit 55
errors
| rcpt-validate: source sqlit:: no such kind; did you mean sqlite:?

== a database that is not there
options --source "sqlite:mail.db?query=SELECT 1"
message
| x
exit 55
errors
| rcpt-validate: sqlite:mail.db: query=: no such file

== a query that is no SQL
file mail.db
options --source "sqlite:mail.db?query=SELEC 1"
message
| x
exit 55
errors
| rcpt-validate: sqlite:mail.db: query=: near "SELEC": syntax error

== a table that is not there
file mail.db
options --source "sqlite:mail.db?domains=SELECT 1 FROM domains&query=SELECT 1"
message
| x
exit 55
errors
| rcpt-validate: sqlite:mail.db: domains=: no such table: domains

== a query that would change something
file mail.db
options --source "sqlite:mail.db?query=CREATE TABLE x(y)"
message
| x
exit 55
errors
| rcpt-validate: sqlite:mail.db: query=: not a query that only reads

== a parameter that is none
file mail.db
options --source "sqlite:mail.db?query=SELECT :adress"
message
| x
exit 55
errors
| rcpt-validate: sqlite:mail.db: query=: no parameter :adress; there are :local, :domain, :address, ?1 to ?3

== no query at all
file mail.db
options --source sqlite:mail.db
message
| x
exit 55
errors
| rcpt-validate: sqlite:mail.db: ?query=SQL is missing

== a name after the question mark that is none
file mail.db
options --source "sqlite:mail.db?domain=SELECT 1&query=SELECT 1"
message
| x
exit 55
errors
| rcpt-validate: source sqlite:: no parameter domain=; did you mean domains=?

== a time limit that is none
file mail.db
options --source "sqlite:mail.db?timeout=soon&query=SELECT 1"
message
| x
exit 55
errors
| rcpt-validate: source sqlite:: timeout=soon is not a duration from 10ms to 5m

== a connection string with a mistake, and no word of the password
options --source "postgresql:hots=db password=secret?query=SELECT 1"
message
| x
exit 55
errors
| rcpt-validate: source postgresql:: invalid connection option "hots"

== SQL for a server that is away is looked at as far as it can be
options --source "postgresql:host=/nowhere?query=SELECT 1 WHERE 'x"
message
| x
exit 55
errors
| rcpt-validate: postgresql:host=/nowhere: query=: a quote has no end

== a server without a port
options --source callout:mx.test
message
| x
exit 55
errors
| rcpt-validate: source callout:: mx.test is not HOST:PORT or [ADDRESS]:PORT

== a reverse-path that is none
options --source callout:mx.test:25?from=a@-b
message
| x
exit 55
errors
| rcpt-validate: source callout:: from=a@-b is no address

== a list of domains that is not there
options --source callout:mx.test:25?domains=domains
message
| x
exit 55
errors
| rcpt-validate: open domains: No such file or directory

== a cache for how long
options --cache 5
message
| x
exit 55
errors
| rcpt-validate: --cache 5: not a duration such as 5m, or two such as 5m/10s

== a separator that is a letter
options --extensions x
message
| x
exit 55
errors
| rcpt-validate: --extensions x: not one to four of the characters + - = . _ # %

== what becomes of a full mailbox
options --quota bounce
message
| x
exit 55
errors
| rcpt-validate: --quota bounce: not one of reject, defer, off

== what becomes of a sender's domain
options --sender-domain refuse
message
| x
exit 55
errors
| rcpt-validate: --sender-domain refuse: not one of off, warn, defer, reject

== what becomes of bad addresses
options --syntax warn
message
| x
exit 55
errors
| rcpt-validate: --syntax warn: not one of qmail, strict, off

== a resolver is an address
options --resolver ns.test
message
| x
exit 55
errors
| rcpt-validate: --resolver ns.test: not ADDRESS or ADDRESS:PORT
