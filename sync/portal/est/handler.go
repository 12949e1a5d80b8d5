package est

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/penjire/penjire/sync/enrol"
	"github.com/penjire/penjire/sync/ledger"
)

// Path is where RFC 7030 has everything.
const Path = "/.well-known/est/"

// KnowledgePath is where a new kiosk gets the signed trust bundle and catalogue.
const KnowledgePath = "/enrol/knowledge"

// labels are the centres of the service (RFC 7030, section 3.2.2): without a label
// a certificate is for the connection.
var labels = map[string]string{"": ledger.CertIdentity, "signing/": ledger.CertSigning}

// TLSConfig returns how the service takes connections: a client certificate is
// asked for and not demanded; who shows one has its key, and the service checks the
// rest. TLS 1.2 is for other makers' clients: our kiosks speak 1.3. So are records of
// full size: strongSwan's client takes an answer that comes in several for one that
// was cut off, if the next is not there yet.
func TLSConfig(cert tls.Certificate) *tls.Config {
	c := TLSConfigOf(nil)
	c.Certificates = []tls.Certificate{cert}
	return c
}

// TLSConfigOf is TLSConfig with a certificate that may be another at each connection.
func TLSConfigOf(cert func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, GetCertificate: cert, ClientAuth: tls.RequestClientCert, NextProtos: []string{"http/1.1"},
		DynamicRecordSizingDisabled: true,
	}
}

// Handler answers EST. It wants a server with TLSConfig.
func (s *Service) Handler() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET "+KnowledgePath, s.answer(s.knowledgePage))
	for label, use := range labels {
		m.HandleFunc("GET "+Path+label+"cacerts", s.answer(s.cacerts))
		m.HandleFunc("POST "+Path+label+"simpleenroll", s.answer(func(w http.ResponseWriter, r *http.Request) error { return s.enroll(w, r, use) }))
		m.HandleFunc("POST "+Path+label+"simplereenroll", s.answer(func(w http.ResponseWriter, r *http.Request) error { return s.reenroll(w, r, use) }))
	}
	return m
}

// answer says errors: a refusal as it is, others without a word of what is inside.
func (s *Service) answer(h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		now := s.now()
		err := func() error {
			if r.Method == http.MethodPost {
				if open, wait := s.doors.open(r.RemoteAddr, now); !open {
					w.Header().Set("Retry-After", fmt.Sprint(int(wait/time.Second)))
					return enrol.Busy
				}
			}
			return h(w, r)
		}()
		if err == nil {
			return
		}
		no, refused := errors.AsType[*enrol.Refusal](err)
		if !refused {
			s.c.Log.Error("est: no answer", "path", r.URL.Path, "err", err)
			w.Header().Set("Retry-After", "60")
			http.Error(w, "the portal cannot answer now", http.StatusServiceUnavailable)
			return
		}
		if no != enrol.Busy {
			s.doors.failed(r.RemoteAddr, now)
		}
		s.c.Log.Warn("est: refused", "path", r.URL.Path, "why", no.Code)
		if no.Status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Basic realm="est"`)
		}
		http.Error(w, no.Error(), no.Status)
	}
}

func (s *Service) enroll(w http.ResponseWriter, r *http.Request, use string) error {
	user, password, has := r.BasicAuth()
	if !has {
		k, err := s.known(r.Context(), r.TLS.PeerCertificates)
		if err != nil {
			return err
		}
		if k.late { // it renews, and brings nothing new
			return enrol.CertExpired
		}
		return s.renewed(w, r, k, use)
	}
	code, err := enrol.ParseCode(password)
	if err != nil {
		return enrol.NoCode
	}
	asked, err := request(r)
	if err != nil {
		return err
	}
	certs, err := s.byCode(r.Context(), s.id(code), user, map[string]enrol.Request{use: asked})
	if err != nil {
		return err
	}
	return give(w, certs[use])
}

func (s *Service) reenroll(w http.ResponseWriter, r *http.Request, use string) error {
	k, err := s.known(r.Context(), r.TLS.PeerCertificates)
	if err != nil {
		return err
	}
	return s.renewed(w, r, k, use)
}

func (s *Service) renewed(w http.ResponseWriter, r *http.Request, k shown, use string) error {
	asked, err := request(r)
	if err != nil {
		return err
	}
	cert, err := s.byCert(r.Context(), k, use, asked)
	if err != nil {
		return err
	}
	return give(w, cert)
}

// request reads the body: PKCS #10 in base64. DER as it is does as well.
func request(r *http.Request) (enrol.Request, error) {
	b, err := io.ReadAll(io.LimitReader(r.Body, 2*enrol.MaxRequest+1))
	if err != nil || len(b) > 2*enrol.MaxRequest {
		return enrol.Request{}, enrol.Malformed
	}
	if len(b) > 0 && b[0] != 0x30 {
		b = bytes.Join(bytes.Fields(b), nil)
		if b, err = base64.StdEncoding.AppendDecode(nil, b); err != nil {
			return enrol.Request{}, enrol.Malformed
		}
	}
	req, err := enrol.ParseRequest(b)
	if err != nil {
		return enrol.Request{}, enrol.Malformed
	}
	return req, nil
}

// give sends certificates, as RFC 7030 wants them.
func give(w http.ResponseWriter, certs ...*x509.Certificate) error {
	der, err := enrol.MarshalCerts(certs...)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/pkcs7-mime; smime-type=certs-only")
	w.Header().Set("Content-Transfer-Encoding", "base64")
	// One line: some clients stumble over line ends (RFC 8951, section 3.1).
	_, _ = io.WriteString(w, base64.StdEncoding.EncodeToString(der)) // who asked may have gone: the same again gets the same
	return nil
}

func (s *Service) cacerts(w http.ResponseWriter, _ *http.Request) error {
	out := []*x509.Certificate{s.c.Issuer.Cert}
	for _, c := range append(append([]*x509.Certificate{}, s.c.Issuer.Chain...), s.c.Roots...) {
		if !contains(out, c) {
			out = append(out, c)
		}
	}
	return give(w, out...)
}

func contains(all []*x509.Certificate, c *x509.Certificate) bool {
	for _, a := range all {
		if a.Equal(c) {
			return true
		}
	}
	return false
}

func (s *Service) knowledgePage(w http.ResponseWriter, r *http.Request) error {
	bundle, catalogue, err := s.knowledge(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(enrol.Knowledge{Trust: bundle, Catalogue: catalogue}) // who asked may have gone
	return nil
}
