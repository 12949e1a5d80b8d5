package cms

import (
	"crypto/x509"
	"runtime"
	"sync"
	"weak"
)

// certs are those that this process has read and still holds. The
// same few occur in every document (a kiosk's, an agency's, an authority's), and
// one document is read several times on its way: reading a certificate again
// takes a fifth of a signature's checking. crypto/tls keeps such a list too.
// Nothing is believed for being in it.
var certs = struct {
	sync.RWMutex
	m map[string]weak.Pointer[x509.Certificate] // by DER
}{m: map[string]weak.Pointer[x509.Certificate]{}}

func cached(der []byte) *x509.Certificate {
	certs.RLock()
	defer certs.RUnlock()
	return certs.m[string(der)].Value()
}

// keep remembers cert until nobody holds it any more.
func keep(cert *x509.Certificate) {
	key := string(cert.Raw)
	p := weak.Make(cert)
	certs.Lock()
	certs.m[key] = p
	certs.Unlock()
	runtime.AddCleanup(cert, func(key string) {
		certs.Lock()
		defer certs.Unlock()
		if certs.m[key] == p { // not one that was read since
			delete(certs.m, key)
		}
	}, key)
}

// forget is for when certificates may be read otherwise than before.
func forget() {
	certs.Lock()
	defer certs.Unlock()
	clear(certs.m)
}
