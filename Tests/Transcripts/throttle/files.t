# Limits, exceptions and SpamThrottle's table from files, and what is wrong with them.

== the limits of a file hold, and those of options after them
file limits
| # Ours.
|
| 	client messages	2/1h  defer slow down
| all messages 3/1h reject closed
options --store {folder}/store --limits limits --limit "sender messages 1/1h reject once"
fact client-ip 192.0.2.1
sender a@example.org
recipient b@example.test
message
| x
verdict accept
then
verdict reject
reply 550 5.7.1 once
then
sender
verdict accept
then
verdict defer
reply 451 4.7.1 slow down
then
fact client-ip 192.0.2.2
verdict accept
then
verdict reject
reply 550 5.7.1 closed

== whom a file excepts no limit concerns
file limits
| except 192.0.2.0/24 2001:db8::/32,user:boss
| except file:list
| all messages 1/1d reject
file list
| # A list of its own.
| 198.51.100.7
options --store {folder}/store --limits limits
fact client-ip 192.0.2.1
sender a@example.org
recipient b@example.test
message
| x
verdict accept
then
verdict accept
then
fact client-ip 2001:db8:7::1
verdict accept
then
fact client-ip 198.51.100.7
verdict accept
then
fact client-ip 198.51.100.8
verdict accept
then
verdict reject
reply 550 5.7.1 too many messages, try again later

== an option excepts, too
options --store {folder}/store --limit "all messages 1/1d reject" --except 192.0.2.1 --except 192.0.2.3
fact client-ip 192.0.2.1
sender a@example.org
recipient b@example.test
message
| x
verdict accept
then
verdict accept
then
fact client-ip 192.0.2.2
verdict accept
then
verdict reject
reply 550 5.7.1 too many messages, try again later

== an exception of one limit leaves the others
options --store {folder}/store --limit "client messages 1/1d except 192.0.2.1 reject one" --limit "all messages 2/1d reject two"
fact client-ip 192.0.2.1
sender a@example.org
recipient b@example.test
message
| x
verdict accept
then
verdict accept
then
verdict reject
reply 550 5.7.1 two

== a limit in a file that cannot be understood is named with file and line
conventions plain
file limits
| # Ours.
|
| client mesages 1/1h defer
options --store {folder}/store --limits limits
exit 55
errors
| throttle: limits:3: 'mesages' is not a unit; did you mean messages?

== so is every other word
conventions plain
options --limit "clint messages 1/1h defer"
exit 55
errors
| throttle: --limit 'clint messages 1/1h defer': 'clint' is not a key; did you mean client?
then
options --limit "client messages 1/1h refer"
exit 55
errors
| throttle: --limit 'client messages 1/1h refer': 'refer' is not an action; did you mean defer?
then
options --limit "client messages 1/1h except 192.0.2 defer"
exit 55
errors
| throttle: --limit 'client messages 1/1h except 192.0.2 defer': '192.0.2' is not an address, NETWORK/N, user:NAME or file:PATH
then
options --limit "client messages 1/1h spamthrottle 5s 2s"
exit 55
errors
| throttle: --limit 'client messages 1/1h spamthrottle 5s 2s': the step is longer than the longest wait
then
options --limit "client messages 1/1h delay"
exit 55
errors
| throttle: --limit 'client messages 1/1h delay': '' is not a delay of at most 10m, such as 5s
then
options --except "user:" --limit "client messages 1/1h log"
exit 55
errors
| throttle: --except 'user:': 'user:' is not an address, NETWORK/N, user:NAME or file:PATH

== a line of a list of exceptions has its own file and line
conventions plain
file limits
| except file:list
file list
| 192.0.2.1
| 192.0.2.300
options --store {folder}/store --limits limits
exit 55
errors
| throttle: list:2: '192.0.2.300' is not an address, NETWORK/N, user:NAME or file:PATH

== a file that is missing is no empty one
conventions plain
options --limits none
exit 55
errors
| throttle: open none: No such file or directory

== bytes that are no text are no limit
conventions plain
file limits
: client messages 1/1h defer \xff\n
options --limits limits
exit 55
errors
| throttle: limits:1: this is not text
