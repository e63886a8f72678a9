# Messages that hide something from a strict reader of MIME and show it to a forgiving one. Each of
# them is refused for what it hides.

== a boundary in another case still begins a part
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --B
| Content-Disposition: attachment; filename=evil.exe
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== a boundary that was never declared begins a part
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed
|
| --x
| Content-Disposition: attachment; filename=evil.exe
|
| x
verdict reject
reply 550 5.7.1 found evil.exe

== a boundary that is declared over a line that is no fold begins a part
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed;
| boundary=b
|
| --b
| Content-Disposition: attachment; filename=evil.exe
|
| x
verdict reject
reply 550 5.7.1 found evil.exe

== a boundary with blanks behind it begins a part
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
: --b  \t\n
| Content-Disposition: attachment; filename=evil.exe
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== a boundary whose declaration ends in a blank begins a part
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary="b "
|
| --b
| Content-Disposition: attachment; filename=evil.exe
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== a part without a last boundary is a part
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Disposition: attachment; filename=evil.exe
|
| x
verdict reject
reply 550 5.7.1 found evil.exe

== a part in front of the first boundary is a part
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --other
| Content-Disposition: attachment; filename=evil.exe
|
| x
| --b
|
| hi
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== a part behind the last boundary is a part
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
|
| hi
| --b--
| --b
| Content-Disposition: attachment; filename=evil.exe
|
| x
verdict reject
reply 550 5.7.1 found evil.exe

== a text in front of the first boundary is a text
conventions shell
file rules
| body /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| a secret word
| --b
|
| hi
| --b--
verdict reject
reply 550 5.7.1 found secret word

== a text behind the last boundary is a text
conventions shell
file rules
| body /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
|
| hi
| --b--
| a secret word
verdict reject
reply 550 5.7.1 found secret word

== a boundary that begins another is not mistaken for it
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=bb
|
| --bb
| Content-Type: multipart/mixed; boundary=b
|
| --b
|
| hi
| --b
| Content-Disposition: attachment; filename=evil.exe
|
| x
| --b--
| --bb--
verdict reject
reply 550 5.7.1 found evil.exe

== the boundary of a comment is none
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed (; boundary=x); boundary=b
|
| --b
| Content-Disposition: attachment; filename=evil.exe
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== of two boundaries either may count: the first
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=x; boundary=b
|
| --x
| Content-Disposition: attachment; filename=evil.exe
|
| x
| --x--
verdict reject
reply 550 5.7.1 found evil.exe

== of two boundaries either may count: the second
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b; boundary=x
|
| --x
| Content-Disposition: attachment; filename=evil.exe
|
| x
| --x--
verdict reject
reply 550 5.7.1 found evil.exe

== of two Content-Type fields either may count: the first
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
| Content-Type: text/plain
|
| --b
| Content-Disposition: attachment; filename=evil.exe
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== of two Content-Type fields either may count: the last
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: text/plain
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Disposition: attachment; filename=evil.exe
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== of two Content-Type fields of a part either may count
conventions shell
file rules
| type /^application\/x-evil$/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Type: application/x-evil
| Content-Type: text/plain
|
| x
| --b--
verdict reject
reply 550 5.7.1 found application/x-evil

== of two Content-Transfer-Encoding fields either may count: the first
conventions shell
file rules
| body /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Transfer-Encoding: base64
| Content-Transfer-Encoding: 7bit
|
| YSBzZWNyZXQgd29yZAo=
verdict reject
reply 550 5.7.1 found secret word

== of two Content-Transfer-Encoding fields either may count: the last
conventions shell
file rules
| body /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Transfer-Encoding: 7bit
| Content-Transfer-Encoding: base64
|
| YSBzZWNyZXQgd29yZAo=
verdict reject
reply 550 5.7.1 found secret word

== of two Content-Disposition fields either may count
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Disposition: attachment; filename=a.txt
| Content-Disposition: attachment; filename=evil.exe
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== a field with a blank before its colon is that field
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type : multipart/mixed; boundary=b
|
| --b
| Content-Disposition : attachment; filename=evil.exe
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== a field whose name is written otherwise is that field
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| CONTENT-TYPE: MULTIPART/MIXED; BOUNDARY=b
|
| --b
| content-disposition: ATTACHMENT; FILENAME=evil.exe
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== a header that no empty line ends is a header, and its rest a content
conventions shell
file rules
| body /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Type: text/plain
| Content-Transfer-Encoding: base64
| YSBsb25nIHRleHQgd2l0aCBhIHNlY3JldCB3b3JkIGluIGl0Cg==
| --b--
verdict reject
reply 550 5.7.1 found secret word

== a header in a message of CR alone is a header
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
: Content-Type: multipart/mixed; boundary=b\r\r--b\rContent-Disposition: attachment; filename=evil.exe\r\rx\r--b--\r
verdict reject
reply 550 5.7.1 found evil.exe

