package cms

// WithoutCertificates returns the same signature without the certificates it
// carries, which are not signed: for a reader that has the signer's.
func (d *SignedData) WithoutCertificates() *SignedData {
	c := d.edit()
	c.certs, c.parsed = nil, nil
	return c.rebound()
}
