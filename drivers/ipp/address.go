package ipp

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/penjire/penjire/drivers/device"
)

// address is where a printer is.
type address struct {
	http    string // URL to send requests to
	printer string // printer-uri in them
	secure  bool
}

// parse reads a printer's URI (RFC 8010, section 4; RFC 7472): ipp and ipps mean
// HTTP on port 631.
func parse(uri string) (address, error) {
	u, err := url.Parse(uri)
	if err != nil {
		return address{}, fmt.Errorf("ipp: read address %q: %w", uri, err)
	}
	port := map[string]string{"ipp": "631", "ipps": "631", "http": "80", "https": "443"}[u.Scheme]
	if port == "" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return address{}, fmt.Errorf("ipp: read address %q: want ipp, ipps, http or https, a host and a path", uri)
	}
	if u.Port() != "" {
		port = u.Port()
	}
	if u.Path == "" {
		u.Path = "/ipp/print"
	}
	a := address{secure: strings.HasSuffix(u.Scheme, "s")}
	u.Host = net.JoinHostPort(u.Hostname(), port)
	u.Scheme = "http"
	if a.secure {
		u.Scheme = "https"
	}
	a.http = u.String()
	a.printer = "ipp" + strings.TrimPrefix(a.http, "http")
	return a, nil
}

// newClient returns a client for the printer alone: no proxy, no redirects, and a
// request that may have reached it is never sent again.
func newClient(at address, o Opts) (*http.Client, error) {
	t := &http.Transport{
		DialContext: o.Dial, MaxIdleConnsPerHost: 1, MaxConnsPerHost: 4,
		MaxResponseHeaderBytes: 16 << 10, DisableCompression: true,
		TLSHandshakeTimeout: o.Answer,
	}
	if o.Dial == nil {
		t.DialContext = new(net.Dialer).DialContext
	}
	if (o.Pin != "" || o.PinFile != "") && !at.secure {
		return nil, errors.New("got a certificate to trust for an address without one, want ipps or https")
	}
	if at.secure {
		c, err := o.trust()
		if err != nil {
			return nil, err
		}
		t.TLSClientConfig = c
	}
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, nil
}

// trust returns how the printer's certificate is checked: against the pinned key,
// or as a browser would.
func (o Opts) trust() (*tls.Config, error) {
	if o.Pin == "" && o.PinFile == "" {
		return &tls.Config{MinVersion: tls.VersionTLS12}, nil
	}
	pin := o.Pin
	if pin != "" {
		if b, err := hex.DecodeString(pin); err != nil || len(b) != sha256.Size || o.PinFile != "" {
			return nil, errors.New("got a pin that is no SHA-256 in hexadecimal, or a file besides it")
		}
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		// The names and dates in a printer's own certificate mean nothing; its key
		// is what is checked, in VerifyConnection, which always runs.
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			want := pin
			got := Pin(s.PeerCertificates[0])
			if o.PinFile != "" {
				var err error
				if want, err = firstUse(o.PinFile, got); err != nil {
					return err
				}
			}
			if !strings.EqualFold(got, want) {
				return fmt.Errorf("the printer's key is %s, and the one trusted is %s: %w", got, want, device.ErrProtocol)
			}
			return nil
		},
	}, nil
}

// Pin returns the pin of c's key: the SHA-256 of its SubjectPublicKeyInfo.
func Pin(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}

// firstUse returns the pin in the file, after writing got there if there is none.
func firstUse(name, got string) (string, error) {
	b, err := os.ReadFile(name)
	if err == nil {
		return strings.TrimSpace(string(b)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the key that is trusted: %w", err)
	}
	// Written whole under another name first: half a pin would lock the printer out.
	tmp := name + ".new"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err == nil {
		_, err = f.WriteString(got + "\n")
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err == nil {
		err = os.Rename(tmp, name)
	}
	if err != nil {
		return "", fmt.Errorf("keep the key that is trusted from now on: %w", err)
	}
	return got, nil
}
