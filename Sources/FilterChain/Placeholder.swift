enum FilterChainPlaceholder {}
