enum FilterKitPlaceholder {}
