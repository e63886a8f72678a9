# What is over a limit was not judged.

== a pattern that goes back too often is deferred, not passed
file rules
| raw /(a+)+$/ reject
options --rules rules
sender a@example.org
recipient b@example.test
message
*100000: a
: !
verdict defer
reply 451 4.7.1 this message is too large or too complex to be judged

== with --on-limit skip such a rule counts as one that does not apply
file rules
| raw /(a+)+$/ reject
| raw /!$/ reject 550 5.7.1 the next rule
options --rules rules --on-limit skip
message
*100000: a
: !
verdict reject
reply 550 5.7.1 the next rule

== padding is no way past a rule about the bytes
file rules
| raw /evil/ reject
options --rules rules --size-limit 64K
message
: Subject: x\n\n
*7000| padding..
: evil
verdict defer
reply 451 4.7.1 this message is too large or too complex to be judged

== nor past a rule about the header
file rules
| header:Subject /evil/ reject
options --rules rules --size-limit 64K
message
*7000| X-Padding: padding
| Subject: evil
|
verdict defer
reply 451 4.7.1 this message is too large or too complex to be judged

== a large body is no limit to a rule about the header
file rules
| header:Subject /evil/ reject 550 5.7.1 found
options --rules rules --size-limit 64K
message
| Subject: evil
|
*7000| padding..
verdict reject
reply 550 5.7.1 found

== a message of 10 MiB goes through rules about its bytes
file rules
| raw /evil$/ reject 550 5.7.1 found at the end
options --rules rules
sender a@example.org
recipient b@example.test
message
| Subject: large
|
*262144: 0123456789012345678901234567890123456789
: evil
verdict reject
reply 550 5.7.1 found at the end

== a message of 10 MiB passes byte for byte with a field on top
file rules
| raw /evil$/ reject
| header:Subject /large/ tag X-Size: large
options --rules rules
sender a@example.org
recipient b@example.test
message
| Subject: large
|
*262144: 0123456789\x000123456789\r01234567\n
verdict accept
output
| X-Size: large
| Subject: large
|
*262144: 0123456789\x000123456789\r01234567\n

== a header of a hundred thousand fields is read to its end
file rules
| header:Subject /evil/ reject 550 5.7.1 found
options --rules rules --max-fields 100001
message
*100000| X: y
| Subject: evil
|
verdict reject
reply 550 5.7.1 found

== one field of a megabyte is one line
file rules
| header:Subject /evil$/ reject 550 5.7.1 found
options --rules rules --max-header 2M
message
: Subject:
*100000|  0123456789
:  evil\n\n
verdict reject
reply 550 5.7.1 found

== a header of more fields than the limit is not judged
file rules
| header:Subject /evil/ reject 550 5.7.1 found
options --rules rules
message
*1000| X: y
| Subject: evil
|
verdict defer
reply 451 4.7.1 this message is too large or too complex to be judged

== a header of more bytes than the limit is not judged
file rules
| header:Subject /evil$/ reject 550 5.7.1 found
options --rules rules
message
: Subject:
*100000|  0123456789
:  evil\n\n
verdict defer
reply 451 4.7.1 this message is too large or too complex to be judged

== a message of more parts than the limit is not judged
file rules
| attachment /evil\.exe$/ reject 550 5.7.1 found
options --rules rules --max-parts 4
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
|
| one
| --b
|
| two
| --b
|
| three
| --b--
verdict accept
then
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
|
| one
| --b
|
| two
| --b
|
| three
| --b
|
| four
| --b--
verdict defer
reply 451 4.7.1 this message is too large or too complex to be judged

== a message of deeper parts than the limit is not judged
file rules
| type /x-evil/ reject 550 5.7.1 found
options --rules rules --max-nesting 2
sender a@example.org
recipient b@example.test
message
| Content-Type: message/rfc822
|
| Content-Type: message/rfc822
|
| Subject: x
|
| hello
verdict accept
then
message
| Content-Type: message/rfc822
|
| Content-Type: message/rfc822
|
| Content-Type: message/rfc822
|
| Subject: x
|
| hello
verdict defer
reply 451 4.7.1 this message is too large or too complex to be judged

