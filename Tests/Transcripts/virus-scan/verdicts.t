# One message, one verdict, in every convention: queue and chain ask the pool, a shell loads for
# itself. The signature is the text "This is a virus", in hexadecimal digits.

== a clean message passes byte for byte
file db/test.ndb
| Test.Text:0:*:54686973206973206120766972757300
service virus-scan --serve {folder}/pool --database {folder}/db
options --pool {folder}/pool --database {folder}/db
sender a@example.org
recipient b@example.test
message
: From: a@example.org\n\nThis is no virus\x00\xff\r\n
verdict accept

== a signature in the text is refused with its name
file db/test.ndb
| Test.Text:0:*:546869732069732061207669727573
service virus-scan --serve {folder}/pool --database {folder}/db
options --pool {folder}/pool --database {folder}/db
sender a@example.org
recipient b@example.test
message
| Subject: x
|
| This is a virus
verdict reject
reply 554 5.7.1 virus found: Test.Text.UNOFFICIAL

== so is one in an attachment in base64, whatever the message begins with
file db/test.ndb
| Test.Text:0:*:546869732069732061207669727573
service virus-scan --serve {folder}/pool --database {folder}/db
options --pool {folder}/pool --database {folder}/db
sender a@example.org
recipient b@example.test
message
| MZ: x
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Type: application/octet-stream; name=x.exe
| Content-Transfer-Encoding: base64
|
| VGhpcyBpcyBhIHZpcnVzCg==
| --b--
verdict reject
reply 554 5.7.1 virus found: Test.Text.UNOFFICIAL

== it may be dropped
file db/test.ndb
| Test.Text:0:*:546869732069732061207669727573
service virus-scan --serve {folder}/pool --database {folder}/db --on-found discard
options --pool {folder}/pool --database {folder}/db --on-found discard
sender a@example.org
recipient b@example.test
message
| Subject: x
|
| This is a virus
verdict discard

== or tagged, and a tag of somebody else does not stay
file db/test.ndb
| Test.Text:0:*:546869732069732061207669727573
service virus-scan --serve {folder}/pool --database {folder}/db --on-found tag
options --pool {folder}/pool --database {folder}/db --on-found tag
sender a@example.org
recipient b@example.test
message
| Subject: x
| X-Virus-Status: none
|
| This is a virus
verdict accept
output
| X-Virus-Status: infected (Test.Text.UNOFFICIAL)
| Subject: x
|
| This is a virus

== what is too large was not scanned
file db/test.ndb
| Test.Text:0:*:546869732069732061207669727573
service virus-scan --serve {folder}/pool --database {folder}/db --max-size 1K
options --pool {folder}/pool --database {folder}/db --max-size 1K
sender a@example.org
recipient b@example.test
message
: Subject: x\n\n
*100| twelve bytes
verdict defer
reply 451 4.7.1 the message cannot be scanned for viruses (size)

== with a field that says so, and none of others
file db/test.ndb
| Test.Text:0:*:546869732069732061207669727573
service virus-scan --serve {folder}/pool --database {folder}/db --scanned-field
options --pool {folder}/pool --database {folder}/db --scanned-field
sender a@example.org
recipient b@example.test
message
| Subject: x
| X-Virus-Scanned: by nobody
|
| hello
verdict accept
output
| X-Virus-Scanned: clean (chainmail virus-scan 0.1)
| Subject: x
|
| hello

== it may be kept, and is dropped then
file db/test.ndb
| Test.Text:0:*:546869732069732061207669727573
service virus-scan --serve {folder}/pool --database {folder}/db --on-found quarantine --quarantine {folder}/q
options --pool {folder}/pool --database {folder}/db --on-found quarantine --quarantine {folder}/q
sender a@example.org
recipient b@example.test
message
| Subject: x
|
| This is a virus
verdict discard

== what is encrypted is not known
file db/test.ndb
| Test.Text:0:*:546869732069732061207669727573
service virus-scan --serve {folder}/pool --database {folder}/db
options --pool {folder}/pool --database {folder}/db
sender a@example.org
recipient b@example.test
message
| Content-Type: application/zip
| Content-Transfer-Encoding: base64
|
| UEsDBAoACQAAANS0d12MsuviEwAAAAcAAAAGAAAAc2VjcmV0i+HfCd2y72BkFwxX+63OFN0mUlBL
| BwiMsuviEwAAAAcAAABQSwECHgMKAAkAAADUtHddjLLr4hMAAAAHAAAABgAAAAAAAAAAAAAApIEA
| AAAAc2VjcmV0UEsFBgAAAAABAAEANAAAAEcAAAAAAA==
verdict defer
reply 451 4.7.1 the message cannot be scanned for viruses (encrypted)

== unless it is blocked
file db/test.ndb
| Test.Text:0:*:546869732069732061207669727573
service virus-scan --serve {folder}/pool --database {folder}/db --block encrypted,macros,phishing
options --pool {folder}/pool --database {folder}/db --block encrypted,macros,phishing
sender a@example.org
recipient b@example.test
message
| Content-Type: application/zip
| Content-Transfer-Encoding: base64
|
| UEsDBAoACQAAANS0d12MsuviEwAAAAcAAAAGAAAAc2VjcmV0i+HfCd2y72BkFwxX+63OFN0mUlBL
| BwiMsuviEwAAAAcAAABQSwECHgMKAAkAAADUtHddjLLr4hMAAAAHAAAABgAAAAAAAAAAAAAApIEA
| AAAAc2VjcmV0UEsFBgAAAAABAAEANAAAAEcAAAAAAA==
verdict reject
reply 554 5.7.1 encrypted content found: Heuristics.Encrypted.Zip

== or let pass, by one who knows what he does
file db/test.ndb
| Test.Text:0:*:546869732069732061207669727573
service virus-scan --serve {folder}/pool --database {folder}/db --max-size 1K --on-unscannable accept --max-files 9 --max-recursion 5 --timeout 5s --check-interval 1h --temporary {folder}
options --pool {folder}/pool --database {folder}/db --max-size 1K --on-unscannable accept --max-files 9 --max-recursion 5 --timeout 5s --check-interval 1h --temporary {folder}
sender a@example.org
recipient b@example.test
message
: Subject: x\n\n
*100| twelve bytes
verdict accept

== or tagged
file db/test.ndb
| Test.Text:0:*:546869732069732061207669727573
service virus-scan --serve {folder}/pool --database {folder}/db --max-size 1K --on-unscannable tag
options --pool {folder}/pool --database {folder}/db --max-size 1K --on-unscannable tag
sender a@example.org
recipient b@example.test
message
: X-Virus-Status: none\nSubject: x\n\n
*100| twelve bytes
verdict accept
output
: X-Virus-Status: unscannable (size)\nSubject: x\n\n
*100| twelve bytes
