package edoc

import (
	"fmt"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/edoc/cms"
)

// CounterSign returns the container with s's counter-signature on its signature
// n, the first being 0: an official under a colleague's signature, an assistant
// of a telecentre under a citizen's. It is over that signature's value, so it
// says "I saw this signature"; a signature of one's own over the document is
// Cosign. The ID stays. Of s's certificates only the signer's own goes into it.
//
// Who may counter-sign what is Verify's question.
func (c *Container) CounterSign(n int, s Signer, claimed time.Time) (*Container, error) {
	sd, err := c.signature(n)
	if err == nil {
		sd, err = sd.WithCounterSignature(Signer{Key: s.Key, Cert: s.Cert}, claimed)
	}
	if err != nil {
		return nil, fmt.Errorf("edoc: counter-sign: %w", err)
	}
	return c.with(n, sd), nil
}

func (c *Container) signature(n int) (*cms.SignedData, error) {
	if n < 0 || n >= len(c.signatures) {
		return nil, fmt.Errorf("there is no signature %d, there are %d", n, len(c.signatures))
	}
	return c.signatures[n], nil
}

// with returns the container with sd as its signature n.
func (c *Container) with(n int, sd *cms.SignedData) *Container {
	e := *c
	e.signatures = slices.Clone(c.signatures)
	e.signatures[n] = sd
	return &e
}
