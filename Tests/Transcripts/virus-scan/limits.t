# What nobody could look into whole, and what becomes of it. The signature is "This is a virus".

== an archive packed in a way that is not known is not clean
file db/test.ndb
| Test.Text:0:*:546869732069732061207669727573
service virus-scan --serve {folder}/pool --database {folder}/db --timeout 30s
options --pool {folder}/pool --database {folder}/db --timeout 30s
sender a@example.org
recipient b@example.test
message
| Content-Type: application/zip
| Content-Transfer-Encoding: base64
|
| UEsDBD8AAgAOAAAAIQBSipgZIwAAABAAAAAEAAAAZmlsZQkEBQBdAACAAAAqGgknZByHik/KeD+1
| iEIAsvQ6//8bUAAAUEsBAj8DPwACAA4AAAAhAFKKmBkjAAAAEAAAAAQAAAAAAAAAAAAAAIABAAAA
| AGZpbGVQSwUGAAAAAAEAAQAyAAAARQAAAAAA
verdict defer
reply 451 4.7.1 the message cannot be scanned for viruses (archive method)

== it may be refused
file db/test.ndb
| Test.Text:0:*:546869732069732061207669727573
service virus-scan --serve {folder}/pool --database {folder}/db --on-unscannable reject
options --pool {folder}/pool --database {folder}/db --on-unscannable reject
sender a@example.org
recipient b@example.test
message
| Content-Type: application/zip
| Content-Transfer-Encoding: base64
|
| UEsDBD8AAgAOAAAAIQBSipgZIwAAABAAAAAEAAAAZmlsZQkEBQBdAACAAAAqGgknZByHik/KeD+1
| iEIAsvQ6//8bUAAAUEsBAj8DPwACAA4AAAAhAFKKmBkjAAAAEAAAAAQAAAAAAAAAAAAAAIABAAAA
| AGZpbGVQSwUGAAAAAAEAAQAyAAAARQAAAAAA
verdict reject
reply 554 5.7.1 the message cannot be scanned for viruses (archive method)

== or kept
file db/test.ndb
| Test.Text:0:*:546869732069732061207669727573
service virus-scan --serve {folder}/pool --database {folder}/db --on-unscannable quarantine --quarantine {folder}/q
options --pool {folder}/pool --database {folder}/db --on-unscannable quarantine --quarantine {folder}/q
sender a@example.org
recipient b@example.test
message
| Content-Type: application/zip
| Content-Transfer-Encoding: base64
|
| UEsDBD8AAgAOAAAAIQBSipgZIwAAABAAAAAEAAAAZmlsZQkEBQBdAACAAAAqGgknZByHik/KeD+1
| iEIAsvQ6//8bUAAAUEsBAj8DPwACAA4AAAAhAFKKmBkjAAAAEAAAAAQAAAAAAAAAAAAAAIABAAAA
| AGZpbGVQSwUGAAAAAAEAAQAyAAAARQAAAAAA
verdict discard

== too many parts are not all looked at
file db/test.ndb
| Test.Text:0:*:546869732069732061207669727573
service virus-scan --serve {folder}/pool --database {folder}/db --max-files 1
options --pool {folder}/pool --database {folder}/db --max-files 1
sender a@example.org
recipient b@example.test
message
| Subject: x
| MIME-Version: 1.0
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Type: application/octet-stream
| Content-Transfer-Encoding: base64
|
| b25lIHR3byB0aHJlZQ==
| --b
| Content-Type: application/octet-stream
| Content-Transfer-Encoding: base64
|
| b25lIHR3byB0aHJlZQ==
| --b
| Content-Type: application/octet-stream
| Content-Transfer-Encoding: base64
|
| b25lIHR3byB0aHJlZQ==
| --b
| Content-Type: application/octet-stream
| Content-Transfer-Encoding: base64
|
| b25lIHR3byB0aHJlZQ==
| --b
| Content-Type: application/octet-stream
| Content-Transfer-Encoding: base64
|
| b25lIHR3byB0aHJlZQ==
| --b
| Content-Type: application/octet-stream
| Content-Transfer-Encoding: base64
|
| b25lIHR3byB0aHJlZQ==
| --b--
verdict defer
reply 451 4.7.1 the message cannot be scanned for viruses (files)

== nor are parts nested too deep
file db/test.ndb
| Test.Text:0:*:546869732069732061207669727573
service virus-scan --serve {folder}/pool --database {folder}/db --max-recursion 3
options --pool {folder}/pool --database {folder}/db --max-recursion 3
sender a@example.org
recipient b@example.test
message
| Subject: x
| MIME-Version: 1.0
| Content-Type: multipart/mixed; boundary=b0
|
| --b0
| Content-Type: multipart/mixed; boundary=b1
|
| --b1
| Content-Type: multipart/mixed; boundary=b2
|
| --b2
| Content-Type: multipart/mixed; boundary=b3
|
| --b3
| Content-Type: multipart/mixed; boundary=b4
|
| --b4
| Content-Type: multipart/mixed; boundary=b5
|
| --b5
|
| deep
| --b5--
| --b4--
| --b3--
| --b2--
| --b1--
| --b0--
verdict defer
reply 451 4.7.1 the message cannot be scanned for viruses (depth)

== nor a message over the size, refused here
file db/test.ndb
| Test.Text:0:*:546869732069732061207669727573
service virus-scan --serve {folder}/pool --database {folder}/db --max-size 1024 --on-unscannable reject
options --pool {folder}/pool --database {folder}/db --max-size 1024 --on-unscannable reject
sender a@example.org
recipient b@example.test
message
| Subject: x
|
*200| twelve bytes
verdict reject
reply 554 5.7.1 the message cannot be scanned for viruses (size)
