# What rules see of a message that is encoded. Each case runs in the program that decodes, which
# regex-filter becomes, in every convention.

== an encoded word in a field is matched as what it says
file rules
| header:Subject /^h\xc3\xa9llo w\xc3\xb6rld$/ reject no $0
options --rules rules
sender alice@example.org
recipient bob@example.test
message
| Subject: =?iso-8859-1?Q?h=E9llo_?= =?utf-8?B?d8O2cmxk?=
|
| Hello
verdict reject
reply 550 5.7.1 no h??llo w??rld

== an encoded word is matched as it was sent, too
file rules
| header /=\?koi8-r\?/i reject 550 5.7.1 charset
options --rules rules
sender alice@example.org
recipient bob@example.test
message
| Subject: =?koi8-r?Q?=D0?=
|
| Hello
verdict reject
reply 550 5.7.1 charset

== a message with an encoded word that no rule matches goes on as it came
file rules
| header:Subject /never/ reject no
options --rules rules
sender alice@example.org
recipient bob@example.test
message
| Subject: =?utf-8?Q?hello?=
|
| Hello
verdict accept

== a text in base64 is matched as what it says
file rules
| body /cheap watches/ reject 550 5.7.1 no $0
options --rules rules
sender alice@example.org
recipient bob@example.test
message
| Content-Type: text/plain
| Content-Transfer-Encoding: base64
|
| Y2hlYXAgd2F0Y2hlcwo=
verdict reject
reply 550 5.7.1 no cheap watches

== a text in another charset is matched as UTF-8
file rules
| body /h\xc3\xa9llo/ reject 550 5.7.1 no
options --rules rules
sender alice@example.org
recipient bob@example.test
message
| Content-Type: text/plain; charset=iso-8859-1
| Content-Transfer-Encoding: quoted-printable
|
| h=E9llo
verdict reject
reply 550 5.7.1 no

== the name of an attachment is matched, whichever field has it
file rules
| attachment /\.exe$/i reject 550 5.7.1 no $0
options --rules rules
sender alice@example.org
recipient bob@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
|
| hello
| --b
| Content-Type: application/octet-stream; name="a.txt"
| Content-Disposition: attachment; filename="=?utf-8?B?YS5leGU=?="
|
| x
| --b--
verdict reject
reply 550 5.7.1 no .exe

== the type of a part is matched in small letters
file rules
| type /^application\/x-msdownload$/ reject 550 5.7.1 no $0
options --rules rules
sender alice@example.org
recipient bob@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Type: Application/X-MSDownload
|
| x
| --b--
verdict reject
reply 550 5.7.1 no application/x-msdownload
