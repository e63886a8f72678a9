enum UnixIOPlaceholder {}
