package trust

// Source is where knowledge of a revocation came from.
type Source string

// The sources.
const (
	FromNowhere Source = ""
	FromBundle  Source = "bundle" // a revocation list of the bundle, or the bundle itself
	FromCRL     Source = "crl"    // a revocation list carried in the signature
	FromOCSP    Source = "ocsp"   // an OCSP response carried in the signature
)
