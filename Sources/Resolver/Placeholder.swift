enum ResolverPlaceholder {}
