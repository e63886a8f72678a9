enum SMTPProtocolPlaceholder {}
