# What is not known, and what is refused at start.

== a plugin that dies is not known
options --folder {folder} --stage mail --plugin ":echo A; kill -9 $$"
sender alice@a.test
recipient bob@b.test
message
| Subject: x
|
exit 71

== exit 120 is a plugin that could not be run
options --folder {folder} --stage mail --plugin ":echo A; exit 120"
sender alice@a.test
recipient bob@b.test
message
| Subject: x
|
exit 71

== a plugin that takes too long
options --folder {folder} --stage mail --time-limit 50ms --plugin ":sleep 60"
sender alice@a.test
recipient bob@b.test
message
| Subject: x
|
exit 52

== a plugin that says too much
options --folder {folder} --stage mail --plugin ":yes"
sender alice@a.test
recipient bob@b.test
message
| Subject: x
|
exit 71
then
options --folder {folder} --stage mail --plugin ":head -c 70000 /dev/zero"
exit 71

== a refusal without a code
options --folder {folder} --stage mail --plugin ":echo Ego away"
sender alice@a.test
recipient bob@b.test
message
| Subject: x
|
exit 71

== an address that is none
options --folder {folder} --stage rcpt --plugin ":printf 'C\n'"
sender alice@a.test
recipient bob@b.test
message
| Subject: x
|
exit 71

== a whole message without a stage
conventions shell queue chain qfilter
options --folder {folder} --plugin ":true"
sender alice@a.test
recipient bob@b.test
message
| Subject: x
|
exit 55

== a plugin that is not there
options --folder {folder} --stage mail --plugin plugins/none
sender alice@a.test
recipient bob@b.test
message
| Subject: x
|
exit 55

== a plugin of a file that is not there
file plugins
| [mail]
| none
options --folder {folder} --stage mail --file plugins
sender alice@a.test
recipient bob@b.test
message
| Subject: x
|
exit 55

== no plugin at all
options --folder {folder} --stage mail
message
| Subject: x
|
exit 55

== no stage is called message
options --folder {folder} --stage message --plugin ":true"
message
| Subject: x
|
exit 55

== a folder that is not there
options --folder {folder}/none --stage mail --plugin ":true"
message
| Subject: x
|
exit 55
