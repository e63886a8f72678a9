enum MailQueuePlaceholder {}