== a part in a message of CR alone is a part
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Subject: x
: Content-Type: multipart/mixed; boundary=b\r\r--b\rContent-Disposition: attachment; filename=evil.exe\r\rx\r--b--\r
verdict reject
reply 550 5.7.1 found evil.exe

== a line end of two CR and an LF is one
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
: Content-Type: multipart/mixed; boundary=b\r\r\n
: \r\r\n
: --b\r\r\n
: Content-Disposition: attachment; filename=evil.exe\r\r\n
: \r\r\n
: x\r\r\n
: --b--\r\r\n
verdict reject
reply 550 5.7.1 found evil.exe

== a NUL in the name of a field is nothing
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
: Content-Disp\0osition: attachment; filename=evil.exe\n
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== a NUL in a value is nothing
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
: Content-Disposition: attachment;\0 filename=evil.exe\n
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== a NUL in a file name is nothing
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
: Content-Disposition: attachment; filename="ev\0il.exe"\n
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== a NUL that ends a file name ends it
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Disposition: attachment; filename="evil.exe%00.txt"
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== empty lines above the header are not its end
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
|
|
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Disposition: attachment; filename=evil.exe
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== a parameter folded in an odd place is read
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Disposition: attachment;
: \tfilename\n
|  =
|  "evil.exe"
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== sections of a file name count by their numbers
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Disposition: attachment; filename*1=l.exe; filename*0=evi
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== of a section that is there twice either may count
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Disposition: attachment; filename*0=evi; filename*1=l.txt; filename*1=l.exe
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== sections with a charset are decoded
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Disposition: attachment; filename*0*=utf-8''ev%69l; filename*1*=%2Eexe
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== a file name in UTF-16 by RFC 2231 is decoded
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Disposition: attachment; filename*=utf-16be''%00e%00v%00i%00l%00.%00e%00x%00e
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== a file name of an unknown charset is matched as bytes
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Disposition: attachment; filename*=x-none''ev%69l.exe
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== a file name with percent signs is decoded
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Disposition: attachment; filename="evil%2eexe"
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== a file name in quotes without an end is one
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Disposition: attachment; filename="evil.exe
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== a file name with blanks and no quotes is one
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Disposition: attachment; filename=very evil.exe
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== a file name in single quotes is one
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Disposition: attachment; filename='evil.exe'
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== a file name behind a comment is one
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Disposition: attachment; filename=(a.txt)evil.exe
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== a file name without a semicolon before it is one
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Disposition: attachment filename=evil.exe
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== a file name with dots and blanks at its end loses them
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Disposition: attachment; filename="evil.exe . ."
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== a file name with a mark of direction loses it
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Disposition: attachment; filename="=?utf-8?Q?evil=E2=80=AE.exe?="
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== a file name in wide letters is read as ASCII
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Disposition: attachment; filename="=?utf-8?B?ZXZpbO+8ju+9he+9mO+9hQ==?="
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== encoded words in a file name are joined
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Type: application/octet-stream;
|  name="=?utf-8?B?ZXZp?= =?iso-8859-1?Q?l.exe?="
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== an encoded word within an encoded word is decoded
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Type: application/octet-stream;
|  name="=?utf-8?B?PT91dGYtOD9RP2V2aWw9MkVleGU/PQ==?="
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== a raw file name of eight bits is matched as it is
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
: Content-Disposition: attachment; filename="\xe9vil evil.exe"\n
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== a file name in Content-Type counts beside another in Content-Disposition
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Type: application/octet-stream; name=evil.exe
| Content-Disposition: attachment; filename=a.txt
|
| x
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== base64 with letters of no alphabet is decoded
conventions shell
file rules
| body /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Transfer-Encoding: base64
|
| Y*!S*!B*!z*!Z*!W*!N*!y*!Z*!X*!Q*!g*!d*!2*!9*!y*!Z*!C*!E*!K
verdict reject
reply 550 5.7.1 found secret word

== base64 without padding is decoded to its end
conventions shell
file rules
| body /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Transfer-Encoding: base64
|
| c2VjcmV0IHdvcmQ
verdict reject
reply 550 5.7.1 found secret word

== base64 goes on behind padding
conventions shell
file rules
| body /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Transfer-Encoding: base64
|
| YQ==
| YSBzZWNyZXQgd29yZA==
verdict reject
reply 550 5.7.1 found secret word

== padding within base64 may mean nothing
conventions shell
file rules
| body /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Transfer-Encoding: base64
|
| YSBzZW=NyZXQgd29yZCEh
verdict reject
reply 550 5.7.1 found secret word

