# What queue-message says and exits with when it is called wrongly. Envelopes that are wrong are in
# QueueMessageTests, since here nothing can be read from descriptor 1.

== version
conventions plain
options --version
output
| queue-message 0.1
exit 0

== an unknown option
conventions plain
options --sever
exit 55
errors
| queue-message: no option --sever; did you mean --serve?

== operands are not expected
conventions plain
options bob@example.test
exit 55
errors
| queue-message: no operand is expected: bob@example.test

== a user to trust is a number
conventions plain
options --root {folder} --serve --trust smtp
exit 55
errors
| queue-message: --trust smtp: not the number of a user

== without an envelope nothing is queued, and nothing is said
conventions plain
options --root {folder}
message
| Subject: hello
|
exit 54
errors
