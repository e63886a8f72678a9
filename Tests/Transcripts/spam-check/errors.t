# What keeps spam-check from an opinion, and what is wrong with its options.

== a spamd that cannot be asked is a deferral
options --spamd {folder}/nobody --spamd 127.0.0.1:1
sender a@example.org
recipient b@example.test
message
| Subject: x
exit 56

== so is an rspamd
options --rspamd http://127.0.0.1:1
sender a@example.org
recipient b@example.test
message
| Subject: x
exit 56

== a large message is deferred without asking where nobody wants it cut
options --spamd {folder}/nobody --size-limit 64K --on-oversize defer
sender a@example.org
recipient b@example.test
message
| Subject: x
|
*4000| 0123456789abcdefghij
verdict defer
reply 451 4.7.1 the message is too large to be checked for spam

== or refused
options --rspamd {folder}/nobody --size-limit 64K --on-oversize reject
sender a@example.org
recipient b@example.test
message
| Subject: x
|
*4000| 0123456789abcdefghij
verdict reject
reply 552 5.3.4 the message is too large to be checked for spam

== or accepted, which the message says
options --spamd {folder}/nobody --size-limit 64K --on-oversize accept
sender a@example.org
recipient b@example.test
message
| X-Spam-Flag: NO
| Subject: x
|
*4000| 0123456789abcdefghij
verdict accept
output
| X-Spam-Status: Unknown, too large
| Subject: x
|
*4000| 0123456789abcdefghij

== so is one whose header has no end
options --spamd {folder}/nobody --size-limit 64K
sender a@example.org
recipient b@example.test
message
*4000| X-Long: 0123456789abcdefghij
verdict defer
reply 451 4.7.1 the message is too large to be checked for spam

== somebody must be asked
message
| x
exit 55
errors
| spam-check: either --spamd or --rspamd says whom to ask

== and one kind of server
options --spamd localhost --rspamd http://localhost
message
| x
exit 55
errors
| spam-check: either --spamd or --rspamd says whom to ask

== a server has a place
options --spamd localhost:0
message
| x
exit 55
errors
| spam-check: --spamd localhost:0: neither a path nor HOST:PORT

== rspamd is not asked by HTTPS
options --rspamd https://localhost
message
| x
exit 55
errors
| spam-check: --rspamd https://localhost: neither http://HOST:PORT nor the path of a socket

== a score is a number
options --spamd localhost --reject much
message
| x
exit 55
errors
| spam-check: --reject much: not a score such as 5 or 7.5, or spam

== what is stricter needs a higher score
options --spamd localhost --defer 10 --reject 9.5
message
| x
exit 55
errors
| spam-check: --reject is below --defer, and stricter

== rspamd has no users
options --rspamd http://localhost --user recipient
message
| x
exit 55
errors
| spam-check: --user is not for --rspamd

== spamd has no actions
options --spamd localhost --actions rspamd
message
| x
exit 55
errors
| spam-check: --actions is not for --spamd

== a Subject has one line
options --spamd localhost --subject ""
message
| x
exit 55
errors
| spam-check: --subject : not one line of printable ASCII

== before the message there is nothing to look at
conventions resident
options --spamd localhost
stage rcpt
sender a@example.org
recipient b@example.test
verdict defer
reply 451 4.3.5 the mail system is not set up right
