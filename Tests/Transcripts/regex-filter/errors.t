# What keeps the filter from judging has an exit code of its own.

== an empty message in a shell pipe means that the filter before it refused
conventions shell
file rules
| sender /x/ reject
options --rules rules
message
exit 54
errors
| regex-filter: the message is empty: whoever wrote it refused it

== an envelope that is empty, cut short or malformed
conventions queue chain qfilter
file rules
| sender /spam/ reject
options --rules rules
message
| Subject: x
|
envelope
exit 54
then
envelope
: Fa@example.org\0Tb@example.test\0
exit 54
then
envelope
: Fa@example.org\0Tb@exam
exit 54
then
envelope
: Xa@example.org\0Tb@example.test\0\0
exit 91
then
envelope
: Fa@example.org\0Tb@example.test\0\0more
exit 91
then
envelope
: Fa@example.org\0T
*1003: b
: \0\0
exit 11
then
envelope
: Fa@example.org\0T
*1002: b
: \0\0
verdict accept

== rules that cannot be read are refused with file and line
options --rules rules
file rules
| sender /x/ reject
|
| sender /(/ reject
message
| x
exit 55
errors
| regex-filter: rules:3: pattern: at offset 1: missing closing parenthesis

== a file that is not there
options --rules nowhere
message
| x
exit 55
errors
| regex-filter: open nowhere: No such file or directory

== no rules at all
message
| x
exit 55
errors
| regex-filter: no rules: --rules FILE is missing, or one of the other options

== an unknown scope names the nearest
options --rules rules
file rules
| sendr /x/ reject
message
| x
exit 55
errors
| regex-filter: rules:1: no scope sendr; try sender

== an unknown action names the nearest
options --rules rules
file rules
| sender /x/ rejct
message
| x
exit 55
errors
| regex-filter: rules:1: no action rejct; try reject

== an unknown flag
options --rules rules
file rules
| sender /x/q reject
message
| x
exit 55
errors
| regex-filter: rules:1: no flag q; try i, x, s, m, U or u

== a pattern without an end
options --rules rules
file rules
| sender /x\/ reject
message
| x
exit 55
errors
| regex-filter: rules:1: the pattern has no final /

== a group that the pattern does not have
options --rules rules
file rules
| sender /(x)/ reject $2
message
| x
exit 55
errors
| regex-filter: rules:1: the pattern has no group 2

== a code of the wrong class
options --rules rules
file rules
| sender /(x)/ reject 450 4.7.1 no
message
| x
exit 55
errors
| regex-filter: rules:1: the code 450 must begin with 5

== a field that is none
options --rules rules
file rules
| sender /(x)/ tag X Y: z
message
| x
exit 55
errors
| regex-filter: rules:1: tag needs NAME: value

== help and version
conventions plain
options --version
output
| regex-filter 0.1
exit 0

== options that contradict each other
conventions plain
options --rules rules --check -- next
exit 55
errors
| regex-filter: --check hands nothing on, so it takes no next program
then
options --rules rules --as queue
exit 55
errors
| regex-filter: the queue convention needs a next program after --
then
options --rules rules --as resident
exit 55
errors
| regex-filter: --serve SOCKET is the resident convention and no other
then
options --rules rules --client-ip nonsense
exit 55
errors
| regex-filter: --client-ip nonsense: not an address

== --check writes nothing to descriptor 1
conventions shell
options --rules rules --check
file rules
| sender /x/ reject
message
| Subject: x
|
verdict accept