== base64 by another name is decoded
conventions shell
file rules
| body /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Transfer-Encoding: BASE-64;
|
| YSBzZWNyZXQgd29yZA==
verdict reject
reply 550 5.7.1 found secret word

== quoted-printable with broken escapes is decoded as far as it goes
conventions shell
file rules
| body /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Transfer-Encoding: quoted-printable
|
| =ZZ=3 a se=63ret=20=
| word =
verdict reject
reply 550 5.7.1 found secret word

== quoted-printable with blanks behind a soft line end is decoded
conventions shell
file rules
| body /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Transfer-Encoding: quoted-printable
|
: a secret wo= \t\n
| rd
verdict reject
reply 550 5.7.1 found secret word

== quoted-printable in small letters is decoded
conventions shell
file rules
| body /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Transfer-Encoding: quoted-printable
|
| a se=63ret wor=64 =e9
verdict reject
reply 550 5.7.1 found secret word

== an unknown encoding is matched as it is
conventions shell
file rules
| body /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Transfer-Encoding: x-unknown
|
| a secret word
verdict reject
reply 550 5.7.1 found secret word

== an unknown charset is matched as it is
conventions shell
file rules
| body /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: text/plain; charset=x-none
|
| a secret word
verdict reject
reply 550 5.7.1 found secret word

== a charset that the bytes are not in is matched as it is
conventions shell
file rules
| body /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: text/plain; charset=utf-16
|
| a secret word
verdict reject
reply 550 5.7.1 found secret word

== utf-7 is decoded
conventions shell
file rules
| body /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: text/plain; charset=utf-7
|
| a sec+AHI-et w+AG8-rd
verdict reject
reply 550 5.7.1 found secret word

== utf-7 that HTML itself declares is decoded
conventions shell
file rules
| body /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: text/html
|
| <meta http-equiv="Content-Type" content="text/html; charset=utf-7">a sec+AHI-et word
verdict reject
reply 550 5.7.1 found secret word

== utf-16 is decoded
conventions shell
file rules
| body /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: text/plain; charset=utf-16
| Content-Transfer-Encoding: base64
|
| //5hACAAcwBlAGMAcgBlAHQAIAB3AG8AcgBkAA==
verdict reject
reply 550 5.7.1 found secret word

== utf-16 that nobody declares is decoded
conventions shell
file rules
| body /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: text/plain
| Content-Transfer-Encoding: base64
|
| AGEAIABzAGUAYwByAGUAdAAgAHcAbwByAGQ=
verdict reject
reply 550 5.7.1 found secret word

== HTML in a part that is declared as plain text is HTML
conventions shell
file rules
| body /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: text/plain
|
| <html><body>a sec<b></b>ret word</body></html>
verdict reject
reply 550 5.7.1 found secret word

== the visible text of HTML is joined over tags, comments and blanks
conventions shell
file rules
| body /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: text/html
|
| <p>a s<!-- x -->ec<span class=">">re</span>t
|   wo<wbr>rd</p>
verdict reject
reply 550 5.7.1 found secret word

== characters that HTML names are decoded
conventions shell
file rules
| body /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: text/html
|
| <p>a &#115;&#x65cret&nbsp;x &#00000000000000000000000000000000000000000000000000000000000000115;ecret wo&shy;&#8203;rd</p>
verdict reject
reply 550 5.7.1 found secret word

== words that are hidden within words of HTML are left out
conventions shell
file rules
| body /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: text/html
|
| <p>a sec<span style="display: none">xyz</span>ret word</p>
verdict reject
reply 550 5.7.1 found secret word

== what is hidden in HTML is seen too
conventions shell
file rules
| body /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: text/html
|
| <p>a <span style="display: none">secret </span>word</p>
verdict reject
reply 550 5.7.1 found secret word

== an attachment of text without a type of text is a text
conventions shell
file rules
| body /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Type: application/octet-stream
| Content-Transfer-Encoding: base64
|
| YSBzZWNyZXQgd29yZA==
| --b--
verdict reject
reply 550 5.7.1 found secret word

== a message in a part is read
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Type: message/rfc822
|
| Content-Type: multipart/mixed; boundary=c
|
| --c
| Content-Disposition: attachment; filename=evil.exe
|
| x
| --c--
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== a message in base64 is read
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Type: message/rfc822
| Content-Transfer-Encoding: base64
|
| Q29udGVudC1UeXBlOiBtdWx0aXBhcnQvbWl4ZWQ7IGJvdW5kYXJ5PWMKCi0tYwpDb250ZW50LURpc3Bvc2l0aW9uOiBhdHRhY2htZW50OyBmaWxlbmFtZT1ldmlsLmV4ZQoKeAotLWMtLQo=
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== a message in a file is read
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Type: application/octet-stream; name=x.eml
| Content-Transfer-Encoding: base64
|
| U3ViamVjdDogeApDb250ZW50LVR5cGU6IG11bHRpcGFydC9taXhlZDsgYm91bmRhcnk9YwoKLS1jCkNvbnRlbnQtRGlzcG9zaXRpb246IGF0dGFjaG1lbnQ7IGZpbGVuYW1lPWV2aWwuZXhlCgp4Ci0tYy0tCg==
| --b--
verdict reject
reply 550 5.7.1 found evil.exe

