# --test: which rules apply and what they would do. regex-filter(8).

== each rule that applies is printed, also those after the one that decides
conventions plain
file rules
| sender /@example\.org$/ log from us
| header:Subject /(viagra)/i reject 550 5.7.1 No $1
| header:Subject /cheap/i tag X-Cheap: $0
| header:Subject /nothing/ discard
options --test --rules rules --sender alice@example.org
message
| Subject: cheap Viagra
|
output
| rules:1: sender "alice@example.org": log from us
| rules:2: header:Subject "cheap Viagra": reject 550 5.7.1 No Viagra
| rules:3: header:Subject "cheap Viagra": tag X-Cheap: cheap
| verdict: reject 550 5.7.1 No Viagra
exit 0

== Postfix's tables and qmail's lists too
conventions plain
file head
| /^Subject: (.*)/ REPLACE Subject: [list] $1
| /^X-Spam/ IGNORE
file body
| /evil (\w+)/ REJECT no $1
| /good/ DUNNO
file badrcptto
| ^trap@
options --test --postfix-header-checks head --postfix-body-checks body --qmail-control . --sender a@example.org --recipient trap@example.test
message
| Subject: hello
| X-Spam: yes
|
| good
| evil deeds
output
| ./badrcptto:1: badrcptto "trap@example.test": reject 553 5.7.1 sorry, your envelope recipient has been denied (#5.7.1)
| head:1: header "Subject: hello": REPLACE Subject: [list] hello
| head:2: header "X-Spam: yes": IGNORE
| body:2: body "good": DUNNO
| body:1: body "evil deeds": reject 550 5.7.1 no deeds
| verdict: reject 553 5.7.1 sorry, your envelope recipient has been denied (#5.7.1)
exit 0

== what was over a limit is printed
conventions plain
file rules
| raw /(a+)+$/ reject
options --test --rules rules --size-limit 1K
message
| Subject: x
|
*200| padding
output
| rules:1: not judged: the message has more than 1024 bytes
| verdict: defer 451 4.7.1 this message is too large or too complex to be judged
exit 0

== it is for a shell
conventions plain
file rules
| sender /x/ reject
options --test --rules rules --serve s
exit 55
errors
| regex-filter: --test is for a shell
