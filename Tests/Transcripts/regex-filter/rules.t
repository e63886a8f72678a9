# What rules match and do. regex-rules(5).

== a message that no rule matches passes byte for byte
file rules
| header:Subject /buy now/i reject
options --rules rules
sender alice@example.org
recipient bob@example.test
message
: Subject: caf\xe9 \0\n\nbare \r here\n\x80\xff no final newline
verdict accept

== a subject is refused with the rule's text
file rules
| # comments and empty lines mean nothing
|
| header:Subject /buy now/i reject 554 5.7.0 No thanks
options --rules rules
sender alice@example.org
recipient bob@example.test
message
| Subject: please BUY NOW
|
| Hello
verdict reject
reply 554 5.7.0 No thanks

== reject has a code, a status and a text of its own
file rules
| header:Subject /./ reject
options --rules rules
message
| Subject: x
|
verdict reject
reply 550 5.7.1 refused by the rules of this site

== a status can be given without a code
file rules
| header:Subject /./ defer 4.7.99 Later, please
options --rules rules
message
| Subject: x
|
verdict defer
reply 451 4.7.99 Later, please

== discard takes the message and drops it
file rules
| sender /^spam@/ discard
options --rules rules
sender spam@example.org
recipient bob@example.test
message
| Subject: x
|
verdict discard

== accept ends the rules
file rules
| sender /@example\.org$/ accept
| header:Subject /./ reject
options --rules rules
sender alice@example.org
recipient bob@example.test
message
| Subject: x
|
verdict accept

== captures come into texts, without control characters and without bytes that are not ASCII
file rules
| header:Subject /^(?<what>\w+) (.*)$/s reject 550 5.7.1 no $1: ${what}=$1, $2, $$5
options --rules rules
message
: Subject: pills a\x07b\xe9c\n\n
verdict reject
reply 550 5.7.1 no pills: pills=pills, ab?c, $5

== tag puts a field on top, remove takes all of a name away
file rules
| header:Subject /(h.llo)/ tag X-Greeting: $1, twice $1
| header:Subject /./ remove x-old
options --rules rules
sender alice@example.org
recipient bob@example.test
message
| X-Old: one
|   folded
| Subject: hello
| x-OLD : two
|
| X-Old: body
verdict accept
output
| X-Greeting: hello, twice hello
| Subject: hello
|
| X-Old: body

== redirect replaces the recipients, add adds one
file rules
| sender /alice/ redirect trap@example.test
| sender /alice/ add copy@example.test
options --rules rules
sender alice@example.org
recipient bob@example.test
recipient carol@example.test
message
| Subject: x
|
verdict accept
new-recipient trap@example.test
new-recipient copy@example.test

== a rule with ! applies when nothing matches
file rules
| header:List-Id !/./ tag X-List: no
| header:Subject !/./ reject
options --rules rules
sender alice@example.org
recipient bob@example.test
message
| Subject: x
|
verdict accept
output
| X-List: no
| Subject: x
|

== folded fields are one line to a rule
file rules
| header /^Subject: one two$/ reject 550 5.7.1 folded
options --rules rules
message
| Subject: one
|  two
|
verdict reject
reply 550 5.7.1 folded

== lines that end with CR LF are folded and ended by it too
file rules
| header:Subject /^one two$/ reject 550 5.7.1 folded
| header:X-Body /./ reject
options --rules rules
message
: Subject: one\r\n two\r\n\r\nX-Body: x\r\n
verdict reject
reply 550 5.7.1 folded

== blanks before the colon hide no field
file rules
| header:Subject /evil/ reject 550 5.7.1 found
options --rules rules
message
| Subject : evil
|
verdict reject
reply 550 5.7.1 found

== a second field of a name is seen
file rules
| header:Subject /evil/ reject 550 5.7.1 found
options --rules rules
message
| Subject: good
| Subject: evil
|
verdict reject
reply 550 5.7.1 found

== a message without an empty line is all header
file rules
| header:Subject /evil/ reject 550 5.7.1 found
options --rules rules
message
: X: y\nSubject: evil
verdict reject
reply 550 5.7.1 found

== the body is not the header
file rules
| header /evil/ reject
options --rules rules
sender a@example.org
recipient b@example.test
message
|
| Subject: evil
verdict accept

== raw sees every byte, NUL too
file rules
| raw /\x00\xff evil\z/ reject 550 5.7.1 found
options --rules rules
message
: Subject: x\n\n\0\xff evil
verdict reject
reply 550 5.7.1 found

== the sender and each recipient are matched
file rules
| recipient /^carol@/ reject 550 5.7.1 not to carol
options --rules rules
sender alice@example.org
recipient bob@example.test
recipient carol@example.test
message
| Subject: x
|
verdict reject
reply 550 5.7.1 not to carol

== the null reverse-path is empty to a rule
file rules
| sender /^$/ reject 550 5.7.1 no reports
options --rules rules
sender <>
recipient bob@example.test
conventions shell
message
| Subject: x
|
verdict reject
reply 550 5.7.1 no reports

== client and HELO are matched when they are known
file rules
| client /^192\.0\.2\./ log from $0
| client-name !/./ log nameless
| helo /^bad\./ reject 550 5.7.1 HELO $0
options --rules rules
fact client-ip ::ffff:192.0.2.7
fact helo bad.example
sender a@example.org
recipient b@example.test
message
| Subject: x
|
verdict reject
reply 550 5.7.1 HELO bad.

== where no client is known, rules about one do not apply, negated ones neither
file rules
| client !/^10\./ reject
| client-name !/./ reject
| helo !/\./ reject
options --rules rules
sender a@example.org
recipient b@example.test
message
| Subject: x
|
verdict accept

== several files are one list in the order given
file one
| header:Subject /./ tag X-One: 1
file two
| header:Subject /./ reject 550 5.7.1 two
options --rules one --rules two
message
| Subject: x
|
verdict reject
reply 550 5.7.1 two

== flags
file rules
| header:A /b c/ix reject 550 5.7.1 x
| header:B /b.c/ reject 550 5.7.1 no s
| raw /^Z$/ reject 550 5.7.1 no m
| header:C /(a+)/U tag X-C: $1
| raw /^Y$/m tag X-M: yes
options --rules rules
sender a@example.org
recipient b@example.test
message
| A: b c
| C: aaa
|
| Y
| B
verdict accept
output
| X-M: yes
| X-C: a
| A: b c
| C: aaa
|
| Y
| B

== evidence says which rules matched and what
file rules
| header:Subject /h(.)llo/ tag X-A: $1
| sender /x/ reject 550 5.7.1 sender
options --rules rules
conventions shell
sender x@example.org
message
| Subject: "hello"
|
verdict reject
reply 550 5.7.1 sender
explain
| {"filter":"regex-filter","verdict":"reject","code":550,"status":"5.7.1","text":"sender","matched":[{"rule":"rules:1","action":"tag","match":"hello"},{"rule":"rules:2","action":"reject","match":"x"}],"rules":"rules:1 rules:2"}

== at an early stage only what is known then is judged
file rules
| header:Subject !/./ reject
| raw !/./ reject
| recipient /^bob@/ reject 550 5.7.1 not to bob
conventions chain resident
options --rules rules
stage rcpt
sender a@example.org
recipient bob@example.test
verdict reject
reply 550 5.7.1 not to bob

== before MAIL there is no envelope
file rules
| sender !/x/ reject
| helo /^bad$/ defer 450 4.7.1 wait
conventions chain resident
options --rules rules
stage helo
fact client-ip 192.0.2.1
fact helo bad
verdict defer
reply 450 4.7.1 wait
