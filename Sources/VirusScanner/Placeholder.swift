enum VirusScannerPlaceholder {}
