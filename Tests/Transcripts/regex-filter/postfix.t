# Postfix's tables. regex-filter(8), section POSTFIX'S TABLES; header_checks(5), pcre_table(5).

== REJECT refuses with Postfix's own text, or with the rule's, and a status may begin it
file checks
| # comments and empty lines mean nothing
|
| /^Subject: one/ REJECT
| /^Subject: two/ REJECT no thanks
| /^Subject: (three)/ reject 5.7.9 no $1, ${1}, $(1), $$1
| /^Subject: four/ REJECT 4.7.9 later
| /^Subject: five/ REJECT 4.3.2
options --postfix-header-checks checks
sender a@example.org
recipient b@example.test
message
| Subject: one
|
verdict reject
reply 550 5.7.1 message content rejected
then
message
| subject:TWO
|
verdict accept
then
message
| SUBJECT: Two
|
verdict reject
reply 550 5.7.1 no thanks
then
message
| Subject : three
|
verdict reject
reply 550 5.7.9 no three, three, three, $1
then
message
| Subject: four
|
verdict defer
reply 451 4.7.9 later
then
message
| Subject: five
|
verdict defer
reply 451 4.3.2 service unavailable

== REPLACE, PREPEND, STRIP and IGNORE change the one line that they match, in its place
file checks
| /^X-One: (.*)$/ REPLACE X-Two: was $1
| /^X-Before:/ PREPEND X-Front: here
| /^X-Strip:/ STRIP no longer needed
| /^X-Ignore:/ IGNORE
options --postfix-header-checks pcre:checks
sender a@example.org
recipient b@example.test
message
: Received: first\n
: X-One: a\n\tb\n
: X-Keep: \xe9 \0\n
: X-Before: 1\n
: X-Strip: 1\n folded\n
: X-One : again\r\n
: X-Ignore: 1\n\nbody \r\n\0 without a line end
verdict accept
output
: Received: first\n
: X-Two: was a\n\tb\n
: X-Keep: \xe9 \0\n
: X-Front: here\n
: X-Before: 1\n
: X-Two: was again\n
: \nbody \r\n\0 without a line end

== the first rule that matches a line decides about it, and the next line is asked anew
file checks
| /^Subject: ham/ DUNNO
| /^Subject: spam/ WARN seen
| /^Subject:/ REJECT subject
| /^X-Last:/ REJECT last
options --postfix-header-checks checks
sender a@example.org
recipient b@example.test
message
| Subject: ham
| Subject: spam
| X-Last: yes
|
verdict reject
reply 550 5.7.1 last

== WARN, INFO, HOLD and STRIP are in the log, with the line
conventions shell
file checks
| /^A:/ WARN first
| /^B:/ INFO second $1
| /^C/ STRIP
options --postfix-header-checks checks
message
| A: 1
|
exit 55
errors
| regex-filter: checks:2: the pattern has no group 1
then
options --postfix-header-checks checks2
file checks2
| /^A:/ WARN first
| /^(B):/ INFO second $1
| /^C/ STRIP
message
| A: 1
| B: 2
| C: 3
|
verdict accept
output
| A: 1
| B: 2
|
explain
| {"filter":"regex-filter","verdict":"accept","edits":["replace-message 11"],"matched":[{"rule":"checks2:1","action":"WARN","match":"A:"},{"rule":"checks2:2","action":"INFO","match":"B:"},{"rule":"checks2:3","action":"STRIP","match":"C"}],"rules":"checks2:1 checks2:2 checks2:3","note":"checks2:1: WARN A: 1: first; checks2:2: INFO B: 2: second B; checks2:3: STRIP C: 3"}

== DISCARD takes the message and drops it
file checks
| /^Subject: spam/ DISCARD with a text
options --postfix-header-checks checks
sender a@example.org
recipient b@example.test
message
| Subject: spam
|
verdict discard

== HOLD keeps the message where there is a queue that can, and defers elsewhere
conventions shell queue
file checks
| /^Subject:/ HOLD
options --postfix-header-checks checks
sender a@example.org
recipient b@example.test
message
| Subject: x
|
verdict defer
reply 451 4.7.0 the message waits for the administrator

== REDIRECT and BCC change who gets the message
conventions queue chain resident
file checks
| /^Subject: away/ REDIRECT carol@example.test
| /^Subject: too (\w+)/ BCC $1@example.test
options --postfix-header-checks checks
sender a@example.org
recipient b@example.test
recipient c@example.test
message
| Subject: away
|
verdict accept
new-recipient carol@example.test
then
message
| Subject: too dora
| Subject: too b@d
|
verdict accept
new-recipient b@example.test
new-recipient c@example.test
new-recipient dora@example.test
new-recipient b@example.test

