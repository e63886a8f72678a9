# if and endif in our own rules. regex-rules(5), section BLOCKS.

== rules of a block apply where its condition holds
file rules
| if sender /@example\.org$/
| header:Subject /spam/ reject 550 5.7.1 inner
| endif
| header:Subject /eggs/ reject 550 5.7.1 outer
options --rules rules
sender alice@example.org
recipient bob@example.test
message
| Subject: spam and eggs
|
verdict reject
reply 550 5.7.1 inner
then
sender alice@example.com
verdict reject
reply 550 5.7.1 outer

== blocks nest, with ! too
file rules
| if sender !/@example\.org$/
| if recipient /^bob@/
| header:Subject /./ reject 550 5.7.1 nested
| endif
| header:Subject /eggs/ reject 550 5.7.1 outer
| endif
options --rules rules
sender alice@example.com
recipient bob@example.test
message
| Subject: eggs
|
verdict reject
reply 550 5.7.1 nested
then
recipient carol@example.test
verdict reject
reply 550 5.7.1 outer
then
sender alice@example.org
verdict accept

== in a block rules of the same scope see the subjects for which the condition holds
file rules
| if header /^X-/
| header /evil/ reject 550 5.7.1 in $0
| endif
options --rules rules
sender alice@example.org
recipient bob@example.test
message
| Subject: evil
| X-One: good
|
verdict accept
then
message
| Subject: fine
| X-One: evil
|
verdict reject
reply 550 5.7.1 in evil

== with ! those for which it does not; other scopes need all of them
file rules
| if header !/^X-/
| header /evil/ reject 550 5.7.1 header
| sender /./ reject 550 5.7.1 sender
| endif
options --rules rules
sender alice@example.org
recipient bob@example.test
message
| Subject: fine
| X-One: evil
|
verdict accept
then
message
| Subject: evil
| X-One: fine
|
verdict reject
reply 550 5.7.1 header
then
message
| Subject: fine
|
verdict reject
reply 550 5.7.1 sender

== a block about what is not known is passed over
file rules
| if helo !/\./
| sender /./ reject
| endif
options --rules rules
sender alice@example.org
recipient bob@example.test
message
| Subject: x
|
verdict accept

== what is wrong with blocks
options --rules rules
file rules
| if sender /x/
message
| Subject: x
|
exit 55
errors
| regex-filter: rules:1: if without endif
then
options --rules rules2
file rules2
| endif
exit 55
errors
| regex-filter: rules2:1: endif without if
then
options --rules rules3
file rules3
| if sender /x/ reject
exit 55
errors
| regex-filter: rules3:1: text after the pattern of if
then
options --rules rules4
file rules4
| if sender /x/
| endif sender
exit 55
errors
| regex-filter: rules4:2: text after endif

== many rules give the same answer as few
file rules
| header:Subject /viagra/i reject 550 5.7.1 1
| header:Subject /cialis/i reject 550 5.7.1 2
| header:Subject /(rolex|cartier)/i reject 550 5.7.1 3
| header:Subject /v[i1]agra/i reject 550 5.7.1 4
| header:Subject /^\d+$/ reject 550 5.7.1 5
| header:Subject /casino/i reject 550 5.7.1 6
| header:Subject /lottery/i reject 550 5.7.1 7
| header:Subject !/e/ reject 550 5.7.1 8
| header:Subject /replica/ reject 550 5.7.1 9
options --rules rules
sender alice@example.org
recipient bob@example.test
message
| Subject: the V1AGRA
|
verdict reject
reply 550 5.7.1 4
then
message
| Subject: best Cartier
|
verdict reject
reply 550 5.7.1 3
then
message
| Subject: 12345
|
verdict reject
reply 550 5.7.1 5
then
message
| Subject: nothing
|
verdict reject
reply 550 5.7.1 8
then
message
| Subject: see
|
verdict accept
