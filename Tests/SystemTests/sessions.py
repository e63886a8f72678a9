"""Sessions that Python's smtplib goes through, for RealClientTests.

usage: sessions.py PORT SESSION PASSWORD
SPDX-License-Identifier: MIT
"""

import smtplib
import ssl
import sys

port, name, password = int(sys.argv[1]), sys.argv[2], sys.argv[3]
SENDER, RECIPIENT = "anna@example.test", f"python-{name}@example.test"
MESSAGE = f"From: {SENDER}\r\nSubject: session\r\n\r\nby {name}\r\n"

context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE


def wanted(reply, code):
    """Ends the session when a reply is not what it should be."""
    if reply[0] != code:
        sys.exit(f"{name}: wanted {code}, got {reply}")
    return reply


def connect():
    return smtplib.SMTP("127.0.0.1", port, "client.pass.test", timeout=60)


def starttls():
    with connect() as client:
        client.starttls(context=context)
        client.login("anna@example.test", password)
        client.sendmail(SENDER, RECIPIENT, MESSAGE)


def implicit():
    with smtplib.SMTP_SSL("127.0.0.1", port, "client.pass.test", timeout=60, context=context) as client:
        client.ehlo()
        client.user, client.password = "anna@example.test", password
        wanted(client.auth("PLAIN", client.auth_plain), 235)
        client.sendmail(SENDER, RECIPIENT, MESSAGE)


def crammd5():
    with connect() as client:
        client.starttls(context=context)
        client.ehlo()
        client.user, client.password = "anna@example.test", password
        wanted(client.auth("CRAM-MD5", client.auth_cram_md5), 235)
        client.sendmail("anna@example.test", RECIPIENT, MESSAGE)


def utf8():
    with connect() as client:
        client.ehlo()
        message = "From: anna@example.test\r\nSubject: na\u00efve\r\n\r\nna\u00efve\r\n"
        client.sendmail(
            SENDER, "jos\u00e9@example.test", message.encode(), mail_options=["SMTPUTF8", "BODY=8BITMIME"])


def dsn():
    with connect() as client:
        client.ehlo()
        client.sendmail(
            SENDER, RECIPIENT, MESSAGE,
            mail_options=["RET=HDRS", "ENVID=QQ+2B1"],
            rcpt_options=["NOTIFY=FAILURE,DELAY", f"ORCPT=rfc822;{RECIPIENT}"])
        wanted(client.docmd(f"MAIL FROM:<{SENDER}> RET=SOME"), 501)
        wanted(client.docmd(f"MAIL FROM:<{SENDER}>"), 250)
        wanted(client.docmd(f"RCPT TO:<{RECIPIENT}> NOTIFY=NEVER,DELAY"), 501)


def bdat():
    with connect() as client:
        client.ehlo()
        assert client.has_extn("chunking")
        wanted(client.mail(SENDER), 250)
        wanted(client.rcpt(RECIPIENT), 250)
        body = MESSAGE.encode()
        # The first chunk ends between CR and LF.
        cut = body.index(b"\n")
        for chunk, last in ((body[:cut], ""), (body[cut:], ""), (b"", " LAST")):
            client.send(b"BDAT %d%s\r\n" % (len(chunk), last.encode()) + chunk)
            wanted(client.getreply(), 250)


def session():
    return "".join(
        line + "\r\n"
        for line in ("EHLO client.pass.test", f"MAIL FROM:<{SENDER}>", f"RCPT TO:<{RECIPIENT}>", "DATA")
    ), MESSAGE + ".\r\nQUIT\r\n"


def pipelined():
    client = connect()
    client.send(session()[0])
    for code in (250, 250, 250, 354):
        wanted(client.getreply(), code)
    client.send(session()[1])
    for code in (250, 221):
        wanted(client.getreply(), code)


def bytewise():
    client = connect()
    for part, codes in zip(session(), ((250, 250, 250, 354), (250, 221))):
        for byte in part.encode():
            client.sock.sendall(bytes([byte]))
        for code in codes:
            wanted(client.getreply(), code)


{f.__name__: f for f in (starttls, implicit, crammd5, utf8, dsn, bdat, pipelined, bytewise)}[name]()