== PASS ends the checks of this message
file checks
| /^X-Trusted:/ PASS
| /./ REJECT
options --postfix-header-checks checks --postfix-body-checks checks
sender a@example.org
recipient b@example.test
message
| X-Trusted: yes
| Subject: x
|
| body
verdict accept

== flags turn over what they stand for; i, s and DUNNO's kin are as in pcre_table
file checks
| /^Subject: Case$/i REJECT case
| /one..two/s REJECT s
| /one..six/ REJECT folded
| /^mid$/m REJECT m
| /s p a c e/x REJECT x
| /end$/E REJECT E
| /X-Anchor/A REJECT A
options --postfix-header-checks checks
sender a@example.org
recipient b@example.test
message
| Subject: case
|
verdict accept
then
message
: X: one\n\ttwo\n\n
verdict accept
then
message
: X: one\n six\n\n
verdict reject
reply 550 5.7.1 folded
then
message
| X: space
|
verdict reject
reply 550 5.7.1 x
then
message
| A: X-Anchor
|
verdict accept
then
message
| X-Anchor: b
|
verdict reject
reply 550 5.7.1 A

== if and endif nest, with and without !
file checks
| if /^Subject:/
| if !/newsletter/
| /viagra/ REJECT inner
| endif
| /pills/ REJECT outer
| endif
| /viagra/ REJECT elsewhere
options --postfix-header-checks checks
sender a@example.org
recipient b@example.test
message
| Subject: viagra
|
verdict reject
reply 550 5.7.1 inner
then
message
| Subject: viagra newsletter, pills
|
verdict reject
reply 550 5.7.1 outer
then
message
| To: viagra
|
verdict reject
reply 550 5.7.1 elsewhere

== a pattern after ! must not match; a line goes on where the next begins with a blank
file checks
| /^(Subject|From|To|Date|X-[\w-]+):/
|    # a comment between
|    DUNNO
| !/^Received:/
|    REJECT not one
|    of ours
options --postfix-header-checks checks
sender a@example.org
recipient b@example.test
message
| Subject: x
|
verdict accept
then
message
| Subject: x
| Odd: y
|
verdict reject
reply 550 5.7.1 not one   of ours