== parts that are encoded as a whole are read
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
| Content-Transfer-Encoding: base64
|
| LS1iCkNvbnRlbnQtRGlzcG9zaXRpb246IGF0dGFjaG1lbnQ7IGZpbGVuYW1lPWV2aWwuZXhlCgp4Ci0tYi0tCg==
verdict reject
reply 550 5.7.1 found evil.exe

== a file in a text is an attachment
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
|
| hello
| begin 644 evil.exe
| #86)C
| `
| end
verdict reject
reply 550 5.7.1 found evil.exe

== a file in an encoded text is an attachment
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Transfer-Encoding: base64
|
| aGVsbG8KYmVnaW4gNjY2IGV2aWwuZXhlCiM4NilDCmAKZW5kCg==
verdict reject
reply 550 5.7.1 found evil.exe

== a text in a file in a text is a text
conventions shell
file rules
| body /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
|
| hello
| begin 644 a.txt
| -82!S96-R970@=V]R9``````
| `
| end
verdict reject
reply 550 5.7.1 found secret word

== a file that is encoded by yEnc has a name
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
|
| =ybegin line=128 size=1 name=evil.exe
| x
| =yend size=1
verdict reject
reply 550 5.7.1 found evil.exe

== winmail.dat is an attachment of its type
conventions shell
file rules
| type /^application\/x-evil$/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Type: multipart/mixed; boundary=b
|
| --b
| Content-Type: application/x-evil; name=winmail.dat
| Content-Transfer-Encoding: base64
|
| eJ8+
| --b--
verdict reject
reply 550 5.7.1 found application/x-evil

== an encoded word in base64 without padding is decoded to its end
conventions shell
file rules
| header:Subject /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Subject: =?utf-8?B?c2VjcmV0IHdvcmQ?=
|
| x
verdict reject
reply 550 5.7.1 found secret word

== an encoded word without an end is decoded
conventions shell
file rules
| header:Subject /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Subject: =?utf-8?Q?a_secret_word
|
| x
verdict reject
reply 550 5.7.1 found secret word

== encoded words with nothing between them are decoded
conventions shell
file rules
| header:Subject /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Subject: =?utf-8?Q?sec?==?iso-8859-1?Q?ret_word?=
|
| x
verdict reject
reply 550 5.7.1 found secret word

== characters in a field that nobody sees are nothing
conventions shell
file rules
| header:Subject /secret word/ reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Subject: =?utf-8?Q?sec=E2=80=8Bret=C2=AD_word?=
|
| x
verdict reject
reply 550 5.7.1 found secret word

== a file of a text within what looks like another is an attachment
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
|
| begin 644 a.txt
| begin 644 evil.exe
| #86)C
| `
| end
verdict reject
reply 550 5.7.1 found evil.exe

== a name in UTF-16 whose bytes stand in either order is decoded
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Disposition: attachment; filename*0*=utf-16''%00e%00v%00i%00l;
|  filename*1*=%00.%00e%00x%00e
|
| x
verdict reject
reply 550 5.7.1 found evil.exe

== a name behind a hundred others hides nothing
conventions shell
file rules
| attachment /evil\.exe$/i reject found $0
options --rules rules
sender a@example.org
recipient b@example.test
message
| Content-Disposition: attachment;
*120|  filename=a;
|  filename=evil.exe
|
| x
verdict defer
reply 451 4.7.1 this message is too large or too complex to be judged

== a field behind CR alone is a field
conventions shell
file rules
| header:Subject /evil/ reject 550 5.7.1 found
options --rules rules
sender a@example.org
recipient b@example.test
message
: X: y\rSubject: evil\n\nx\n
verdict reject
reply 550 5.7.1 found

== a field with NUL in its name or value is a field
conventions shell
file rules
| header:Subject /evil/ reject 550 5.7.1 found
options --rules rules
sender a@example.org
recipient b@example.test
message
: Sub\0ject: evil\n\nx\n
verdict reject
reply 550 5.7.1 found
then
message
: Subject: ev\0il\n\nx\n
verdict reject
reply 550 5.7.1 found
then
file headers
| header /^Subject: evil/ reject 550 5.7.1 found
options --rules headers
message
: X: y\r\0Subject: ev\r il\n\nx\n
verdict accept
then
message
: X: y\r\0Subject:\r evil\n\nx\n
verdict reject
reply 550 5.7.1 found
