enum SenderPolicyPlaceholder {}