== other delimiters
file checks
| ~^Subject: a/b~ REJECT tilde
| (^Subject: c( REJECT bracket
options --postfix-header-checks checks
sender a@example.org
recipient b@example.test
message
| Subject: a/b
|
verdict reject
reply 550 5.7.1 tilde

== headers of MIME parts and of attached messages are headers, boundaries are body
file head
| /^Content-Disposition:.*name="?[^"]*\.exe/ REJECT attachment
| /^X-Nested:/ REJECT nested
file body
| /^--.*frontier/ REJECT boundary
| /^Content-/ REJECT header in body
options --postfix-header-checks head
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; (comment) boundary="the frontier"
|
| preamble
| --the frontier
| Content-Type: application/octet-stream
| Content-Disposition: attachment;
|  filename="a.exe"
|
| x
| --the frontier--
verdict reject
reply 550 5.7.1 attachment
then
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Type: message/rfc822
|
| Subject: inner
| X-Nested: yes
|
| x
| --b--
verdict reject
reply 550 5.7.1 nested
then
message
| Content-Type: text/plain
|
| --b
| X-Nested: yes
verdict accept
then
options --postfix-body-checks body
message
| Content-Type: multipart/mixed; boundary="the frontier"
|
| --the frontier
| Content-Type: text/plain
|
| --the frontier--
verdict reject
reply 550 5.7.1 boundary

== after a line that is no field, what looks like one is held against both tables
file head
| /^Subject: spam/ REJECT head
file body
| /^Subject: spam/ REJECT body
options --postfix-header-checks head
sender a@example.org
recipient b@example.test
message
| From: a
| no field
| Subject: spam
|
verdict reject
reply 550 5.7.1 head
then
options --postfix-body-checks body
verdict reject
reply 550 5.7.1 body

== body checks see one line at a time, and can change it
file checks
| /secret/ REPLACE [removed]
| /^-- $/ PREPEND [signature]
| /^gone/ STRIP
| /lines$/ IGNORE
options --postfix-body-checks checks
sender a@example.org
recipient b@example.test
message
| Subject: secret
|
| a secret
| -- 
| gone
| two lines
| last
verdict accept
output
| Subject: secret
|
| [removed]
| [signature]
| -- 
| last

== long lines of a body are seen in pieces of 2048 bytes
file checks
| /^evil/ REJECT begins
options --postfix-body-checks checks
sender a@example.org
recipient b@example.test
message
: Subject: x\n\n
*2048: a
: evil\n
verdict reject
reply 550 5.7.1 begins

== of each body 51200 bytes are seen, as in Postfix, or what the option says
file checks
| /evil/ REJECT found
options --postfix-body-checks checks
sender a@example.org
recipient b@example.test
message
| Subject: x
|
*6400| padding
| evil
verdict accept
then
options --postfix-body-checks checks --postfix-body-limit 0
verdict reject
reply 550 5.7.1 found
then
options --postfix-body-checks checks --postfix-body-limit 64K
verdict reject
reply 550 5.7.1 found

== a message over the size limit is deferred, unless what was read is refused
file checks
| /evil/ REJECT found
options --postfix-header-checks checks --size-limit 64K
sender a@example.org
recipient b@example.test
message
| Subject: x
|
*8200| padding
| evil
verdict defer
reply 451 4.7.1 this message is too large or too complex to be judged
then
message
| Subject: evil
|
*8200| padding
verdict reject
reply 550 5.7.1 found

== what Postfix would skip with a warning is refused with file and line
options --postfix-header-checks checks
file checks
| /x/ FILTER smtp:there
message
| X: y
|
exit 55
errors
| regex-filter: checks:1: FILTER chooses one of Postfix's transports; here a filter is a step of the chain
then
options --postfix-header-checks checks2
file checks2
|
| /x/ RJECT
exit 55
errors
| regex-filter: checks2:2: no action RJECT; try REJECT
then
options --postfix-header-checks checks3
file checks3
| /x/
exit 55
errors
| regex-filter: checks3:1: an action must follow the pattern
then
options --postfix-header-checks checks4
file checks4
| /x(/ REJECT
exit 55
errors
| regex-filter: checks4:1: pattern: at offset 2: missing closing parenthesis
then
options --postfix-header-checks checks5
file checks5
| /x/q REJECT
exit 55
errors
| regex-filter: checks5:1: no flag q; try i, m, s, x, A, E, U or X
then
options --postfix-header-checks checks6
file checks6
| /x REJECT
exit 55
errors
| regex-filter: checks6:1: the pattern has no final /
then
options --postfix-header-checks checks7
file checks7
|  /x/ REJECT
exit 55
errors
| regex-filter: checks7:1: a line that begins with a blank continues no other
then
options --postfix-header-checks checks8
file checks8
| if /x/
|  /y/ REJECT
| endif
exit 55
errors
| regex-filter: checks8:1: text after the pattern of if; lines between if and endif are not indented
then
options --postfix-header-checks checks9
file checks9
| if /x/
| /y/ REJECT
exit 55
errors
| regex-filter: checks9:1: if without endif
then
options --postfix-header-checks checks10
file checks10
| endif
exit 55
errors
| regex-filter: checks10:1: endif without if
then
options --postfix-header-checks checks11
file checks11
| user@example.org REJECT
exit 55
errors
| regex-filter: checks11:1: a rule must begin with /pattern/, if or endif
then
options --postfix-header-checks checks12
file checks12
| !/(x)/ REJECT $1
exit 55
errors
| regex-filter: checks12:1: a pattern that must not match captures nothing
then
options --postfix-header-checks checks13
file checks13
| /(x)/ REJECT $name
exit 55
errors
| regex-filter: checks13:1: $name: only numbers of groups may follow $; a dollar sign is $$
then
options --postfix-header-checks checks14
file checks14
| /x/ PREPEND no field
exit 55
errors
| regex-filter: checks14:1: PREPEND needs NAME: value in a table for headers
then
options --postfix-header-checks checks15
file checks15
| /x/ REPLACE
exit 55
errors
| regex-filter: checks15:1: REPLACE needs a text
then
options --postfix-header-checks checks16
file checks16
| /x/ REDIRECT nobody
exit 55
errors
| regex-filter: checks16:1: REDIRECT needs user@domain
then
options --postfix-header-checks checks17
file checks17
| /x/ REJECT 2.0.0 fine
exit 55
errors
| regex-filter: checks17:1: the status 2.0.0 must begin with 4 or 5
then
options --postfix-header-checks regexp:checks
exit 55
errors
| regex-filter: regexp:checks: only tables of type pcre are understood

== what captures make of an address that is none changes nothing, and the log says so
conventions shell
file checks17
| /^Subject: (.*)/ REDIRECT $1@example.test
options --postfix-header-checks checks17
message
: Subject: two words\n\nx\n
verdict accept
explain
| {"filter":"regex-filter","verdict":"accept","matched":[{"rule":"checks17:1","action":"REDIRECT","match":"Subject: two words"}],"rules":"checks17:1","note":"checks17:1: REDIRECT two words@example.test is no user@domain"}
