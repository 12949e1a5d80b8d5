package trust

import "crypto/x509"

// policySoftwareKey marks a certificate whose key lies in a file: whoever reads
// the file can sign, which no one can with a key in a chip.
var policySoftwareKey = mustOID(arc + ".4")

// PolicySoftwareKey is the certificate policy of a key that lies in a file, for
// whoever issues certificates to kiosks. A certificate without it says that its
// key cannot be copied.
func PolicySoftwareKey() x509.OID { return policySoftwareKey }

// SoftwareKey reports whether a certificate says that its key lies in a file.
// Who relies on a signature may weigh it; it is not a reason to refuse one.
func SoftwareKey(cert *x509.Certificate) bool { return hasRole(cert, policySoftwareKey) }