== a text of more bytes than the limit is not judged
file rules
| body /evil/ reject 550 5.7.1 found
options --rules rules --max-decoded 1000
sender a@example.org
recipient b@example.test
message
| Subject: x
|
*100| 0123456789
| evil
verdict defer
reply 451 4.7.1 this message is too large or too complex to be judged

== what is over a limit of content is passed where an option says so
conventions shell
file rules
| body /evil/ reject 550 5.7.1 found
options --rules rules --max-decoded 1000 --on-limit skip
message
| Subject: x
|
*100| 0123456789
| evil
verdict accept

== what a capture puts into a field is cut
file rules
| raw /\n(.*)\z/s tag X-All: $1
options --rules rules
sender a@example.org
recipient b@example.test
message
: Subject: x\n
*5000: a
verdict accept
output
: X-All: 
*900: a
: \nSubject: x\n
*5000: a

== what was read is refused all the same
file rules
| raw /evil/ reject 550 5.7.1 bytes
options --rules rules --size-limit 64K
message
: Subject: evil\n\n
*7000| padding...
verdict reject
reply 550 5.7.1 bytes
then
file headers
| header /evil/ reject 550 5.7.1 header
options --rules headers --max-header 64K
message
| Subject: evil
*7000| X-Padding: padding
verdict reject
reply 550 5.7.1 header
then
options --rules headers --max-fields 10
message
| Subject: evil
*20| X-Padding: padding
verdict reject
reply 550 5.7.1 header

== but the end of what was read is not the end of the message
file rules
| raw /\n$/ reject 550 5.7.1 end
options --rules rules --size-limit 1K
message
: Subject: x\n\n
*2000: \n
verdict defer
reply 451 4.7.1 this message is too large or too complex to be judged

== a later rule refuses though one before it could not be judged
file rules
| raw /(a+)+$/ reject 550 5.7.1 first
| header:Subject /x/ reject 550 5.7.1 second
options --rules rules
message
: Subject: x\n\n
*5000: a
: !
verdict reject
reply 550 5.7.1 second

== unless that one could have accepted
file rules
| raw /(a+)+$/ accept
| header:Subject /x/ reject 550 5.7.1 second
options --rules rules
message
: Subject: x\n\n
*5000: a
: !
verdict defer
reply 451 4.7.1 this message is too large or too complex to be judged
then
file skipping
| raw /(a+)+$/ accept
| header:Subject /x/ reject 550 5.7.1 second
options --rules skipping --on-limit skip
verdict reject
reply 550 5.7.1 second

== Postfix's tables too: a line over a limit is not judged, whatever matches later in it
file checks
| /^(a+)+$/ DUNNO
| /!/ REJECT found
options --postfix-body-checks checks --match-limit 1000
message
: Subject: x\n\n
*1000: a
: !\n
verdict defer
reply 451 4.7.1 this message is too large or too complex to be judged
then
options --postfix-body-checks checks --match-limit 1000 --on-limit skip
verdict reject
reply 550 5.7.1 found

== nor where a rule that could not be judged could have discarded
file rules
| raw /(a+)+$/ discard
| header:Subject /x/ reject 550 5.7.1 second
options --rules rules
message
: Subject: x\n\n
*5000: a
: !
verdict defer
reply 451 4.7.1 this message is too large or too complex to be judged

== many long names of files end at a limit, not at the time
conventions shell
file rules
| attachment /evil/ reject
options --rules rules --timeout 60s
message
*90: Content-Disposition: attachment; filename='(x filename='(x filename='(x\n
: Content-Disposition: attachment; 
*90: filename='(x 
*9000: a
: \n\nx\n
verdict defer
reply 451 4.7.1 this message is too large or too complex to be judged

== one field of many words is over a limit before it takes a gigabyte
conventions shell
file rules
| attachment /evil/ reject
options --rules rules
message
: Subject: x
*200000:  a a a a a
: \n\nx\n
verdict defer
reply 451 4.7.1 this message is too large or too complex to be judged
