enum CountersPlaceholder {}
