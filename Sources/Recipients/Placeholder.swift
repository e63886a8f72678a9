enum RecipientsPlaceholder {}
