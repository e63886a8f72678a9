# Limits over several requests. The periods are long, so no case waits.

== the client over its limit is deferred with the limit's text
options --store {folder}/store --limit "client messages 2/1h defer slow down, please"
fact client-ip 192.0.2.1
sender a@example.org
recipient b@example.test
message
| Subject: x
|
| Hello
verdict accept
then
verdict accept
then
verdict defer
reply 451 4.7.1 slow down, please

== reject is 550 5.7.1, and says what there were too many of
options --store {folder}/store --limit "sender recipients 3/1h reject"
sender a@example.org
recipient b@example.test
recipient c@example.test
message
| Subject: x
verdict accept
then
verdict reject
reply 550 5.7.1 too many recipients, try again later

== a request that is refused is charged to no limit
options --store {folder}/store --limit "client messages 2/1h reject" --limit "sender messages 1/1h defer"
fact client-ip 192.0.2.1
sender a@example.org
recipient b@example.test
message
| Subject: x
verdict accept
then
verdict defer
reply 451 4.7.1 too many messages, try again later
then
verdict defer
reply 451 4.7.1 too many messages, try again later
then
sender z@example.org
verdict accept
then
sender y@example.org
verdict reject
reply 550 5.7.1 too many messages, try again later

== connections are counted at connect
conventions chain resident
options --store {folder}/store --limit "client/24 connections 1/1h reject too many connections" --limit "client messages 1/1h reject"
stage connect
fact client-ip 192.0.2.1
verdict accept
then
fact client-ip 192.0.2.77
verdict reject
reply 550 5.7.1 too many connections
then
stage mail
fact client-ip 192.0.2.1
sender a@example.org
verdict accept

== messages are counted at mail, recipients at rcpt one by one
conventions chain resident
options --store {folder}/store --limit "client messages 1/1h defer" --limit "client recipients 2/1h defer"
stage mail
fact client-ip 2001:db8::1
sender a@example.org
verdict accept
then
stage rcpt
recipient b@example.test
verdict accept
then
verdict accept
then
verdict defer
reply 451 4.7.1 too many recipients, try again later
then
stage mail
verdict defer
reply 451 4.7.1 too many messages, try again later

== without a client no limit of clients applies
options --store {folder}/store --limit "client messages 1/1h defer"
sender a@example.org
recipient b@example.test
message
| Subject: x
verdict accept
then
verdict accept
